"""The end from inside, seen from outside: each command is a process of its own."""

import os
import signal
import subprocess
import sys
import time

import pytest

START = "from pipeline.core import time_limit; time_limit.GRACE_SECONDS = 0.5; time_limit.end_in_time(); "
WAITS = START + "import time; time.sleep(60)"
COMPUTES = START + "import hashlib; hashlib.pbkdf2_hmac('sha256', b'a', b'b', 1_000_000_000)"
LETS_NO_THREAD_RUN = START + "sum(range(10**12))"


def ended(command: str, limit: str) -> tuple[int, str, float]:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", command],
        env={**os.environ, "PIPELINE_TIME_LIMIT_SECONDS": limit},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr, time.monotonic() - started


@pytest.mark.parametrize("command", (WAITS, COMPUTES), ids=("waits", "computes in C"))
def test_a_command_past_its_time_ends_as_a_problem_of_the_machine(command: str) -> None:
    code, said, seconds = ended(command, "0.3")
    assert code == 6
    assert "not finished after 0.3 s" in said
    assert "to do:" in said
    assert seconds < 15


def test_a_library_that_lets_no_other_thread_run_is_ended_by_the_kernel() -> None:
    code, said, _ = ended(LETS_NO_THREAD_RUN, "0.3")
    assert code == -signal.SIGALRM
    assert said == ""


def test_a_command_within_its_time_is_left_alone() -> None:
    assert ended(START + "print('done')", "60")[:2] == (0, "")


def test_without_a_limit_nothing_is_started() -> None:
    assert ended(START + "import threading; assert threading.active_count() == 1", "")[:2] == (0, "")


@pytest.mark.parametrize("limit", ("soon", "0", "-1", "nan", "inf"))
def test_a_limit_that_is_no_time_is_refused_by_every_command(limit: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "--help"],
        env={**os.environ, "PIPELINE_TIME_LIMIT_SECONDS": limit},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "PIPELINE_TIME_LIMIT_SECONDS" in done.stderr
