"""What goes wrong: a request that cannot be answered, and a server that cannot start."""

import grpc

MAX_MESSAGE_CHARACTERS = 1024
"""Longer messages are cut, as in the original: a request must not be able to make its own error arbitrarily large."""


class RequestError(Exception):
    """A request, a load or a configuration that is refused, with the status that the client sees.

    Args:
        code: gRPC status; the REST side derives its HTTP status from it.
        message: one text for people, cut at 1,024 characters.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message[:MAX_MESSAGE_CHARACTERS])
        self.code = code

    @property
    def message(self) -> str:
        """What the client reads."""
        return str(self)


class StartError(Exception):
    """A server that cannot start: what came, what was expected, what to do, and the exit code of the process."""

    def __init__(self, came: str, *, expected: str, todo: str, exit_code: int) -> None:
        super().__init__(f"{came}\n  expected: {expected}\n  to do:    {todo}")
        self.exit_code = exit_code


def invalid(message: str) -> RequestError:
    """A request that is wrong in itself, whatever the server serves."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)
