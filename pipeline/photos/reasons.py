"""Reasons: why a photo is quarantined or flagged, and the rules that judge one photo by itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipeline.core.parameters import CleanParameters
from pipeline.photos.records import PhotoRow

_MIN_ODD_FACTOR = 2.0
"""No size within this factor of the quartiles is odd, however alike the others are."""
_SAME_SIZE_FACTOR = 1.25
_COMMON_SHARE = 0.01
"""A size that more photos come near to is a second camera, and not odd."""


class Reason(StrEnum):
    """What `clean` says of a photo; all reasons quarantine it, but for flags."""

    UNREADABLE = "unreadable"
    TINY = "tiny"
    ODD_ASPECT_RATIO = "odd_aspect_ratio"
    DARK = "dark"
    WASHED_OUT = "washed_out"
    LOW_INFORMATION = "low_information"
    BLURRED = "blurred"
    COPY_OF_KEPT = "copy_of_kept"
    """The same photo as one that is kept."""
    LABEL_CONFLICT = "label_conflict"
    """The same photo under another label."""
    TWIN_OF_PINNED = "twin_of_pinned"
    """The same photo as one of a batch pinned to the test side."""
    BRIDGES_TEST = "bridges_test"
    """Would tie training to the photos that measure it, see `pipeline.photos.sides.Replay.bridges`."""
    DROPPED_BY_PERSON = "dropped_by_person"
    CLASS_NOT_IN_RUN = "class_not_in_run"
    """A person gave it a class that photos.classes leaves out."""

    COLOURLESS = "colourless"
    """Flag: grey, whatever its mode says."""
    ODD_SIZE = "odd_size"
    """Flag: far larger or smaller than the others, as hardly another is."""
    COPY = "copy"
    """Flag: a pinned photo that is the same as another pinned one."""
    CONTESTED = "contested"
    """Flag: a test photo of which a copy came under another label."""
    KEPT_BY_PERSON = "kept_by_person"
    """Flag: reasons beside it were overruled."""
    RELABELLED_BY_PERSON = "relabelled_by_person"
    """Flag."""


QUALITY_REASONS = (
    Reason.TINY,
    Reason.ODD_ASPECT_RATIO,
    Reason.DARK,
    Reason.WASHED_OUT,
    Reason.LOW_INFORMATION,
    Reason.BLURRED,
)

FLAGS = frozenset(
    (
        Reason.COLOURLESS,
        Reason.ODD_SIZE,
        Reason.COPY,
        Reason.CONTESTED,
        Reason.KEPT_BY_PERSON,
        Reason.RELABELLED_BY_PERSON,
    )
)
"""Reasons that quarantine nothing."""


@dataclass(frozen=True)
class Rule:
    """A measure of a readable photo, and the threshold on whose wrong side it gets a reason."""

    reason: Reason
    measure: str
    """What is measured, in words."""
    value: Callable[[PhotoRow], float]
    threshold: Callable[[CleanParameters], float]
    parameter: str
    """Key of the threshold in the section `clean` of `params.yaml`."""
    is_floor: bool
    """Whether photos below the threshold get the reason, or those above."""


def _rule(reason: Reason, measure: str, value: Callable[[PhotoRow], float], parameter: str, *, is_floor: bool) -> Rule:
    return Rule(reason, measure, value, lambda parameters: float(getattr(parameters, parameter)), parameter, is_floor)


RULES = (
    _rule(Reason.TINY, "shorter side, pixels", lambda row: min(row.width, row.height), "min_side", is_floor=True),
    _rule(
        Reason.ODD_ASPECT_RATIO,
        "longer over shorter side",
        lambda row: max(row.width, row.height) / min(row.width, row.height),
        "max_aspect_ratio",
        is_floor=False,
    ),
    _rule(Reason.DARK, "99th percentile of luma", lambda row: row.brightness_high, "min_brightness", is_floor=True),
    _rule(
        Reason.WASHED_OUT, "5th percentile of luma", lambda row: row.brightness_low, "max_brightness", is_floor=False
    ),
    _rule(Reason.LOW_INFORMATION, "entropy of the greys, bits", lambda row: row.entropy, "min_entropy", is_floor=True),
    _rule(Reason.BLURRED, "sharpness", lambda row: row.sharpness, "min_sharpness", is_floor=True),
    _rule(Reason.COLOURLESS, "spread between channels", lambda row: row.colourfulness, "max_colourless", is_floor=True),
)
"""All rules that judge a photo by its own measures; a pixel of a side counts, so widths are above 0."""


def quality_judge(parameters: CleanParameters) -> Callable[[PhotoRow], set[Reason]]:
    """Make the judge of readable photos by their own measures; flags are among the reasons that it gives."""
    floors = [(rule.reason, rule.value, rule.threshold(parameters)) for rule in RULES if rule.is_floor]
    ceilings = [(rule.reason, rule.value, rule.threshold(parameters)) for rule in RULES if not rule.is_floor]

    def judge(photo: PhotoRow) -> set[Reason]:
        reasons = {reason for reason, value, lowest in floors if value(photo) < lowest}
        reasons.update(reason for reason, value, highest in ceilings if value(photo) > highest)
        return reasons

    return judge


def odd_sizes(photos: Sequence[PhotoRow], max_spread: float) -> set[str]:
    """Paths of the readable photos that are far larger or smaller than the others, as hardly another is.

    Sizes are compared as ratios, and a size that more than one photo in a hundred comes near to is never odd:
    collections hold the photos of several cameras, and each has its own. Among fewer than a hundred photos none is odd.

    Args:
        photos: all photos of a run.
        max_spread: interquartile ranges beyond the quartiles from where a size is odd, above 0.
    """
    readable = [photo for photo in photos if not photo.error]
    if not readable:
        return set()
    areas = np.array([photo.width * photo.height for photo in readable], dtype=np.float64)
    # Rounded, since the last digits depend on the machine's logarithm.
    sizes = np.round(np.log(areas) / 2, 9)
    lower, upper = np.quantile(sizes, (0.25, 0.75), method="lower")
    reach = max(max_spread * (upper - lower), np.log(_MIN_ODD_FACTOR))
    ordered, near = np.sort(sizes), np.log(_SAME_SIZE_FACTOR)
    neighbours = np.searchsorted(ordered, sizes + near, "right") - np.searchsorted(ordered, sizes - near, "left")
    is_rare = neighbours <= _COMMON_SHARE * len(readable)
    is_far = (sizes > upper + reach) | (sizes < lower - reach)
    return {readable[index].path for index in np.flatnonzero(is_far & is_rare)}
