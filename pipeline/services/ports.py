"""Whether the ports of several services can be had, asked before any of them starts."""

import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from pipeline.core.errors import MachineError, ParameterError

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Port:
    """A loopback port that a service is to listen on."""

    number: int
    """1 to 65535."""
    service: str
    """What will listen there, for people."""
    chosen_by: str
    """Option or parameter that names the number."""


def check_ports(ports: Sequence[Port]) -> None:
    """Check that every port is free and wanted once.

    Raises:
        ParameterError: two services want the same port.
        MachineError: ports are taken; each is named with who wanted it and what listens there.
    """
    wanted = Counter(port.number for port in ports)
    shared = [port for port in ports if wanted[port.number] > 1]
    if shared:
        raise ParameterError(
            "; ".join(f"the {port.service} is to listen on port {port.number}" for port in shared),
            expected="a port for each",
            todo=f"choose other numbers with {', '.join(port.chosen_by for port in shared)}",
        )
    taken = [port for port in ports if not _is_free(port.number)]
    if taken:
        raise MachineError(
            "; ".join(f"port {port.number}, wanted by the {port.service}, {_holder(port.number)}" for port in taken),
            expected=f"free ports on {HOST}",
            todo=f"stop what listens there, or choose other ports with {', '.join(port.chosen_by for port in taken)}",
        )


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that has just been left is free
        try:
            probe.bind((HOST, number))
        except OSError:
            return False
    return True


def _holder(number: int) -> str:
    """What keeps a port, for people; the system shows the processes of other users to root alone."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == number and connection.pid:
                command = " ".join(psutil.Process(connection.pid).cmdline())
                return f"is held by process {connection.pid}: {command[:100]}"
    except psutil.Error:
        pass
    return "cannot be had: another user's process holds it, or it takes more rights"
