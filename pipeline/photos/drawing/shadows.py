"""Shadows of what stands outside the photo: roofs, window reveals, wires and trees."""

from collections.abc import Callable

import numpy as np

from pipeline.photos.drawing.fields import ONE, blurred, ramp
from pipeline.photos.drawing.lights import Sun
from pipeline.photos.drawing.plants import Twig, grow, silhouette
from pipeline.photos.drawing.shapes import Oval, oval_field
from pipeline.photos.drawing.streams import Grid, Stream

_PLAIN = 100
"""Share of the sun from which shadows have edges."""


def shade_from_outside(shape: tuple[int, int], sun: Sun, stream: Stream) -> Grid:
    """Sunlight that reaches the wall, int32 `[height, width]`, 256 = all; under clouds no shadow has an edge."""
    shade: Grid = np.full(shape, ONE, np.int32)
    if sun.share < _PLAIN:
        return shade
    for name, percent, shadow in _SHADOWS:
        own = stream.child(name)
        if own.chance(percent):
            shade = np.minimum(shade, shadow(shape, own))
    return shade


def _roof(shape: tuple[int, int], stream: Stream) -> Grid:
    """A straight edge, hard or soft, the shadow on one side of it."""
    down, along = _centred(shape)
    lean_along, lean_down = stream.between(-256, 256), stream.between(-256, 256)
    length = max(abs(lean_along), abs(lean_down), 1)
    line = (along * lean_along + down * lean_down) // length - stream.between(-800, 800)
    soft = stream.between(5, 90)
    return ONE - (ramp(line, -soft, soft) * stream.between(190, 256) >> 8)


def _reveal(shape: tuple[int, int], stream: Stream) -> Grid:
    """The corner of a window or a buttress: light in a corner of the photo only, or everywhere else."""
    down, along = _centred(shape)
    slant = stream.between(-90, 90)
    sides = along * stream.sign() + (down * slant >> 8), down * stream.sign() - (along * slant >> 9)
    line = np.minimum(sides[0] - stream.between(-500, 300), sides[1] - stream.between(-500, 300))
    soft = stream.between(5, 40)
    weight = ramp(line, -soft, soft)
    return weight if stream.chance(50) else ONE - weight


def _wire(shape: tuple[int, int], stream: Stream) -> Grid:
    """The shadow of a wire: thin as a crack, but smooth."""
    down, along = _centred(shape)
    if stream.chance(50):
        down, along = along, down
    sag = (along * along >> 10) * stream.between(-70, 70) >> 8
    line = np.abs(down - (along * stream.between(-200, 200) >> 8) - sag - stream.between(-600, 600))
    half_width = stream.between(8, 26)
    return ONE - (ramp(line, half_width + 10, half_width - 6) * stream.between(120, 240) >> 8)


def _branches(shape: tuple[int, int], stream: Stream) -> Grid:
    """Branches with their leaves; the farther away, the softer."""
    twigs: list[Twig] = []
    for number in range(stream.between(1, 3)):
        twigs += grow(shape, stream.child(number), stream.between(9, 26) * ONE)
    shadow = silhouette(shape, twigs)
    for _ in range(stream.between(0, 3)):
        shadow = blurred(shadow, stream.between(1, 3))
    return ONE - (shadow * stream.between(170, 250) >> 8)


def _crown(shape: tuple[int, int], stream: Stream) -> Grid:
    """Light that comes through a tree: pictures of the sun, each round, in heaps."""
    height, width = shape
    heaps = [(stream.between(0, width), stream.between(0, height)) for _ in range(stream.between(3, 7))]
    size = stream.between(7, 14) * ONE
    light: Grid = np.zeros(shape, np.int32)
    for _ in range(stream.between(80, 160)):
        x, y = heaps[stream.between(0, len(heaps) - 1)]
        x, y = (x + stream.between(-60, 60), y + stream.between(-50, 50))
        spot = size * stream.between(140, 400) >> 8
        window, field = oval_field(Oval(x * ONE, y * ONE, spot, spot * 3 // 4, (251, 50)), shape)
        light[window] += ramp(field, -150, 190) * stream.between(40, 150) >> 8
    light = np.minimum(light, ONE)
    ground = stream.between(40, 130)
    return ground + (light * (ONE - ground) >> 8)


def _centred(shape: tuple[int, int]) -> tuple[Grid, Grid]:
    """Place down and along the photo, -1024 at one edge to 1024 at the other."""
    height, width = shape
    down = (np.arange(height, dtype=np.int32) * 2 - height) * 1024 // height
    along = (np.arange(width, dtype=np.int32) * 2 - width) * 1024 // width
    grids = np.broadcast_arrays(down[:, None], along[None, :])
    return grids[0], grids[1]


_SHADOWS: tuple[tuple[str, int, Callable[[tuple[int, int], Stream], Grid]], ...] = (
    ("roof", 26, _roof),
    ("reveal", 10, _reveal),
    ("wire", 13, _wire),
    ("branches", 16, _branches),
    ("crown", 14, _crown),
)
"""Shadows, each with the percent of sunny photos that have it."""
