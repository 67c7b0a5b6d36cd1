"""Locks between runs, and children that do not outlive their parent."""

import ctypes
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pipeline.core.errors import MachineError

STARTER = "PIPELINE_STARTED_BY"
"""Environment variable: id of the process for which a command runs, such as a task of Airflow; unset = none."""

_PR_SET_PDEATHSIG = 1
_SHELLS = (b"sh", b"bash", b"dash", b"ksh", b"zsh")
_WATCH_SECONDS = 0.2
_TRY_SECONDS = 0.1


@contextmanager
def held_lock(path: Path, purpose: str, patience: float = 0.0) -> Iterator[None]:
    """Hold an exclusive lock file for the length of a block; the kernel frees it when the process dies.

    Args:
        path: the lock file; made where missing, never removed.
        purpose: what holds the lock, in words that the next one who asks will read.
        patience: seconds to wait for another process that holds it, at least 0.

    Raises:
        MachineError: another process holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        if not _locked(stream) and not _locked_in_time(stream, patience):
            raise MachineError(
                f"{path} is held by {_holder_of(stream)}",
                expected="one run at a time in this checkout",
                todo="wait for it to end, or stop that process, then run the command again",
            )
        stream.truncate(0)
        stream.write(f"{purpose} (process {os.getpid()})")
        stream.flush()
        yield


def _locked(stream: TextIO) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _locked_in_time(stream: TextIO, seconds: float) -> bool:
    from pipeline.core.progress import spinner

    end = time.monotonic() + seconds
    with spinner(f"waiting for {_holder_of(stream)}"):
        while time.monotonic() < end:
            time.sleep(_TRY_SECONDS)
            if _locked(stream):
                return True
    return False


def _holder_of(stream: TextIO) -> str:
    stream.seek(0)
    return stream.read().strip() or "another process"


def die_with_parent() -> None:
    """End this process when its parent ends, so that a killed run leaves no stage behind.

    The kernel is asked to send the signal; a parent that ends while it is asked is seen by its process id having
    changed to the reaper's. A shell that stands between for the sake of one command (`sh -c`, as DVC and Make start
    theirs) outlives a killed parent, so the shell's own parent is watched too. A parent that ended before it was asked
    about shows in the process that `STARTER` names having ended. Does nothing where the kernel is not Linux.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent or not _starter_runs():
        os.kill(os.getpid(), signal.SIGTERM)
    ancestors = _ancestors()
    if len(ancestors) > 1:
        threading.Thread(target=_watch, args=(ancestors,), daemon=True).start()


def forks_die_with_parent() -> None:
    """Have every process that this one forks from now on, and that those fork, killed when the forking thread ends.

    A forked process may have inherited handlers that ignore SIGTERM, so it is killed at once. Programs started in a
    process of their own (`subprocess`) are not meant. Does nothing where the kernel is not Linux.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None, use_errno=True)
    parents: list[int] = []

    def killed_with_parent() -> None:
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parents[-1]:  # it ended before the kernel was asked
            os.kill(os.getpid(), signal.SIGKILL)

    os.register_at_fork(
        before=lambda: parents.append(os.getpid()), after_in_parent=parents.pop, after_in_child=killed_with_parent
    )


def _starter_runs() -> bool:
    starter = os.environ.get(STARTER)
    return not starter or Path(f"/proc/{starter}").exists()


def _watch(ancestors: list[int]) -> None:
    while _ancestors() == ancestors:
        time.sleep(_WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _ancestors() -> list[int]:
    """The parent, and for as long as it is a shell that runs one command, that shell's parent."""
    ancestors = [os.getppid()]
    try:
        while _runs_one_command(ancestors[-1]):
            ancestors.append(_parent_of(ancestors[-1]))
    except OSError:  # ended while it was looked at
        ancestors.append(0)
    return ancestors


def _runs_one_command(process_id: int) -> bool:
    program, *arguments = Path(f"/proc/{process_id}/cmdline").read_bytes().split(b"\0")
    return program.rsplit(b"/", 1)[-1] in _SHELLS and b"-c" in arguments


def _parent_of(process_id: int) -> int:
    # The command's name stands in brackets and may hold anything; the parent is the second value after it.
    status = Path(f"/proc/{process_id}/stat").read_bytes()
    return int(status.rsplit(b")", 1)[1].split()[1])
