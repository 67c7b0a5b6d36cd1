"""Shapes laid on a photo: discs, leaves and other ovals, and planes moved sideways."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.photos.drawing.fields import ONE
from pipeline.photos.drawing.streams import Grid, Stream

Window = tuple[slice, slice]
"""Rows and columns of a photo."""

_DIRECTIONS = ((256, 0), (251, 50), (237, 98), (213, 142), (181, 181), (142, 213), (98, 237), (50, 251))
"""Unit vectors of a quarter of the compass, in 1/256."""


@dataclass(frozen=True)
class Oval:
    """An ellipse on the photo, all in 1/256 pixel.

    Args:
        x: place of its centre along the photo.
        y: the same down the photo.
        half_length: half its extent along `axis`.
        half_width: half its extent across `axis`.
        axis: unit vector in 1/256.
    """

    x: int
    y: int
    half_length: int
    half_width: int
    axis: tuple[int, int] = (ONE, 0)


def unit_vector(turn: int) -> tuple[int, int]:
    """Along and down, in 1/256; `turn` counts 32 to the full circle, 0 to the right, 8 down."""
    quarter, step = divmod(turn % 32, 8)
    along, down = _DIRECTIONS[step]
    for _ in range(quarter):
        along, down = -down, along
    return along, down


def any_axis(stream: Stream) -> tuple[int, int]:
    """A unit vector in 1/256 that points anywhere in the lower half of the compass."""
    turn = stream.between(0, 7)
    return unit_vector(turn if stream.chance(50) else turn + 8)


def oval_field(oval: Oval, shape: tuple[int, int]) -> tuple[Window, Grid]:
    """How far inside an oval the pixels around it lie.

    Returns:
        The window that the oval touches, and for its pixels 256 at the centre, 0 on the edge and less outside.
    """
    window, along, across = _places(oval, shape)
    return window, (ONE - ((along * along + across * across) >> 8)).astype(np.int32)


def leaf_field(oval: Oval, shape: tuple[int, int]) -> tuple[Window, Grid, Grid]:
    """How far inside a leaf the pixels around it lie: like an oval, but pointed at both ends of its axis.

    Returns:
        The window that the leaf touches; for its pixels 256 at the centre, 0 on the edge and less outside; and their
        places across the leaf, 256 at the edge where it is widest.
    """
    window, along, across = _places(oval, shape)
    return window, (ONE - (along * along >> 8) - np.abs(across)).astype(np.int32), across.astype(np.int32)


def window_around(left: int, top: int, right: int, bottom: int, shape: tuple[int, int]) -> Window:
    """The pixels of a photo within bounds given in 1/256 pixel; empty where none are."""
    rows = np.clip((top // ONE, bottom // ONE + 1), 0, shape[0])
    columns = np.clip((left // ONE, right // ONE + 1), 0, shape[1])
    return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))


def moved(values: Grid, down: int, along: int) -> Grid:
    """The plane moved by whole pixels, its edges repeated; works on the last two axes."""
    height, width = values.shape[-2:]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - along, 0, width - 1)
    return values[..., rows[:, None], columns]


def _places(oval: Oval, shape: tuple[int, int]) -> tuple[Window, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The window that an oval touches, and the places of its pixels along and across the oval, 256 at its edge."""
    reach = max(oval.half_length, oval.half_width)
    window = window_around(oval.x - reach, oval.y - reach, oval.x + reach, oval.y + reach, shape)
    y = np.arange(window[0].start, window[0].stop, dtype=np.int64)[:, None] * ONE + ONE // 2 - oval.y
    x = np.arange(window[1].start, window[1].stop, dtype=np.int64)[None, :] * ONE + ONE // 2 - oval.x
    along = (x * oval.axis[0] + y * oval.axis[1]) // max(1, oval.half_length)
    across = (y * oval.axis[0] - x * oval.axis[1]) // max(1, oval.half_width)
    return window, along, across
