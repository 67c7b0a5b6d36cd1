"""Plants that hang into a photo: twigs with leaves, as shapes."""

from dataclasses import dataclass

import numpy as np

from pipeline.photos.drawing.fields import ONE, ramp
from pipeline.photos.drawing.shapes import Oval, Window, leaf_field, oval_field, unit_vector
from pipeline.photos.drawing.streams import Grid, Stream


@dataclass(frozen=True)
class Twig:
    """A piece of a stem or a leaf; a stem is an oval that is long and thin."""

    oval: Oval
    is_leaf: bool


def grow(shape: tuple[int, int], stream: Stream, leaf: int) -> list[Twig]:
    """Grow a twig from above or aside into the photo; what grows from below would look rooted in the wall.

    Args:
        shape: height and width in pixels.
        stream: the twig's stream.
        leaf: length of a leaf, 1/256 pixel.

    Returns:
        Its parts, those behind first.
    """
    height, width = shape[0] * ONE, shape[1] * ONE
    share = stream.between(20, 236)
    x, y, turn = (
        (width * share >> 8, 0, 8),
        (0, height * share >> 9, 2),
        (width, height * share >> 9, 14),
    )[stream.between(0, 2)]
    turn += stream.between(-4, 4)
    step = leaf * 5 // 8
    twigs: list[Twig] = []
    for joint in range(stream.between(5, 12)):
        along, down = unit_vector(turn)
        middle = x + (along * step >> 9), y + (down * step >> 9)
        thickness = max(90, leaf * (14 - joint) // 300)
        twigs.append(Twig(Oval(*middle, step * 3 // 4, thickness, (along, down)), is_leaf=False))
        x, y = x + (along * step >> 8), y + (down * step >> 8)
        for side in (-1, 1):
            if stream.chance(85):
                twigs.append(
                    _leaf((x, y), turn + side * stream.between(3, 8), leaf * stream.between(170, 280) >> 8, stream)
                )
        turn += stream.between(-2, 2)
    return twigs


def silhouette(shape: tuple[int, int], twigs: list[Twig]) -> Grid:
    """Weight of the pixels that twigs cover, 0 to 256."""
    plane: Grid = np.zeros(shape, np.int32)
    for twig in twigs:
        window, cover = twig_cover(twig, shape)
        np.maximum(plane[window], cover, out=plane[window])
    return plane


def twig_cover(twig: Twig, shape: tuple[int, int]) -> tuple[Window, Grid]:
    """The window that a part touches, and the weight with which it covers the pixels there, 0 to 256."""
    window, field = leaf_field(twig.oval, shape)[:2] if twig.is_leaf else oval_field(twig.oval, shape)
    soft = ONE * ONE // max(ONE, twig.oval.half_width)
    return window, ramp(field, -soft, soft)


def _leaf(foot: tuple[int, int], turn: int, length: int, stream: Stream) -> Twig:
    along, down = unit_vector(turn)
    centre = foot[0] + (along * length >> 9), foot[1] + (down * length >> 9)
    return Twig(Oval(*centre, length // 2, length * stream.between(40, 72) >> 8, (along, down)), is_leaf=True)
