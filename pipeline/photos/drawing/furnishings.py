"""Furnishings: pipes, cables and plants before a wall, and their shadows on it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.fields import ONE, blend, blurred, noise, ramp
from pipeline.photos.drawing.lights import Sun
from pipeline.photos.drawing.plants import Twig, grow, silhouette, twig_cover
from pipeline.photos.drawing.shapes import leaf_field, moved
from pipeline.photos.drawing.streams import Grid, Mask, Stream
from pipeline.photos.drawing.styles import Colour, plane

_PERCENT = 20
"""Photos that get something before the wall, unless it would hide too much."""

_MOST = 25
"""Percent of the photo that may be hidden."""

_PAINTS: tuple[Colour, ...] = (
    (70, 72, 74),
    (190, 190, 186),
    (120, 124, 126),
    (86, 60, 48),
    (60, 66, 60),
    (150, 116, 84),
)

_STEM: Colour = (84, 70, 52)

_GREENS: tuple[Colour, ...] = ((66, 92, 44), (92, 116, 56), (110, 122, 62), (58, 76, 48), (112, 96, 56))


@dataclass(frozen=True)
class Furnished:
    """A wall with what stands before it.

    Args:
        colours: `[3, height, width]`, 0 to 4095.
        relief: `[height, width]`, 1/256 pixel.
        shade: `[height, width]`, sunlight that reaches the wall past it, 256 = all.
        cover: pixels at which the wall is hidden; no damage can be seen there.
    """

    colours: Grid
    relief: Grid
    shade: Grid
    cover: Mask


@dataclass(frozen=True)
class _Thing:
    """Something before the wall: its colours, the weight with which it covers the wall, and its height over it."""

    colours: Grid
    weight: Grid
    relief: Grid
    distance: int


def furnished(colours: Grid, relief: Grid, camera: Camera, sun: Sun, stream: Stream) -> Furnished:
    """Put a pipe, a cable or a plant before one wall in five; the others come back as they are.

    Called between damage and light: damages lie on the wall, and light falls on both. Masks lose the pixels of `cover`.
    """
    nothing = Furnished(colours, relief, np.full_like(relief, ONE), np.zeros(camera.shape, np.bool_))
    if not stream.chance(_PERCENT):
        return nothing
    make = _MAKERS[stream.between(0, len(_MAKERS) - 1)]
    thing = make(camera, stream.child("thing"))
    cover = thing.weight >= ONE // 2
    if int(cover.sum()) * 100 > cover.size * _MOST:
        return nothing
    return Furnished(
        colours=blend(colours, thing.colours, thing.weight),
        relief=blend(relief, thing.relief, thing.weight),
        shade=_cast(thing, sun),
        cover=cover,
    )


def _cast(thing: _Thing, sun: Sun) -> Grid:
    """The shadow that a thing casts on the wall, softer the farther it stands off."""
    reach = thing.distance * ONE // max(sun.rise, 120)
    down, along = -sun.down * reach >> 16, -sun.along * reach >> 16
    shadow = moved(thing.weight, down, along)
    shadow = blurred(shadow, 1 + min(reach >> 11, 3))
    return ONE - np.where(thing.weight >= ONE // 2, 0, shadow).astype(np.int32)


def _pipe(camera: Camera, stream: Stream) -> _Thing:
    """A round pipe, upright or level, with a bracket or two."""
    half_width = min(stream.between(9, 55) * camera.millimetre, min(camera.shape) * ONE // 9)
    level = stream.chance(20)
    down, along = _centred(camera.shape)
    down, along = (along, down) if level else (down, along)
    reach = along.max() - half_width
    across = along - stream.between(-int(reach), int(reach)) + (down * stream.between(-6, 6) >> 8)
    place = np.clip(across * ONE // half_width, -2 * ONE, 2 * ONE)
    weight = ramp(np.abs(across), half_width + ONE // 2, half_width - ONE // 2)
    ring = half_width * stream.between(40, 110) >> 7
    spacing = stream.between(90, 240) * ONE
    bracket = np.abs((down + stream.between(0, spacing)) % spacing - spacing // 2) < ring // 2
    rough = noise(stream.child("rough"), camera.shape, 40) + (noise(stream.child("dust"), camera.shape, 3) >> 1)
    gain = 256 + (rough * 30 >> 10) - np.where(bracket, 40, 0)
    body = np.maximum(ONE - (place * place >> 8), 0)
    shine = ramp(np.abs(place + stream.between(-110, 40)), 90, 0) * stream.between(0, 90) >> 8
    colours = plane(_PAINTS[stream.between(0, len(_PAINTS) - 1)]) * (gain * (130 + (body >> 1)) >> 8) >> 8
    colours = blend(colours, 3900, shine)
    relief = half_width // 3 + np.where(bracket, ONE, 0).astype(np.int32) + np.zeros_like(weight)
    return _Thing(colours, weight, relief, half_width * 2 + 12 * camera.millimetre)


def _cable(camera: Camera, stream: Stream) -> _Thing:
    """One to three cables side by side, straight or sagging."""
    half_width = max(min(stream.between(3, 8) * camera.millimetre, 5 * ONE), ONE * 3 // 4)
    down, along = _centred(camera.shape)
    if stream.chance(60):
        down, along = along, down
    size = int(down.max())
    sag = (along * along // max(size, 1)) * (stream.between(-60, 60) if stream.chance(50) else 0) >> 8
    bent = noise(stream.child("bent"), camera.shape, 60) * half_width >> 11
    line = down - sag - (along * stream.between(-30, 30) >> 8) - stream.between(-size * 3 // 4, size * 3 // 4) + bent
    strands = stream.between(1, 3) if stream.chance(40) else 1
    gap = half_width * 5 // 2
    across = np.min([np.abs(line - gap * strand) for strand in range(strands)], axis=0)
    weight = ramp(across, half_width + ONE // 2, half_width - ONE // 2)
    place = np.minimum(across * ONE // half_width, ONE)
    body = ONE - (place * place >> 8)
    paint = ((34, 34, 36), (48, 46, 46), (170, 170, 166), (110, 108, 104))[stream.between(0, 3)]
    colours = plane(paint) * (120 + (body * 136 >> 8)) >> 8
    return _Thing(colours, weight, np.full_like(weight, half_width), half_width * 2 + 6 * camera.millimetre)


def _plant(camera: Camera, stream: Stream) -> _Thing:
    """Twigs that hang into the photo before the wall, near the camera and hence often soft."""
    leaf = max(stream.between(25, 70) * camera.millimetre, 10 * ONE)
    leaf = min(leaf, 34 * ONE)
    twigs: list[Twig] = []
    for number in range(stream.between(1, 3)):
        twigs += grow(camera.shape, stream.child(number), leaf)
    green = _GREENS[stream.between(0, len(_GREENS) - 1)]
    colours = np.broadcast_to(plane(green), (3, *camera.shape)).astype(np.int32)
    for twig in twigs:
        _paint_twig(colours, twig, green, stream)
    weight = silhouette(camera.shape, twigs)
    soft = stream.between(0, 2)
    if soft:
        colours, weight = blurred(colours, 1), blurred(weight, soft)
    return _Thing(colours, weight, np.full_like(weight, ONE), stream.between(30, 160) * camera.millimetre)


def _paint_twig(colours: Grid, twig: Twig, green: Colour, stream: Stream) -> None:
    """Paint a leaf, one half of it lighter and its rib lighter still, or a stem."""
    shape = (colours.shape[1], colours.shape[2])
    window, cover = twig_cover(twig, shape)
    paint, shades = np.array(_STEM, np.int32), np.full_like(cover, stream.between(200, 280))
    if twig.is_leaf:
        across = leaf_field(twig.oval, shape)[2]
        halves = ramp(across, -40, 40) * stream.between(-50, 50) >> 8
        shades = stream.between(170, 330) + halves + ramp(np.abs(across), 40, 0) // 5 - (np.abs(across) >> 4)
        paint = np.array(green, np.int32) + stream.grid(-14, 14, (3,))
    shaded = np.minimum(paint[:, None, None] * 16 * shades >> 8, 4095)
    colours[:, window[0], window[1]] = blend(colours[:, window[0], window[1]], shaded, cover)


def _centred(shape: tuple[int, int]) -> tuple[Grid, Grid]:
    """Place down and along the photo from its centre, 1/256 pixel."""
    height, width = shape
    down = (np.arange(height, dtype=np.int32) - height // 2) * ONE
    along = (np.arange(width, dtype=np.int32) - width // 2) * ONE
    grids = np.broadcast_arrays(down[:, None], along[None, :])
    return grids[0], grids[1]


_MAKERS: tuple[Callable[[Camera, Stream], _Thing], ...] = (_pipe, _cable, _cable, _plant, _plant)
