import os
import socket
from collections.abc import Iterator

import pytest

from pipeline.core.errors import MachineError, ParameterError
from pipeline.release.model_server import free_port
from pipeline.services.ports import Port, check_ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def test_free_ports_pass() -> None:
    check_ports([Port(free_port(), "first", "--first-port"), Port(free_port(), "second", "--second-port")])


def test_a_taken_port_is_named_with_who_wants_it_who_holds_it_and_how_to_choose_another(taken: int) -> None:
    with pytest.raises(
        MachineError, match=rf"port {taken}, wanted by the page, is held by process {os.getpid()}: \S"
    ) as caught:
        check_ports([Port(free_port(), "first", "--first-port"), Port(taken, "page", "--page-port")])
    assert caught.value.todo.endswith("choose other ports with --page-port")
    assert caught.value.exit_code == 6


def test_a_port_left_a_moment_ago_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", number)) as client, listener.accept()[0] as served:
            served.shutdown(socket.SHUT_RDWR)
            client.recv(1)
    check_ports([Port(number, "page", "--page-port")])


def test_two_services_on_one_port_are_refused() -> None:
    with pytest.raises(ParameterError, match="the first is to listen on port 9000; the second is to") as caught:
        check_ports([Port(9000, "first", "--first-port"), Port(9000, "second", "--second-port")])
    assert "--first-port, --second-port" in caught.value.todo
