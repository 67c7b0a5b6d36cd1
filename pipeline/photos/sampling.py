"""Sampling: the greys of thumbnails between their pixels, where other thumbnails laid over them have theirs."""

from collections.abc import Callable
from math import isqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
Sampler = Callable[[Floats, Floats, Floats], Floats]

UNMOVED = np.array([1.0, 1.0, 0.0, 0.0, 0.0], dtype=np.float32)
"""The placement of a thumbnail in itself: stretch across and down, turn in radians, shift across and down in sides;
placements take a point of a second thumbnail to the one of the first that shows the same."""

_PADDING = 1
"""Pixels beyond the edge that interpolation reaches."""
_HALF = np.float32(0.5)


def points(side: int) -> tuple[Floats, Floats]:
    """x and y of each pixel of a thumbnail from its middle, in sides; each (side * side,) float32."""
    middles = ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
    x, y = np.meshgrid(middles, middles)
    return x.ravel(), y.ravel()


def side_of(thumbnails: Floats) -> int:
    """Side in pixels of square thumbnails, given as rows (n, side * side)."""
    return isqrt(thumbnails.shape[1])


def sampled(thumbnails: Floats, placement: Floats, take: Sampler) -> tuple[Floats, Flags]:
    """Greys of thumbnails at the places of other ones' pixels, and whether they lie within.

    Args:
        thumbnails: (n, side * side) float32 greys.
        placement: (n, 5) float32, see `UNMOVED`.
        take: `linear` or `cubic`.

    Returns:
        (n, side * side) float32 greys and bool.
    """
    if (placement == UNMOVED).all():
        return thumbnails, np.ones(thumbnails.shape, dtype=np.bool_)
    side = side_of(thumbnails)
    x, y = points(side)
    across, down, turn, right, below = placement.T[:, :, None]
    column = (across * x - turn * y + right) * side + np.float32(side / 2 - 0.5)
    row = (turn * x + down * y + below) * side + np.float32(side / 2 - 0.5)
    inside = (np.abs(column - (side - 1) / 2) <= side / 2) & (np.abs(row - (side - 1) / 2) <= side / 2)
    limit = np.float32(side - 1)
    return take(thumbnails, np.clip(column, 0, limit), np.clip(row, 0, limit)), inside


def linear(thumbnails: Floats, column: Floats, row: Floats) -> Floats:
    """Interpolate between the four pixels around each place.

    Args:
        thumbnails: (n, side * side) float32 greys.
        column: (n, places) float32, 0 to side - 1.
        row: the same shape.

    Returns:
        (n, places) float32.
    """
    left, top = (np.minimum(axis.astype(np.intp), side_of(thumbnails) - 2) for axis in (column, row))
    beside, below = column - left.astype(np.float32), row - top.astype(np.float32)
    greys, corner = _padded(thumbnails, left, top)
    width = side_of(thumbnails) + 2 * _PADDING
    # `mode="clip"` spares the check of each index.
    upper, corner_beside, lower, lower_beside = (
        greys.take(corner + offset, mode="clip") for offset in (0, 1, width, width + 1)
    )
    upper += beside * (corner_beside - upper)
    lower += beside * (lower_beside - lower)
    upper += below * (lower - upper)
    return upper


def cubic(thumbnails: Floats, column: Floats, row: Floats) -> Floats:
    """Interpolate by Catmull-Rom, which keeps fine detail; arguments and result are those of `linear`."""
    left, top = (np.minimum(axis.astype(np.intp), side_of(thumbnails) - 2) for axis in (column, row))
    weights_across = _cubic_weights(column - left.astype(np.float32))
    weights_down = _cubic_weights(row - top.astype(np.float32))
    greys, corner = _padded(thumbnails, left, top)
    width = side_of(thumbnails) + 2 * _PADDING
    corner -= width + 1
    total = np.zeros_like(column)
    for weight_down in weights_down:
        line = np.zeros_like(column)
        for place, weight_across in enumerate(weights_across):
            line += weight_across * greys.take(corner + place, mode="clip")
        total += weight_down * line
        corner += width
    return total


def _padded(thumbnails: Floats, left: Indices, top: Indices) -> tuple[Floats, Indices]:
    """The greys of all thumbnails in one row, each with its edge repeated, and where pixels lie in it."""
    side = side_of(thumbnails)
    width = side + 2 * _PADDING
    squares = thumbnails.reshape(-1, side, side)
    padded = np.pad(squares, ((0, 0), (_PADDING, _PADDING), (_PADDING, _PADDING)), mode="edge")
    start = np.arange(len(thumbnails), dtype=np.intp)[:, None] * (width * width)
    return padded.ravel(), start + (top + _PADDING) * width + left + _PADDING


def _cubic_weights(part: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    square: Floats = part * part
    cube: Floats = square * part
    before: Floats = square - _HALF * (part + cube)
    at: Floats = 1 - _HALF * (5 * square - 3 * cube)
    after: Floats = 2 * square + _HALF * (part - 3 * cube)
    beyond: Floats = _HALF * (cube - square)
    return before, at, after, beyond
