"""What was quarantined: each reason in words, with a few of its photos, and copies beside what they copy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.core.parameters import CleanParameters
from pipeline.photos.provenance import Credit, credit_of
from pipeline.photos.reasons import FLAGS, Reason
from pipeline.photos.records import Decision, DuplicateRow, PhotoRow, SplitRow

MAX_SHOWN = 12
"""Photos of one reason."""
MAX_PAIRS = 6
"""Photos of one reason that are shown beside what they copy."""

_OF_COPIES = frozenset((Reason.COPY_OF_KEPT, Reason.LABEL_CONFLICT, Reason.TWIN_OF_PINNED, Reason.BRIDGES_TEST))


@dataclass(frozen=True)
class Tile:
    """A photo as a gallery shows it."""

    path: str
    picture: str
    """A `data:` address; empty where the photo is gone or unreadable."""
    label: str
    note: str
    credit: Credit


@dataclass(frozen=True)
class Pair:
    """A quarantined photo, and the photo of which it is a copy."""

    gone: Tile
    other: Tile
    note: str
    """How alike they are."""


@dataclass(frozen=True)
class ReasonGallery:
    """The photos of one reason."""

    reason: str
    meaning: str
    num_photos: int
    tiles: tuple[Tile, ...]
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class FlagLine:
    """A remark on kept photos."""

    flag: str
    meaning: str
    num_photos: int


@dataclass(frozen=True)
class Cleaned:
    """What the galleries are made from."""

    rows: Sequence[SplitRow]
    photos: Mapping[str, PhotoRow]
    """By path."""
    duplicates: Sequence[DuplicateRow]
    parameters: CleanParameters


def reason_galleries(cleaned: Cleaned, picture: Callable[[str], str]) -> list[ReasonGallery]:
    """A gallery per reason, most photos first; a photo of several reasons is in each.

    Photos that a measure condemns come nearest to the threshold first, since those tell whether it is right.

    Args:
        cleaned: the run's tables.
        picture: gives a photo's thumbnail by its path.
    """
    by_reason: dict[Reason, list[SplitRow]] = {}
    for row in cleaned.rows:
        for reason in _reasons(row) if row.decision == Decision.QUARANTINE else ():
            if reason not in FLAGS:
                by_reason.setdefault(reason, []).append(row)
    ordered = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_gallery(reason, rows, cleaned, picture) for reason, rows in ordered]


def flag_lines(rows: Sequence[SplitRow]) -> list[FlagLine]:
    """How many kept photos bear each flag, most first."""
    counts: dict[Reason, int] = {}
    for row in rows:
        for reason in _reasons(row) if row.decision == Decision.KEEP else ():
            counts[reason] = counts.get(reason, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        FlagLine(reason_name(reason), _FLAG_MEANINGS.get(reason, "passed all the same"), n) for reason, n in ordered
    ]


def _gallery(
    reason: Reason, rows: Sequence[SplitRow], cleaned: Cleaned, picture: Callable[[str], str]
) -> ReasonGallery:
    words = meaning(reason, cleaned.parameters)
    if reason in _OF_COPIES:
        pairs = tuple(_pairs(reason, rows, cleaned, picture))
        alone = rows[:MAX_SHOWN] if not pairs else ()
        tiles = tuple(_tile(row, "", picture) for row in alone)
        return ReasonGallery(reason_name(reason), words, len(rows), tiles, pairs)
    ranked = [(measured(reason, cleaned.photos.get(row.path)), row) for row in rows]
    ranked.sort(key=lambda item: (item[0][0], item[1].path))
    tiles = tuple(_tile(row, note, picture) for (_, note), row in ranked[:MAX_SHOWN])
    return ReasonGallery(reason_name(reason), words, len(rows), tiles, ())


def _pairs(reason: Reason, rows: Sequence[SplitRow], cleaned: Cleaned, picture: Callable[[str], str]) -> list[Pair]:
    """Each quarantined photo beside its nearest copy: in a conflict of another label, and a kept one if there is."""
    row_of = {row.path: row for row in cleaned.rows}
    found: dict[str, list[tuple[bool, bool, int, str, DuplicateRow]]] = {row.path: [] for row in rows}
    for pair in cleaned.duplicates:
        for path, other in ((pair.first, pair.second), (pair.second, pair.first)):
            if pair.tier == 1 and path in found and other in row_of:
                is_beside = reason == Reason.LABEL_CONFLICT and row_of[other].label == row_of[path].label
                is_gone = row_of[other].decision == Decision.QUARANTINE
                found[path].append((is_beside, is_gone, pair.hash_distance, other, pair))
    pairs: dict[frozenset[str], Pair] = {}
    for path, copies in sorted(found.items()):
        if copies and len(pairs) < MAX_PAIRS:
            *_, other, pair = min(copies, key=lambda copy: copy[:4])
            likeness = f"{pair.hash_distance} bits apart, correlation {pair.correlation:.3f}"
            sides = [_tile(row_of[one], _standing(row_of[one]), picture) for one in (path, other)]
            pairs.setdefault(frozenset((path, other)), Pair(sides[0], sides[1], likeness))
    return list(pairs.values())


def _standing(row: SplitRow) -> str:
    return "quarantined" if row.decision == Decision.QUARANTINE else f"kept, {row.side} side"


def _tile(row: SplitRow, note: str, picture: Callable[[str], str]) -> Tile:
    return Tile(row.path, picture(row.path), row.label or "no label", note, credit_of(row))


def meaning(reason: Reason, parameters: CleanParameters) -> str:
    """What a reason of quarantine says, in a sentence."""
    return _MEANINGS[reason](parameters)


def measured(reason: Reason, photo: PhotoRow | None) -> tuple[float, str]:
    """How far a photo lies beyond the threshold of a reason, whatever the unit, and its measure in words."""
    if photo is None or reason not in _MEASURES:
        return 0.0, ""
    distance, words = _MEASURES[reason]
    return distance(photo), words(photo)


def _reasons(row: SplitRow) -> list[Reason]:
    return [Reason(name) for name in row.reasons.split(",") if name]


def reason_name(reason: str) -> str:
    """A reason in words, as people read it."""
    return reason.replace("_", " ")


_MEANINGS: dict[Reason, Callable[[CleanParameters], str]] = {
    Reason.UNREADABLE: lambda _: "The file is no photo, or a damaged one.",
    Reason.TINY: lambda limits: f"The shorter side is below {limits.min_side} pixels.",
    Reason.ODD_ASPECT_RATIO: lambda limits: f"One side is more than {limits.max_aspect_ratio:g} times the other.",
    Reason.DARK: lambda limits: f"Hardly a pixel is brighter than {limits.min_brightness:g} of 1.",
    Reason.WASHED_OUT: lambda limits: f"Hardly a pixel is darker than {limits.max_brightness:g} of 1.",
    Reason.LOW_INFORMATION: lambda limits: (
        f"The greys carry less than {limits.min_entropy:g} bits: next to nothing is on it."
    ),
    Reason.BLURRED: lambda limits: (
        f"Sharpness, the finest detail over detail four times as coarse, is below {limits.min_sharpness:g}."
    ),
    Reason.COPY_OF_KEPT: lambda _: "The same photo as one that is kept.",
    Reason.LABEL_CONFLICT: lambda _: "The same photo came under two labels, so neither can be trusted.",
    Reason.TWIN_OF_PINNED: lambda _: "The same photo as one of the pinned test set.",
    Reason.BRIDGES_TEST: lambda _: "It would tie training to the photos that measure it.",
    Reason.DROPPED_BY_PERSON: lambda _: "Somebody dropped it in reviews/decisions.csv.",
    Reason.CLASS_NOT_IN_RUN: lambda _: "Somebody gave it a class that photos.classes leaves out.",
}
_MEASURES: dict[Reason, tuple[Callable[[PhotoRow], float], Callable[[PhotoRow], str]]] = {
    Reason.UNREADABLE: (lambda _: 0.0, lambda photo: photo.error),
    Reason.TINY: (
        lambda photo: -min(photo.width, photo.height),
        lambda photo: f"{photo.width} x {photo.height} pixels",
    ),
    Reason.ODD_ASPECT_RATIO: (
        lambda photo: max(photo.width / photo.height, photo.height / photo.width),
        lambda photo: f"{photo.width} x {photo.height} pixels",
    ),
    Reason.DARK: (lambda photo: -photo.brightness_high, lambda photo: f"brightest {photo.brightness_high:.2f}"),
    Reason.WASHED_OUT: (lambda photo: photo.brightness_low, lambda photo: f"darkest {photo.brightness_low:.2f}"),
    Reason.LOW_INFORMATION: (lambda photo: -photo.entropy, lambda photo: f"{photo.entropy:.2f} bits"),
    Reason.BLURRED: (lambda photo: -photo.sharpness, lambda photo: f"sharpness {photo.sharpness:.3f}"),
}
"""Distance beyond the threshold, and the measure in words."""
_FLAG_MEANINGS: dict[Reason, str] = {
    Reason.COLOURLESS: "grey: the channels of a pixel hardly differ",
    Reason.ODD_SIZE: "far larger or smaller than the others, as hardly another is",
    Reason.COPY: "a photo of the pinned test set that is there twice",
    Reason.CONTESTED: "a test photo of which a copy came under another label",
    Reason.KEPT_BY_PERSON: "somebody kept it in spite of the reasons beside",
    Reason.RELABELLED_BY_PERSON: "somebody gave it another label",
}
