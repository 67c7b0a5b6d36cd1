"""The history of a line of models: one JSON line when a change begins and one when it ends, never rewritten.

A line counts once its newline is on the disk. A last line without one was never acknowledged, so nothing was done on
its strength; it is left out when reading and cut off before the next line is written.
"""

import dataclasses
import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.core.errors import ServingError


class Action(StrEnum):
    """What changes the served version."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


class State(StrEnum):
    """How far a change has come."""

    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Entry:
    """One line of `promotions.jsonl`."""

    action: Action
    version: int
    """The version that is to serve."""
    previous: int | None
    """The version that served when the change began."""
    manifest: str
    """Manifest hash of the version."""
    run_id: str
    """MLflow run that made the version."""
    gate: str
    """Verdict of the gate at registration, with whoever overrode it."""
    who: str
    reason: str
    """Why the change was asked for; on a failed line, why it failed."""
    time: str
    """ISO 8601, UTC."""
    state: State


@dataclass(frozen=True)
class Journal:
    """The readable lines of a history, oldest first."""

    entries: tuple[Entry, ...] = ()
    torn: str = ""
    """A half-written last line, empty where there is none."""


def read_journal(path: Path) -> Journal:
    """Read a history; a missing file is an empty one.

    Raises:
        ServingError: a complete line cannot be understood.
    """
    if not path.exists():
        return Journal()
    *lines, torn = path.read_bytes().split(b"\n")
    entries = tuple(_entry(line, number, path) for number, line in enumerate(lines, start=1))
    return Journal(entries, torn.decode(errors="replace"))


def append_entry(path: Path, entry: Entry) -> None:
    """Add a line and wait until the disk has it; a half-written last line is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(dataclasses.asdict(entry), ensure_ascii=False) + "\n"
    with path.open("a+b") as stream:
        _cut_torn_line(stream.fileno())
        stream.write(line.encode())
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(path.parent)


def pending(journal: Journal) -> Entry | None:
    """The change that began and neither ended nor failed, because its process died."""
    last = journal.entries[-1] if journal.entries else None
    return last if last is not None and last.state is State.INTENT else None


def current(journal: Journal) -> Entry | None:
    """The change that made the serving version serve, or None where nothing serves yet."""
    done = [entry for entry in journal.entries if entry.state is State.DONE]
    return done[-1] if done else None


def standing_versions(journal: Journal) -> list[int]:
    """The versions a rollback can step through, oldest first; the last one serves.

    A promotion puts its version on top; a rollback takes off everything above the version it returns to, so that a
    second rollback goes further back and never returns to the version that was just withdrawn.
    """
    versions: list[int] = []
    for entry in journal.entries:
        if entry.state is not State.DONE:
            continue
        if entry.action is Action.ROLLBACK and entry.version in versions:
            del versions[_last_index(versions, entry.version) :]
        versions.append(entry.version)
    return versions


def previous(journal: Journal) -> int | None:
    """The version that a rollback returns to, or None where there is none."""
    versions = standing_versions(journal)
    return next((version for version in reversed(versions) if version != versions[-1]), None)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has a folder's names."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entry(line: bytes, number: int, path: Path) -> Entry:
    try:
        values = json.loads(line)
        return Entry(**values | {"action": Action(values["action"]), "state": State(values["state"])})
    except (ValueError, TypeError, KeyError) as error:
        raise ServingError(
            f"{path} line {number} cannot be understood: {error}",
            expected="one JSON object per line, as the release commands write them",
            todo="restore the file from a backup; the release commands never rewrite a line",
        ) from None


def _cut_torn_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    complete = os.pread(descriptor, size, 0).rfind(b"\n") + 1
    if complete != size:
        os.ftruncate(descriptor, complete)


def _last_index(versions: list[int], version: int) -> int:
    return len(versions) - 1 - versions[::-1].index(version)
