"""Starts the explanation sidecar: a photo in, and out come its class and where on it the grounds lie.

    python -m serving.explainer --model demo --server 127.0.0.1:8500

Its address, opened in a browser, is a page for people; programs POST to /v1/explain.

It asks the model server for everything that needs the model, runs no TensorFlow itself, and listens on loopback unless
told otherwise. Exit codes: 0 stopped, 2 unknown flags, 6 address taken.
"""

import argparse
import signal
import socket
import sys
from collections.abc import Sequence
from types import FrameType

import uvicorn

from serving.client import ModelClient
from serving.sidecar.app import ExplainedModel, create_app
from serving.sidecar.guard import LOOPBACK_NAMES

ADDRESS_TAKEN = 6
"""Exit code."""

_SHUTDOWN_SECONDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _leave)  # uvicorn finishes what runs, then hands the signal on to this
    chosen = arguments_of(arguments)
    try:
        family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
        listening = socket.create_server((chosen.host, chosen.port), family=family)
    except (OSError, OverflowError) as error:
        sys.stderr.write(
            f"cannot listen on {chosen.host}:{chosen.port}: {error}\n"
            "  expected: a free port of this machine\n"
            "  to do:    stop what listens there, or choose another with --port\n"
        )
        return ADDRESS_TAKEN
    with listening, ModelClient(chosen.server) as client:
        name = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
        sys.stderr.write(f"the page: http://{name}:{chosen.port}/\n")
        hosts = LOOPBACK_NAMES if chosen.host in LOOPBACK_NAMES else None
        app = create_app(client, ExplainedModel(chosen.model, chosen.version, chosen.label), hosts=hosts)
        config = uvicorn.Config(
            app, lifespan="off", access_log=False, server_header=False, timeout_graceful_shutdown=_SHUTDOWN_SECONDS
        )
        uvicorn.Server(config).run(sockets=[listening])
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def arguments_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What a command line asks for; None = this process's own."""
    parser = argparse.ArgumentParser(prog="python -m serving.explainer", description=__doc__.partition("\n")[0])
    parser.add_argument("--model", required=True, help="name of the served model")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--version", type=int, help="version to ask; default: by label, or the newest")
    chosen.add_argument("--label", help="version label to ask, for example stable")
    parser.add_argument("--server", default="127.0.0.1:8500", help="gRPC address of the model server (%(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8502, help="port to listen on (%(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
