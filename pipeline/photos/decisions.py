"""Decisions: what people decided about single photos, in `reviews/decisions.csv`."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from pathlib import Path

from pipeline.core.errors import DataError
from pipeline.core.tables import write_text

_SHA256 = re.compile(r"[0-9a-f]{64}")
_JOINERS = "\u200c\u200d"
"""Unprintable by Unicode, yet part of words in Persian, Hindi and others."""
_FORMULA_STARTS = ("=", "+", "-", "@")
_MAX_NAME = 100


class Verdict(StrEnum):
    """What a person can decide."""

    KEEP = "keep"
    """The photo stays, whatever the rules say; it wins over its copies."""
    DROP = "drop"
    RELABEL = "relabel"
    """The photo belongs to another class; it is then judged by the rules as any other."""
    TOGETHER = "together"
    """Photos of one group share a side; may stand beside one of the three above."""
    WITHDRAW = "withdraw"
    """Takes back what was decided about the photo before; for files that are merged, see `merged`."""


@dataclass(frozen=True, slots=True)
class HumanDecision:
    """A line of `reviews/decisions.csv`."""

    sha256: str
    """Of the photo's bytes, so that the decision holds wherever the file lies."""
    decision: str
    """A `Verdict`."""
    label: str = ""
    """The new label of `relabel`, else empty."""
    group: str = ""
    """The group of `together`, else empty."""
    reason: str = ""
    by: str = ""


@dataclass(frozen=True)
class Merge:
    """What came of merging decisions into those that are there."""

    decisions: list[HumanDecision]
    added: list[HumanDecision]
    replaced: list[tuple[HumanDecision, HumanDecision]]
    """What was there, and what came instead."""
    withdrawn: list[HumanDecision]


HEADER = tuple(field.name for field in fields(HumanDecision))
_HEADER_WITHOUT_GROUP = tuple(name for name in HEADER if name != "group")
"""Of files that were written before there were groups."""


def read_decisions(path: Path) -> list[HumanDecision]:
    """Read what people decided; a missing file holds no decision.

    Raises:
        DataError: with every problem of the file in one message.
    """
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restkey="", restval="", strict=True)
            header = tuple(reader.fieldnames or ())
            lines = [(reader.line_num, line) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unusable(path, [f"cannot be read: {error}"]) from None
    if header not in (HEADER, _HEADER_WITHOUT_GROUP):
        raise _unusable(path, [f"the header is {','.join(header) or '(empty)'}"])
    problems = [f"line {number}: it has more cells than the header" for number, line in lines if "" in line]
    numbered = [(number, _decision(line)) for number, line in lines]
    problems += [f"line {number}: {problem}" for number, one in numbered for problem in _problems(one)]
    decisions = [one for _, one in numbered]
    problems += _repeated(decisions)
    if problems:
        raise _unusable(path, problems)
    return decisions


def verdicts_of(decisions: Iterable[HumanDecision]) -> dict[str, HumanDecision]:
    """What was decided about each photo by itself, by sha256: keep, drop or relabel."""
    alone = (Verdict.KEEP, Verdict.DROP, Verdict.RELABEL)
    return {one.sha256: one for one in decisions if one.decision in alone}


def groups_of(decisions: Iterable[HumanDecision]) -> dict[str, str]:
    """The group that a person put each photo into, by sha256."""
    return {one.sha256: one.group for one in decisions if one.decision == Verdict.TOGETHER}


def merged(present: Sequence[HumanDecision], newer: Sequence[HumanDecision]) -> Merge:
    """Add newer decisions to those that are there; about one photo and question the newer one wins.

    The question is either what becomes of the photo (keep, drop, relabel) or where it belongs (together). `withdraw`
    takes back both answers, unless the newer decisions give them again, and is itself not kept.
    """
    withdrawn_photos = {one.sha256 for one in newer if one.decision == Verdict.WITHDRAW}
    coming = {_question(one): one for one in newer if one.decision != Verdict.WITHDRAW}
    there = {_question(one): one for one in present if one.decision != Verdict.WITHDRAW}
    withdrawn = [one for key, one in there.items() if one.sha256 in withdrawn_photos and key not in coming]
    kept = {key: one for key, one in there.items() if one not in withdrawn}
    return Merge(
        decisions=list({**kept, **coming}.values()),
        added=[one for key, one in coming.items() if key not in there],
        replaced=[(there[key], one) for key, one in coming.items() if there.get(key, one) != one],
        withdrawn=withdrawn,
    )


def write_decisions(path: Path, decisions: Iterable[HumanDecision]) -> None:
    """Write decisions in the order given, replacing the file in one step.

    Cells that a spreadsheet would compute are written with an apostrophe before them, which `read_decisions` removes.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows([_disarmed(cell) for cell in astuple(one)] for one in decisions)
    write_text(path, text.getvalue())


def is_name(text: str) -> bool:
    """Whether a text can name a class or a group: short, on one line, visible, and no formula to a spreadsheet."""
    visible = all(letter.isprintable() or letter in _JOINERS for letter in text)
    return 0 < len(text) <= _MAX_NAME and visible and text == text.strip() and not text.startswith(_FORMULA_STARTS)


def _question(decision: HumanDecision) -> tuple[str, bool]:
    return decision.sha256, decision.decision == Verdict.TOGETHER


def _decision(line: dict[str, str]) -> HumanDecision:
    return HumanDecision(**{name: _rearmed((line.get(name) or "").strip()) for name in HEADER})


def _problems(decision: HumanDecision) -> list[str]:
    problems = []
    if not _SHA256.fullmatch(decision.sha256):
        problems.append(f"sha256 is {decision.sha256!r}, not 64 hex digits")
    if decision.decision not in set(Verdict):
        problems.append(f"decision is {decision.decision!r}, not {', '.join(Verdict)}")
    for name, value, verdict in (
        ("label", decision.label, Verdict.RELABEL),
        ("group", decision.group, Verdict.TOGETHER),
    ):
        if (decision.decision == verdict) != bool(value):
            problems.append(f"{name} is given with {verdict}, and only then")
        elif value and not is_name(value):
            problems.append(f"{name} is {value!r}, not a name of up to {_MAX_NAME} visible characters on one line")
    return problems


def _repeated(decisions: Sequence[HumanDecision]) -> list[str]:
    """A withdrawal may stand beside the decision that follows it."""
    counts = Counter(_question(one) for one in decisions if one.decision != Verdict.WITHDRAW)
    return [
        f"{sha256} is {'put into a group' if is_group else 'decided'} {count} times"
        for (sha256, is_group), count in counts.items()
        if count > 1
    ]


def _disarmed(cell: str) -> str:
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA_STARTS) else cell


def _rearmed(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA_STARTS) else cell


def _unusable(path: Path, problems: Sequence[str]) -> DataError:
    return DataError(
        f"{path} cannot be used:\n  - " + "\n  - ".join(problems),
        expected=f"the header {','.join(HEADER)}, and for each photo one line with keep, drop or relabel, and one with "
        "together",
        todo="mend the lines named above",
    )
