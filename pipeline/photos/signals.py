"""Spurious signals: properties of the photos, and not of what is on them, that tell the class all the same.

A model that is given photos of cracks taken at noon and photos of sound walls taken at dusk learns the light. Each
property is therefore asked how well it alone tells one class from the others, on photos that this was not learnt from.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from pipeline.photos.provenance import web_address
from pipeline.photos.records import CleanRow, Decision, PhotoRow

_FOLDS = 5
_STEPS = 16
"""A measure is told apart in so many steps of equally many photos."""
_MAX_SOURCES = 64
_MIN_PHOTOS_PER_SOURCE = 5
"""Sources beyond the commonest, or of fewer photos, count as one."""
_MIN_PHOTOS_PER_CLASS = 30
"""Of smaller classes hardly any property could be said not to tell them."""

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Signal:
    """A property that tells the class."""

    signal: str
    label: str
    """The class that it tells best."""
    strength: float
    """How far the property alone goes from guessing (0) to always telling this class from the others (1)."""
    sentence: str


@dataclass(frozen=True)
class _Steps:
    """A property of each photo as a code, and how to say what a range of codes means."""

    name: str
    codes: Whole
    in_words: Callable[[int, bool], str]
    """Of a code, and whether all codes up to it are meant or all beyond; of a source that code alone."""
    is_ordered: bool
    consequence: str


MEASURES: Mapping[str, tuple[Callable[[PhotoRow], float], str, str]] = {
    "brightness": (lambda row: _brightness(row.thumbnail), "mean brightness, of 1,", "light"),
    "darkest": (lambda row: row.brightness_low, "5th percentile of luma, of 1,", "shadows"),
    "brightest": (lambda row: row.brightness_high, "99th percentile of luma, of 1,", "light"),
    "colour": (lambda row: row.colourfulness, "spread between channels, of 1,", "colour"),
    "sharpness": (lambda row: row.sharpness, "sharpness", "focus"),
    "detail": (lambda row: row.entropy, "entropy of the greys, in bits,", "range of greys"),
    "size": (lambda row: float(np.sqrt(row.width * row.height)), "root of the area, in pixels,", "size of the files"),
    "shape": (lambda row: row.width / row.height, "width over height", "shape of the photos"),
    "compression": (lambda row: row.num_bytes / (row.width * row.height), "bytes per pixel", "compression"),
}
"""Value, its name in words, and what a model may learn."""
_SOURCES: Mapping[str, Callable[[PhotoRow], str]] = {
    "batch": lambda row: row.batch,
    "site": lambda row: row.site,
    "author": lambda row: row.author,
    "licence": lambda row: row.licence,
    "website": lambda row: urlsplit(web_address(row.url)).hostname or "",
    "format": lambda row: row.format,
    "mode": lambda row: row.mode,
}


def find_signals(photos: Sequence[PhotoRow], cleaned: Sequence[CleanRow], min_strength: float) -> list[Signal]:
    """Find the properties that alone tell a class from the others among the kept photos, strongest first.

    Args:
        photos: rows of `validate`.
        cleaned: what `clean` decided of them.
        min_strength: weaker signals are not told, 0 to 1.
    """
    row_of = {photo.path: photo for photo in photos}
    kept = sorted(
        (one for one in cleaned if one.decision == Decision.KEEP and one.label is not None and one.path in row_of),
        key=lambda one: one.path,
    )
    numbers = Counter(one.label for one in kept)
    kept = [one for one in kept if numbers[one.label] >= _MIN_PHOTOS_PER_CLASS]
    classes = sorted({str(one.label) for one in kept})
    if len(classes) < 2:
        return []
    index = {name: position for position, name in enumerate(classes)}
    labels = np.array([index[str(one.label)] for one in kept], dtype=np.int64)
    folds = np.array([_fold(one.cluster or one.path) for one in kept], dtype=np.int64)
    rows = [row_of[one.path] for one in kept]
    found = [_signal(steps, labels, folds, classes) for steps in (*_measured(rows), *_sourced(rows))]
    strong = [signal for signal in found if signal.strength >= min_strength]
    return sorted(strong, key=lambda signal: (-signal.strength, signal.signal))


def skills(codes: Whole, labels: Whole, folds: Whole) -> npt.NDArray[np.float64]:
    """How well a code alone tells each class from the others, on photos of folds that it was not learnt from.

    Args:
        codes: (n,) code of each photo, from 0.
        labels: (n,) class of each photo, 0 to k - 1, every class at least once.
        folds: (n,) fold of each photo, 0 to 4.

    Returns:
        (k,) balanced accuracy of each class against the others, from guessing (0) to all right (1).
    """
    shape = (_FOLDS, int(labels.max()) + 1, int(codes.max()) + 1)
    place = np.ravel_multi_index((folds, labels, codes), shape)
    counts = np.bincount(place, minlength=int(np.prod(shape))).reshape(shape)
    totals = counts.sum(axis=0)
    right = np.zeros((2, shape[1]))
    for own in counts:
        shown = totals - own
        rest, shown_rest = own.sum(axis=0) - own, shown.sum(axis=0) - shown
        # Shares of the class and of the others with each code, held against each other as whole numbers.
        inside = shown * shown_rest.sum(axis=1, keepdims=True)
        outside = shown_rest * shown.sum(axis=1, keepdims=True)
        # A code that speaks for neither is guessed at, and half of its photos are right.
        verdict = (1 + np.sign(inside - outside)) / 2
        right += (own * verdict).sum(axis=1), (rest * (1 - verdict)).sum(axis=1)
    sizes = totals.sum(axis=1)
    recalls = right[0] / sizes + right[1] / (sizes.sum() - sizes)
    skill: npt.NDArray[np.float64] = np.round(np.maximum(recalls - 1, 0), 4)
    return skill


def _measured(rows: Sequence[PhotoRow]) -> list[_Steps]:
    steps = []
    for name, (value, words, learnt) in MEASURES.items():
        values = np.array([value(row) for row in rows], dtype=np.float64)
        levels = np.arange(1, _STEPS) / _STEPS
        edges = np.unique(np.quantile(values, levels, method="lower"))
        edges = edges[edges < values.max()]
        if len(edges):
            in_words = _range_in_words(words, edges)
            consequence = f"a model can learn the {learnt} instead of what is shown"
            steps.append(_Steps(name, np.searchsorted(edges, values, "left"), in_words, True, consequence))
    return steps


def _sourced(rows: Sequence[PhotoRow]) -> list[_Steps]:
    steps = []
    for name, source in _SOURCES.items():
        values = [source(row) for row in rows]
        ordered = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
        common = [value for value, count in ordered[:_MAX_SOURCES] if count >= _MIN_PHOTOS_PER_SOURCE]
        if len(ordered) > 1:
            code_of = {value: position for position, value in enumerate(common)}
            codes = np.array([code_of.get(value, len(common)) for value in values], dtype=np.int64)
            in_words = _source_in_words(name, common)
            consequence = f"a model can learn to tell the {name} instead of what is shown"
            steps.append(_Steps(name, codes, in_words, False, consequence))
    return steps


def _range_in_words(words: str, edges: npt.NDArray[np.float64]) -> Callable[[int, bool], str]:
    def in_words(code: int, is_within: bool) -> str:
        return f"{words} is {'at most' if is_within else 'above'} {edges[code]:.3g}"

    return in_words


def _source_in_words(name: str, values: Sequence[str]) -> Callable[[int, bool], str]:
    def in_words(code: int, _: bool) -> str:
        if code == len(values):
            return f"{name} is a rare one"
        return f"{name} is `{values[code]}`" if values[code] else f"{name} is not known"

    return in_words


def _signal(steps: _Steps, labels: Whole, folds: Whole, classes: Sequence[str]) -> Signal:
    """The class that the property tells best, and the range of it that its photos have and others have not."""
    strengths = skills(steps.codes, labels, folds)
    label = int(np.argmax(strengths))
    num_codes = int(steps.codes.max()) + 1
    own = np.bincount(steps.codes[labels == label], minlength=num_codes) / np.sum(labels == label)
    others = np.bincount(steps.codes[labels != label], minlength=num_codes) / np.sum(labels != label)
    gap = own - others
    if steps.is_ordered:
        own, others = np.cumsum(own)[:-1], np.cumsum(others)[:-1]
        gap = np.abs(own - others)
    code = int(np.argmax(np.round(gap, 9)))
    is_within = bool(own[code] >= others[code])
    inside, outside = (_percent(share if is_within else 1 - share) for share in (own[code], others[code]))
    sentence = (
        f"{steps.in_words(code, is_within)} for {inside} of the photos of `{classes[label]}` and {outside} of the "
        f"others: {steps.consequence}"
    )
    return Signal(steps.name, classes[label], float(strengths[label]), sentence)


def _brightness(thumbnail: bytes) -> float:
    total = np.add.reduce(np.frombuffer(thumbnail, np.uint8), dtype=np.int64)
    return int(total) / len(thumbnail) / 255


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _fold(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest()[:15], 16) % _FOLDS
