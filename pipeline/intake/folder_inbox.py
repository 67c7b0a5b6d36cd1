"""The inbox folder: people drop a folder or an archive, and find it moved once it was taken in or put aside."""

import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.core.errors import DataError, MachineError
from pipeline.core.hashing import sha256_of_value
from pipeline.core.tables import write_text
from pipeline.intake.inbox import (
    MARKER,
    QUARANTINE,
    TAKEN,
    Arrival,
    ArrivedFile,
    PutAside,
    Settled,
    Waiting,
    batch_of,
    is_own,
    no_such_batch,
)

_NAME_BYTES = 200


class FolderInbox:
    """Batches that lie in a folder.

    Args:
        home: the checkout.
        folder: the inbox, from the checkout or absolute.
        records: folder of notes on what became of batches, since they are gone from the inbox by then.
        quiet_seconds: a batch without a marker is complete when nothing in it has changed for so long.
    """

    def __init__(self, home: Path, folder: str, records: Path, quiet_seconds: float) -> None:
        self._home = home
        self._shown = Path(folder)
        self._folder = home / folder
        self._records = records
        self._quiet_seconds = quiet_seconds

    def owns(self, source: str) -> bool:
        """See `Inbox`."""
        return not source.startswith("s3://")

    def waiting(self, now: float) -> list[Waiting]:
        """See `Inbox`; folders that hold nothing yet are passed over."""
        found = []
        for name in self._names():
            entry = self._folder / name
            batch = batch_of(name, _is_folder(entry))
            changed = _completed(entry, now, self._quiet_seconds) if batch else None
            if batch and changed is not None:
                found.append(Waiting(_text(batch), self._source(name), changed))
        return found

    def find(self, source: str) -> Arrival | Settled:
        """See `Inbox`."""
        name = self._name_of(source)
        entry = self._folder / name
        batch = batch_of(name, _is_folder(entry))
        if os.path.lexists(entry) and batch:
            return Arrival(_text(name), _text(batch), self._source(name), _files_of(entry, _text(name)))
        try:
            return Settled.of_values(json.loads(self._record(_text(name)).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise no_such_batch(source, str(self._shown)) from None

    def fetch(self, arrival: Arrival, folder: Path) -> Path:
        """See `Inbox`: nothing is copied."""
        entry = self._folder / self._name_of(arrival.source)
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise DataError(
                f"{arrival.source} is a link or a device",
                expected="the photos themselves",
                todo="put the folder or archive itself into the inbox (`cp -rL`), not a link to it",
            )
        return entry

    def check_unchanged(self, arrival: Arrival) -> None:
        """See `Inbox`."""
        self._compare(arrival, self._folder / self._name_of(arrival.source))

    def settle_taken(self, arrival: Arrival, answer: Mapping[str, Any]) -> None:
        """See `Inbox`: the batch moves to `_taken/`."""
        self._note(arrival, Settled(answer=answer))
        name = self._name_of(arrival.source)
        entry = self._folder / name
        target = self._folder / TAKEN / name
        if os.path.lexists(target):
            target = target.with_name(f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        _move(entry, target)
        try:
            self._compare(arrival, target)
        except MachineError:
            # What came at the last moment must not lie unseen among what was taken in.
            target.rename(entry)
            raise

    def quarantine_place(self, arrival: Arrival, time: str) -> str:
        """See `Inbox`: a folder below `_quarantine/`."""
        # A name with the time behind it may be too long for the file system.
        return str(self._shown / QUARANTINE / f"{arrival.name.encode()[:_NAME_BYTES].decode(errors='ignore')}-{time}")

    def settle_quarantined(self, arrival: Arrival, put_aside: PutAside, report: Path) -> None:
        """See `Inbox`: the batch moves, as it is, to its place, where the report lies beside it."""
        place = self._home / put_aside.place
        shutil.copytree(report, place, dirs_exist_ok=True)
        self._note(arrival, Settled(put_aside=put_aside))
        name = self._name_of(arrival.source)
        _move(self._folder / name, place / name)

    def _names(self) -> list[str]:
        try:
            return [entry.name for entry in self._folder.iterdir()]
        except FileNotFoundError:
            return []

    def _source(self, name: str) -> str:
        return str(self._shown / _text(name))

    def _name_of(self, source: str) -> str:
        """The name in the inbox of a source; it may have bytes that the source spells out."""
        place = self._home / source
        if place.parent.resolve() != self._folder.resolve() or is_own(place.name):
            raise no_such_batch(source, str(self._shown))
        return next((name for name in self._names() if _text(name) == place.name), place.name)

    def _record(self, name: str) -> Path:
        # Hashed, since a name of any length may stand in an inbox.
        return self._records / f"{sha256_of_value(name)[:32]}.json"

    def _note(self, arrival: Arrival, settled: Settled) -> None:
        write_text(self._record(arrival.name), json.dumps(settled.as_values()))

    def _compare(self, arrival: Arrival, entry: Path) -> None:
        if _files_of(entry, arrival.name) != arrival.files:
            raise MachineError(
                f"{arrival.source} changed while it was taken in",
                expected="a batch that is complete",
                todo=f"wait until everything is there; a file `{MARKER}` copied last says so",
            )


def _completed(entry: Path, now: float, quiet_seconds: float) -> float | None:
    """When a batch was changed last, if it is complete and not empty; else None."""
    changed, is_empty = 0.0, True
    try:
        marked = _marker_of(entry).is_file()
        for path, status in _walked(entry):
            is_empty = is_empty and (stat.S_ISDIR(status.st_mode) or path.name.startswith("."))
            changed = max(changed, _changed(status, now))
            if not marked and now - changed < quiet_seconds:
                return None
    except PermissionError:  # whoever takes it is told
        return changed
    return changed if marked or not is_empty else None


def _changed(status: os.stat_result, now: float) -> float:
    """When something was changed, in seconds since 1970.

    The time of the content may be kept by a copy, and a camera's clock may be ahead: one that lies in the future tells
    nothing. The time of the change of the file itself is this machine's; one in the future counts as now.
    """
    content = status.st_mtime if status.st_mtime <= now else 0.0
    return max(content, min(status.st_ctime, now))


def _walked(entry: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """An entry and all below it, links not followed; what vanishes meanwhile is passed over."""
    try:
        status = entry.lstat()
        yield entry, status
        inner = list(entry.iterdir()) if stat.S_ISDIR(status.st_mode) else []
    except FileNotFoundError:
        return
    for path in inner:
        yield from _walked(path)


def _files_of(entry: Path, name: str) -> tuple[ArrivedFile, ...]:
    """The files of a batch that is called `name`, wherever it lies."""
    if not entry.is_dir() or entry.is_symlink():
        status = entry.lstat()
        # A file that is moved counts as changed, so that the time of the change would tell nothing.
        return (ArrivedFile(name, status.st_size, f"{status.st_mtime_ns} {status.st_ino}"),)
    files = (
        ArrivedFile(
            _text(path.relative_to(entry).as_posix()), status.st_size, f"{status.st_mtime_ns} {status.st_ctime_ns}"
        )
        for path, status in _walked(entry)
        if not stat.S_ISDIR(status.st_mode) and path != _marker_of(entry)
    )
    return tuple(sorted(files, key=lambda file: file.path))


def _move(entry: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not entry.is_dir():
        # First the marker, which would otherwise vouch for a later archive of this name.
        _marker_of(entry).unlink(missing_ok=True)
    entry.rename(target)


def _is_folder(entry: Path) -> bool:
    """Whether an entry is a folder, or a link to anything, which is refused when it is taken."""
    return entry.is_dir() or entry.is_symlink()


def _marker_of(entry: Path) -> Path:
    return entry / MARKER if entry.is_dir() else entry.with_name(f"{entry.name}.{MARKER}")


def _text(name: str) -> str:
    """A name with bytes that are no UTF-8 spelt out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
