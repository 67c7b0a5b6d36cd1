"""A full disk, whoever meets it first."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.core.errors import MachineError, PipelineError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def disk_errors(place: object) -> Iterator[None]:
    """Turn a full disk, however deep a library has wrapped it, into words.

    Args:
        place: what was being written, for the message.

    Raises:
        MachineError: the disk that holds `place` is full.
    """
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        if not _is_disk_full(error):
            raise
        raise MachineError(
            f"the disk is full while writing {place}",
            expected="room for one more copy of the model",
            todo="free some space and run the command again; what served before still serves",
        ) from error


def _is_disk_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if "No space left on device" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
