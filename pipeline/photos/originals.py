"""Originals: which of two photos that are the same was made from the other, by cutting it or covering a part of it."""

import numpy as np
import numpy.typing as npt

from pipeline.photos.fingerprints import THUMBNAIL_SIDE

Greys = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

UNKNOWN, FIRST, SECOND = 0, 1, 2

_MIN_SHARE = 0.022
"""Of a photo that the other does not show: more than a row of pixels."""
_MAX_DEVIATION = 3.0
"""Median deviation from the median grey: what a bar, a frame or an empty corner has at most."""
_NEAR_BLACK_OR_WHITE = 30.0
_MAX_DEVIATION_IF_WRITTEN_ON = 15.0
"""Of a black or white bar, as most captions have."""


def derived_one(first: Greys, second: Greys, placement: npt.NDArray[np.float32], region: Flags) -> int:
    """Tell which of two aligned thumbnails of one photo was made from the other.

    What only one of them shows decides: where it is plain (a bar, a frame, empty corners) it was added, else the other
    was cut. Where both show the same but for a strip, the one whose strip is plain was made from the other.

    Args:
        first: (2304,) float32 greys in [0, 255], mirrored where the other is.
        second: the same of the other photo.
        placement: (5,) float32, see `alignment.align`.
        region: (2304,) bool: the pixels of the second thumbnail that were compared; the others are the strip.

    Returns:
        `FIRST`, `SECOND`, or `UNKNOWN`.
    """
    only_first, only_second = _not_shared(placement)
    has_first, has_second = only_first.mean() >= _MIN_SHARE, only_second.mean() >= _MIN_SHARE
    if has_first and has_second:
        return _by_plainness(_is_plain(first[only_first]), _is_plain(second[only_second]))
    if has_first:
        return FIRST if _is_plain(first[only_first]) else SECOND
    if has_second:
        return SECOND if _is_plain(second[only_second]) else FIRST
    return UNKNOWN if region.all() else _by_plainness(_is_plain(first[~region]), _is_plain(second[~region]))


def _by_plainness(first: bool, second: bool) -> int:
    if first == second:
        return UNKNOWN
    return FIRST if first else SECOND


def _is_plain(greys: Greys) -> bool:
    middle = np.median(greys)
    is_black_or_white = min(middle, 255 - middle) <= _NEAR_BLACK_OR_WHITE
    allowed = _MAX_DEVIATION_IF_WRITTEN_ON if is_black_or_white else _MAX_DEVIATION
    return bool(np.median(np.abs(greys - middle)) <= allowed)


def _not_shared(placement: npt.NDArray[np.float32]) -> tuple[Flags, Flags]:
    """Pixels of the first thumbnail that the second does not show, and the other way round; each (2304,) bool."""
    middles = (np.arange(THUMBNAIL_SIDE) + 0.5) / THUMBNAIL_SIDE - 0.5
    points = np.stack([axis.ravel() for axis in np.meshgrid(middles, middles)])
    across, down, turn, right, below = placement.astype(np.float64)
    matrix, shift = np.array([[across, -turn], [turn, down]]), np.array([[right], [below]])
    in_first = matrix @ points + shift
    in_second = np.linalg.inv(matrix) @ (points - shift)
    only_first: Flags = (np.abs(in_second) > 0.5).any(axis=0)
    only_second: Flags = (np.abs(in_first) > 0.5).any(axis=0)
    return only_first, only_second
