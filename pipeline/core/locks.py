"""Locks between runs, and children that do not outlive their parent."""

import ctypes
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.errors import MachineError

_PR_SET_PDEATHSIG = 1


@contextmanager
def held_lock(path: Path, purpose: str) -> Iterator[None]:
    """Hold an exclusive lock file for the length of a block; the kernel frees it when the process dies.

    Args:
        path: the lock file; made where missing, never removed.
        purpose: what holds the lock, in words that the next one who asks will read.

    Raises:
        MachineError: another process holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "another process"
            raise MachineError(
                f"{path} is held by {holder}",
                expected="one run at a time in this checkout",
                todo="wait for it to end, or stop that process, then run the command again",
            ) from None
        stream.truncate(0)
        stream.write(f"{purpose} (process {os.getpid()})")
        stream.flush()
        yield


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent ends, so that a killed run leaves no stage behind.

    The request follows the parent as it is now; a parent that ends while the request is made is seen by its process
    id having changed to the reaper's, and this process ends at once. Does nothing where the kernel is not Linux.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
