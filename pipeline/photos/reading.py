"""Reading: a file is opened once, hashed and decoded once; whatever happens to it costs its own row alone."""

import hashlib
import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from pipeline.photos.listing import FoundFile
from pipeline.photos.measures import Measures, measure, unmeasured
from pipeline.photos.records import PhotoRow
from serving.contract import PhotoLimits

NOTHING_READ = hashlib.sha256(b"").hexdigest()

Take = Callable[[bytes, PhotoLimits], Measures]
"""What is taken from a file's bytes."""

_TOLD = tuple(field.name for field in fields(FoundFile) if field.name != "problem")
_STORABLE = (1 << 63) - 1
"""Network file systems give numbers of 64 bits, one more than SQLite holds; the highest bit tells little."""
_SETTLED_NANOSECONDS = 2_000_000_000
"""Clocks of file systems are coarse: a file that changed since may look the same unless it had rested for so long."""


class Identity(NamedTuple):
    """What tells, without opening it, that a file is still the one that was read."""

    num_bytes: int
    modified: int
    """Nanoseconds since 1970, of the content."""
    changed: int
    """The same of anything about the file."""
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Identity":
        """Take what counts from a file's status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino & _STORABLE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one file."""

    measures: Measures
    whole: bool
    """Whether its bytes were read from first to last, so that equal bytes have equal measures."""
    identity: Identity | None
    """None where it would not tell a later change."""


def read_file(location: Path, limits: PhotoLimits, take: Take = measure) -> Reading:
    """Read one file, whatever it holds.

    Where not even its bytes could be read, or where they changed meanwhile, `sha256` is that of no bytes.

    Args:
        location: of the file.
        limits: checked before a photo is decoded.
        take: what is taken from its bytes.
    """
    try:
        started = time.time_ns()
        # A pipe that took the file's place must not make its reader wait for ever.
        with os.fdopen(os.open(location, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as stream:
            before = os.fstat(stream.fileno())
            if not stat.S_ISREG(before.st_mode):
                return unread("not a regular file")
            measures = _taken(stream, before.st_size, limits, take)
            after = Identity.of(os.fstat(stream.fileno()))
    except OSError as problem:
        return unread(f"cannot be read: {problem.strerror}")
    if after != Identity.of(before) or measures["num_bytes"] != before.st_size:
        return unread("it changed while it was read")
    settled = max(after.modified, after.changed) + _SETTLED_NANOSECONDS < started
    return Reading(measures, whole=True, identity=after if settled else None)


def read_task(root: Path, limits: PhotoLimits, take: Take, paths: Sequence[str]) -> list[Reading]:
    """Read files one after the other: the work of one worker at a time."""
    return [read_file(root / path, limits, take) for path in paths]


def hashed(data: bytes, limits: PhotoLimits) -> Measures:
    """Take a file's sha256 alone: a `Take` for files of which the bytes may be known already."""
    return unmeasured(hashlib.sha256(data).hexdigest(), len(data), "")


def killed(location: Path, limits: PhotoLimits) -> Reading:
    """What is said of a file whose reader did not survive it; the next run tries it again."""
    reading = read_file(location, limits, hashed)
    error = reading.measures["error"] or "the process that read it was killed"
    return replace(reading, measures={**reading.measures, "error": error}, whole=False, identity=None)


def unread(error: str) -> Reading:
    """What is said of a file of which no bytes could be had."""
    return Reading(unmeasured(NOTHING_READ, 0, error), whole=False, identity=None)


def row_of(file: FoundFile, measures: Measures) -> PhotoRow:
    """Join what a file's folder and batch tell with what its bytes tell; the batch's date goes before the camera's."""
    told = {name: getattr(file, name) for name in _TOLD}
    return PhotoRow(**{**told, "taken_at": file.taken_at or measures["camera_time"]}, **measures)


def read_photo(root: Path, file: FoundFile, limits: PhotoLimits) -> PhotoRow:
    """Read one file into its row; a file with a problem is not opened."""
    reading = unread(file.problem) if file.problem else read_file(root / file.path, limits)
    return row_of(file, reading.measures)


def _taken(stream: BufferedReader, num_bytes: int, limits: PhotoLimits, take: Take) -> Measures:
    if num_bytes > limits.max_bytes:
        error = f"{num_bytes:,} bytes; at most {limits.max_bytes:,} are accepted"
        return unmeasured(hashlib.file_digest(stream, "sha256").hexdigest(), num_bytes, error)
    return take(stream.read(num_bytes + 1), limits)
