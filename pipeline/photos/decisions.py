"""Decisions: what people decided about single photos, in `reviews/decisions.csv`."""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pipeline.core.errors import DataError

_HEADER = ("sha256", "decision", "label", "reason", "by")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Verdict(StrEnum):
    """What a person can decide."""

    KEEP = "keep"
    """The photo stays, whatever the rules say; it wins over its copies."""
    DROP = "drop"
    RELABEL = "relabel"
    """The photo belongs to another class; it is then judged by the rules as any other."""


@dataclass(frozen=True, slots=True)
class HumanDecision:
    """A line of `reviews/decisions.csv`."""

    sha256: str
    """Of the photo's bytes, so that the decision holds wherever the file lies."""
    decision: str
    """A `Verdict`."""
    label: str
    """The new label of `relabel`, else empty."""
    reason: str
    by: str


def read_decisions(path: Path) -> list[HumanDecision]:
    """Read what people decided; a missing file holds no decision.

    Raises:
        DataError: with every problem of the file in one message.
    """
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restval="")
            header, lines = reader.fieldnames or (), list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unusable(path, [f"cannot be read: {error}"]) from None
    if tuple(header) != _HEADER:
        raise _unusable(path, [f"the header is {','.join(header) or '(empty)'}"])
    decisions = [HumanDecision(**{name: (line[name] or "").strip() for name in _HEADER}) for line in lines]
    problems = [f"line {number}: {problem}" for number, one in enumerate(decisions, 2) for problem in _problems(one)]
    counts = Counter(one.sha256 for one in decisions)
    problems += [f"{sha256} is decided {count} times" for sha256, count in counts.items() if count > 1]
    if problems:
        raise _unusable(path, problems)
    return decisions


def _problems(decision: HumanDecision) -> list[str]:
    problems = []
    if not _SHA256.fullmatch(decision.sha256):
        problems.append(f"sha256 is {decision.sha256!r}, not 64 hex digits")
    if decision.decision not in set(Verdict):
        problems.append(f"decision is {decision.decision!r}, not {', '.join(Verdict)}")
    if (decision.decision == Verdict.RELABEL) != bool(decision.label):
        problems.append("label is given with relabel, and only then")
    return problems


def _unusable(path: Path, problems: list[str]) -> DataError:
    return DataError(
        f"{path} cannot be used:\n  - " + "\n  - ".join(problems),
        expected=f"the header {','.join(_HEADER)} and a line per photo",
        todo="mend the lines named above",
    )
