"""Whether a port can be had, asked before anything slow is done."""

import socket

from serving.modelserver.errors import StartError

NO_PORT_EXIT_CODE = 6


def probe_port(flag: str, host: str, port: int) -> None:
    """Check that a TCP port is free.

    Raises:
        StartError: it is taken, or the host is no address of this machine.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that has just been left is free
        try:
            probe.bind((host, port))
        except OSError as error:
            raise port_taken(flag, host, port, error.strerror or str(error)) from None


def port_taken(flag: str, host: str, port: int, reason: str = "address already in use") -> StartError:
    """The error of a port that cannot be had."""
    return StartError(
        f"--{flag}={port} on {host} cannot be had: {reason}",
        expected="an address of this machine and a port that nobody listens on",
        todo=f"stop what listens there, or choose another --{flag}",
        exit_code=NO_PORT_EXIT_CODE,
    )
