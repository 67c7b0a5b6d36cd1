"""The errors a person can mend, and the exit code of each kind."""


class PipelineError(Exception):
    """A problem that a person can mend: what came, what was expected and what to do about it.

    Args:
        came: what was found, with the offending value or path.
        expected: what would have been right.
        todo: the next thing to do, as a command where there is one.
    """

    exit_code = 1

    def __init__(self, came: str, *, expected: str, todo: str) -> None:
        super().__init__(came)
        self.came = came
        self.expected = expected
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.came}\n  expected: {self.expected}\n  to do:    {self.todo}"


class ParameterError(PipelineError):
    """Parameters that cannot be used: unknown keys, values out of range, combinations that exclude each other."""

    exit_code = 2


class GateRefused(PipelineError):
    """The gate refused the candidate, or had too little to judge it by."""

    exit_code = 3


class DataError(PipelineError):
    """Photos, labels or tables that cannot be used."""

    exit_code = 4


class ServingError(PipelineError):
    """A model server, an exported model or the registry that does not answer as agreed."""

    exit_code = 5


class MachineError(PipelineError):
    """The machine stands in the way: disk full, lock held, weights out of reach, port taken."""

    exit_code = 6


def first_line(error: Exception) -> str:
    """What an exception says, in one line; its type where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)
