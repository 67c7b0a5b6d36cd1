"""The pairs of AHE photos that two readers looked at, and how found pairs compare with them.

A pair is `same` (both readers see one photograph, however it was re-encoded, cropped, recoloured or mirrored), `other`
(both see two), or `unsure` (they are not of one mind, or cannot tell a copy from the same view moments later).
"""

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from clones import CHECKOUT

CHECKED_PAIRS = CHECKOUT / "tests" / "fixtures" / "ahe_pairs.csv"

Pair = tuple[str, str]


@dataclass(frozen=True)
class Agreement:
    """How a tool's pairs compare with the readers'."""

    pairs: int
    leaked: int
    """Test photos that are the same photograph as a training photo, among the tool's pairs that were not read false."""
    leaked_and_checked: int
    """Those of them whose pair the readers call the same."""
    same: int
    other: int
    unsure: int
    unread: int
    """Pairs that nobody looked at."""
    cross_label: int
    """Pairs under two labels, not read false."""

    @property
    def precision(self) -> float:
        """Of the pairs that were read as same or other."""
        return self.same / max(1, self.same + self.other)


def read_checked_pairs() -> dict[Pair, str]:
    """Read the verdicts by pair; paths are `<train or test>/<class>/<file>`."""
    with CHECKED_PAIRS.open(encoding="utf-8", newline="") as stream:
        return {_sorted(line["first"], line["second"]): _verdict(line) for line in csv.DictReader(stream)}


def compare(pairs: Iterable[Pair], checked: dict[Pair, str]) -> Agreement:
    """Count a tool's pairs by what the readers say of them."""
    found = {_sorted(*pair) for pair in pairs}
    verdicts = Counter(checked.get(pair, "unread") for pair in found)
    not_false = {pair for pair in found if checked.get(pair) != "other"}
    return Agreement(
        pairs=len(found),
        leaked=len(_leaked(not_false)),
        leaked_and_checked=len(_leaked({pair for pair in found if checked.get(pair) == "same"})),
        same=verdicts["same"],
        other=verdicts["other"],
        unsure=verdicts["unsure"],
        unread=verdicts["unread"],
        cross_label=sum(first.split("/")[1] != second.split("/")[1] for first, second in not_false),
    )


def known_leaked(checked: dict[Pair, str]) -> set[str]:
    """Test photos that are training photos, by the readers."""
    return _leaked({pair for pair, verdict in checked.items() if verdict == "same"})


def _leaked(pairs: set[Pair]) -> set[str]:
    return {
        one
        for pair in pairs
        for one, other in (pair, pair[::-1])
        if one.startswith("test/") and not other.startswith("test/")
    }


def _verdict(line: dict[str, str]) -> str:
    readings = {line["first_reading"], line["second_reading"]}
    return readings.pop() if len(readings) == 1 else "unsure"


def _sorted(first: str, second: str) -> Pair:
    return (first, second) if first < second else (second, first)
