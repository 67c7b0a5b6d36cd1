"""An end from inside to a command that takes too long."""

import math
import os
import signal
import threading

from pipeline.core.errors import MachineError, ParameterError

VARIABLE = "PIPELINE_TIME_LIMIT_SECONDS"
"""Environment variable: seconds after which a command ends itself; unset or empty = never."""

GRACE_SECONDS = 10.0
"""Time for an end with words; after it the kernel ends the process, whatever it is doing."""


def end_in_time() -> None:
    """End this process with the exit code of a `MachineError` once the time that the environment allows is over.

    A thread does it, with words. Where a library computes for so long without letting another thread run, the
    kernel's alarm ends the process `GRACE_SECONDS` later, by SIGALRM and without words.

    Raises:
        ParameterError: the variable holds something else than a positive number of seconds.
    """
    given = os.environ.get(VARIABLE, "")
    if not given:
        return
    seconds = _positive(given)
    timer = threading.Timer(seconds, _end, (seconds,))
    timer.daemon = True
    timer.start()
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_SECONDS)


def _positive(given: str) -> float:
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise ParameterError(
            f"{VARIABLE} is {given!r}", expected="a positive number of seconds", todo=f"mend or unset {VARIABLE}"
        )
    return seconds


def _end(seconds: float) -> None:
    problem = MachineError(
        f"not finished after {seconds:g} s, the time that {VARIABLE} allows",
        expected="an end within it",
        todo="look for what holds the command up, such as a far service or a busy machine; or allow more time",
    )
    # Past Python's own streams and clean-up: the main thread may hold their locks for as long as it computes.
    os.write(2, f"error: {problem}\n".encode())
    os._exit(problem.exit_code)
