"""Model servers as a release sees them: the one at the configured address, or a private one for a check."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from pipeline.core.errors import ServingError
from pipeline.core.tables import write_text
from pipeline.release.server_config import config_text
from serving.client import (
    ModelClient,
    ModelServerError,
    Prediction,
    ServedModel,
    ServingUnavailable,
    VersionStatus,
)

START_SECONDS = 180.0
"""Time for a private server to import TensorFlow and open its port."""

_SERVER = """
import runpy
from pipeline.core.locks import die_with_parent
die_with_parent()
runpy.run_module("serving.server", run_name="__main__", alter_sys=True)
"""
# As `python -m serving.server`, but it ends with the promotion even where that is killed.

_PROBE_SECONDS = 1.0
_LOG_LINES = 15


class ModelServer(Protocol):
    """What a release asks of a model server."""

    def status(self, model: str) -> list[VersionStatus]:
        """Versions that the server knows of a model."""
        ...

    def reload(self, models: Sequence[ServedModel]) -> None:
        """Replace what the server serves."""
        ...

    def predict(
        self, photos: Sequence[bytes], model: str, *, version: int | None = None, label: str | None = None
    ) -> list[Prediction]:
        """Classes of photos."""
        ...


@dataclass(frozen=True)
class Outside:
    """What lies outside a release: model servers and the clock."""

    running_server: Callable[[str], AbstractContextManager[ModelServer | None]]
    """The server that answers at an address, or None."""
    private_server: Callable[[ServedModel], AbstractContextManager[ModelServer]]
    """A server of our own, for as long as a check takes."""
    now: Callable[[], datetime]


@contextmanager
def running_server(address: str) -> Iterator[ModelServer | None]:
    """Give the server that answers at an address, or None where nothing answers."""
    with ModelClient(address) as client, ModelClient(address, deadline=_PROBE_SECONDS) as probe:
        yield client.as_trial() if _answers(probe) else None


@contextmanager
def private_server(model: ServedModel) -> Iterator[ModelServer]:
    """Start the embedded server with one model on a free loopback port, and stop it in the end.

    Raises:
        ServingError: it does not start; the message ends with its log.
    """
    with TemporaryDirectory() as folder:
        config, log = Path(folder) / "models.config", Path(folder) / "server.log"
        write_text(config, config_text({model.name: model}))
        port = free_port()
        flags = [f"--port={port}", f"--model_config_file={config}"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", _SERVER, *flags], stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            with ModelClient(f"127.0.0.1:{port}") as client:
                _wait_for_start(client, process, log)
                yield client
        finally:
            stop_process(process)


OUTSIDE = Outside(running_server, private_server, lambda: datetime.now(UTC))


def _answers(client: ModelClient) -> bool:
    try:
        client.status("-")
    except ServingUnavailable:
        return False
    except ModelServerError:
        return True  # any refusal is an answer
    return True


def _wait_for_start(client: ModelClient, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if _answers(client):
            return
        time.sleep(0.1)
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])
    raise ServingError(
        f"the private model server did not start; its last lines:\n{tail}",
        expected=f"a server within {START_SECONDS:.0f} s",
        todo="mend what the log names, or start a server with `make serve`, then run the command again",
    )


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and end it after 10 s."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A loopback port that nothing listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
