"""Serve SavedModels over TensorFlow Serving's gRPC and REST APIs: `python -m serving.server --model_base_path=...`."""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version

from serving.modelserver.configuration import settings_from_flags
from serving.modelserver.errors import StartError
from serving.modelserver.flags import Flags, parse_flags
from serving.modelserver.ports import probe_port

log = logging.getLogger("serving.server")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is told to stop.

    Args:
        arguments: command line without the program's name; None = this process's own.

    Returns:
        Exit code: 0 after SIGTERM or SIGINT, 2 for flags or a config file that cannot be used, 6 for a taken port.
    """
    try:
        flags = parse_flags(sys.argv[1:] if arguments is None else arguments)
        if flags.version:
            sys.stdout.write(f"heritage-photo-pipeline {version('heritage-photo-pipeline')}\n")
            sys.stdout.write(f"TensorFlow {version('tensorflow')}\n")
            return 0
        _serve(flags)
    except StartError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


def _serve(flags: Flags) -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = settings_from_flags(flags)
    for name, port in (("port", flags.port), ("rest_api_port", flags.rest_api_port)):
        if port:
            probe_port(name, flags.host, port)
    log.info("Starting: %s", ", ".join(f"{model.name} at {model.base_path}" for model in settings) or "no models yet")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow takes seconds to import: whatever can be wrong has been said by now.
    from serving.modelserver.application import ModelServer

    gc.freeze()  # what TensorFlow keeps for good makes each collection take half a second, with all calls waiting
    server = ModelServer(flags, settings)
    server.start()
    stop.wait()
    log.info("Stopping")
    server.stop()


if __name__ == "__main__":
    sys.exit(main())
