"""Alerts as they come, for people who look at a terminal."""

import json
from itertools import islice
from pathlib import Path

from pipeline.alerts.book import ALERTS, DELIVERIES, Entry
from pipeline.alerts.wording import heading

_UNDELIVERED = "not "


class News:
    """The alerts that come from now on, and those that did not reach their target, as lines for people.

    Args:
        folder: where `alerts.jsonl` lies, or will lie.
    """

    def __init__(self, folder: Path) -> None:
        self._alerts = _Tail(folder / ALERTS)
        self._deliveries = _Tail(folder / DELIVERIES)

    def lines(self) -> list[str]:
        """What came since the last call, oldest first; takes no time where nothing came, and never fails."""
        alerts = [in_words(entry) for line in self._alerts.lines() if (entry := _entry(line))]
        outcomes = (line.partition(" ")[2] for line in self._deliveries.lines())
        return [*alerts, *(outcome for outcome in outcomes if outcome.startswith(_UNDELIVERED))]


def latest(folder: Path, count: int) -> list[Entry]:
    """The last alerts, oldest first.

    Args:
        folder: where `alerts.jsonl` lies; none there = no alerts.
        count: how many at most.
    """
    lines: list[str] = []
    for path in (folder / f"{ALERTS}.1", folder / ALERTS):
        if path.exists():
            lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
    entries = (entry for line in reversed(lines) if (entry := _entry(line)))
    return list(islice(entries, count))[::-1]


def in_words(entry: Entry) -> str:
    """An alert in one line."""
    return f"{heading(entry)}; see {entry.link}" if entry.link else heading(entry)


class _Tail:
    """Whole lines that are added to a file which may be missing, and may be replaced by a new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file, self._offset = self._now()

    def lines(self) -> list[str]:
        file, size = self._now()
        if file != self._file or size < self._offset:
            self._file, self._offset = file, 0
        if size == self._offset:
            return []
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                whole = stream.read().rpartition(b"\n")
        except OSError:  # taken away since
            return []
        self._offset += len(whole[0]) + len(whole[1])
        return whole[0].decode(errors="replace").split("\n") if whole[1] else []

    def _now(self) -> tuple[int, int]:
        """Number of the file and its size in bytes; zeros where there is none."""
        try:
            status = self._path.stat()
        except OSError:
            return 0, 0
        return status.st_ino, status.st_size


def _entry(line: str) -> Entry | None:
    try:
        return Entry(**json.loads(line))
    except (TypeError, ValueError):  # cut off by a full disk, or written by another version
        return None
