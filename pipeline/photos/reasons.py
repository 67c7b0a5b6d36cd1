"""Reasons: why a photo is quarantined or flagged, and the rules that judge one photo by itself."""

from enum import StrEnum

from pipeline.core.parameters import CleanParameters
from pipeline.photos.records import PhotoRow

MAX_COLOURLESS = 0.01
"""Mean spread between the channels, of 1, below which a photo counts as colourless."""


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
    (Reason.COLOURLESS, Reason.COPY, Reason.CONTESTED, Reason.KEPT_BY_PERSON, Reason.RELABELLED_BY_PERSON)
)
"""Reasons that quarantine nothing."""


def quality_reasons(photo: PhotoRow, parameters: CleanParameters) -> set[Reason]:
    """Judge one readable photo by its measures."""
    shorter, longer = sorted((photo.width, photo.height))
    tripped = {
        Reason.TINY: shorter < parameters.min_side,
        Reason.ODD_ASPECT_RATIO: longer > parameters.max_aspect_ratio * shorter,
        Reason.DARK: photo.brightness_high < parameters.min_brightness,
        Reason.WASHED_OUT: photo.brightness_low > parameters.max_brightness,
        Reason.LOW_INFORMATION: photo.entropy < parameters.min_entropy,
        Reason.BLURRED: photo.sharpness < parameters.min_sharpness,
    }
    return {reason for reason, is_tripped in tripped.items() if is_tripped}


def is_colourless(photo: PhotoRow) -> bool:
    """Whether a readable photo shows no colour, however it is stored."""
    return photo.colourfulness < MAX_COLOURLESS
