import pytest

from pipeline.core.errors import (
    DataError,
    GateRefused,
    MachineError,
    ParameterError,
    PipelineError,
    ServingError,
    first_line,
)


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    (
        (PipelineError, 1),
        (ParameterError, 2),
        (GateRefused, 3),
        (DataError, 4),
        (ServingError, 5),
        (MachineError, 6),
    ),
)
def test_each_kind_has_the_exit_code_of_the_design(kind: type[PipelineError], exit_code: int) -> None:
    assert kind("came", expected="right", todo="mend").exit_code == exit_code


def test_an_error_says_what_came_what_was_expected_and_what_to_do() -> None:
    error = DataError("3 photos", expected="4 photos", todo="bring one more")
    assert str(error).splitlines() == ["3 photos", "  expected: 4 photos", "  to do:    bring one more"]


@pytest.mark.parametrize(
    ("error", "line"), ((OSError("first\nsecond"), "first"), (ConnectionResetError(), "ConnectionResetError"))
)
def test_the_first_line_of_an_error_is_never_empty(error: Exception, line: str) -> None:
    assert first_line(error) == line
