"""The alerts of a checkout on disk: `alerts.jsonl`, what came of sending them, and which of them came just before.

All three are written under one lock, and none grows beyond bounds: a full file becomes `<name>.1`, over the one before.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.alerts.alert import Alert

ALERTS = "alerts.jsonl"
DELIVERIES = "alerts-delivery.log"
QUIET = timedelta(hours=1)
"""For so long after an alert the same kind and subject is counted and not sent again."""

MAX_SENT = 10
"""Of different alerts within `BURST`: nobody reads a hundred, and each takes a process."""
BURST = timedelta(minutes=1)

_RECENT = "alerts-recent.json"
_FORGOTTEN = timedelta(days=1)
_EARLY = timedelta(minutes=-1)
"""So much earlier than the one before an alert may have come that waited for its turn; more is a clock set back."""
_MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Entry:
    """A line of `alerts.jsonl`."""

    time: str
    """ISO 8601 with offset."""
    kind: str
    subject: str
    text: str
    link: str
    repeated: int
    """How often the same kind and subject came since it was sent the last time, and was not sent."""
    held_back: bool = False
    """Whether it was only kept, since so many others were sent just before."""

    @property
    def line(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def keep(alert: Alert, folder: Path, now: datetime) -> Entry | None:
    """Write an alert down, unless the same one was sent within the last hour: then it is counted.

    In a burst of alerts the first ten of a minute are to be sent, and the others are held back.

    Args:
        alert: tidy.
        folder: of the book; made where missing.
        now: with an offset.

    Returns:
        What was written down, or None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _recent_alerts(folder) as recent:
        repeated = _repetitions(recent, _key(alert), now)
        if repeated is None:
            return None
        held_back = _num_just_sent(recent, now) > MAX_SENT
        recent[_key(alert)]["held_back"] = held_back
        entry = replace(entry_of(alert, now, repeated), held_back=held_back)
        _append(folder / ALERTS, entry.line)
        return entry


def entry_of(alert: Alert, now: datetime, repeated: int = 0) -> Entry:
    """The entry of an alert."""
    return Entry(now.isoformat(timespec="seconds"), alert.kind.value, alert.subject, alert.text, alert.link, repeated)


def note_delivery(folder: Path, now: datetime, outcome: str) -> None:
    """Write down what came of sending an alert.

    Args:
        folder: of the book.
        now: with an offset.
        outcome: one line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _recent_alerts(folder):
        _append(folder / DELIVERIES, f"{now.isoformat(timespec='seconds')} {outcome}")


@contextmanager
def _recent_alerts(folder: Path) -> Iterator[dict[str, Any]]:
    """Hold the book, and give by kind and subject when each was sent or held back, and how often it came since.

    What the caller changes is kept at the end.

    The file is written over in place: that needs no room on a full disk, where every alert would be new otherwise.
    """
    with os.fdopen(os.open(folder / _RECENT, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        before = stream.read()
        recent = _read(before)
        yield recent
        after = json.dumps(recent)
        if after != before:
            stream.seek(0)
            stream.write(after)
            stream.truncate()


def _key(alert: Alert) -> str:
    return f"{alert.kind} {alert.subject}"


def _read(text: str) -> dict[str, Any]:
    try:
        recent = json.loads(text)
        return {
            key: {
                "sent": float(value["sent"]),
                "times": int(value["times"]),
                "held_back": bool(value.get("held_back", False)),
            }
            for key, value in recent.items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):  # a new file, or one cut off by a crash
        return {}


def _repetitions(recent: dict[str, Any], key: str, now: datetime) -> int | None:
    """How often an alert was not sent since it last was, and None where it is not to be sent now either."""
    ages = {name: now - datetime.fromtimestamp(value["sent"], UTC) for name, value in recent.items()}
    for name, age in ages.items():
        if not _EARLY < age < _FORGOTTEN:
            del recent[name]
    before = recent.get(key)
    if before is not None and ages[key] < (BURST if before["held_back"] else QUIET):
        before["times"] += 1
        return None
    recent[key] = {"sent": now.timestamp(), "times": 0, "held_back": False}
    return before["times"] if before is not None else 0


def _num_just_sent(recent: dict[str, Any], now: datetime) -> int:
    earliest = (now - BURST).timestamp()
    return sum(value["sent"] > earliest and not value["held_back"] for value in recent.values())


def _append(path: Path, line: str) -> None:
    if path.exists() and path.stat().st_size > _MAX_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    with path.open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")
