"""Light: sun and sky, and what they make of a wall's relief."""

from dataclasses import dataclass

import numpy as np

from pipeline.photos.drawing.fields import ONE, blurred, noise, ramp
from pipeline.photos.drawing.shapes import moved
from pipeline.photos.drawing.streams import Grid, Stream

_SUN_WAYS = ((0, 256), (66, 247), (128, 222), (181, 181), (222, 128))
"""Unit vectors from straight above to well aside."""

_SHADOW_STEPS = (1, 2, 3, 4, 6, 8, 11, 15)
"""Distances in pixels at which a shadow is looked for."""


@dataclass(frozen=True)
class Sun:
    """Where the light comes from; 1/256.

    Args:
        along: the way to the sun along the photo, with `down` a vector of length 1.
        down: the same down the photo; negative, as the sun stands above.
        rise: how far a ray rises from the wall on that way; the lower, the longer the shadows.
        share: part of the light that is the sun's, the rest is the sky's; little under clouds.
        colour: factors of red, green and blue in sunlight.
        sky: the same in skylight.
    """

    along: int
    down: int
    rise: int
    share: int
    colour: tuple[int, int, int]
    sky: tuple[int, int, int]


def choose_sun(stream: Stream) -> Sun:
    """Choose the weather and the time of day; the sky is overcast on half of the days."""
    along, down = _SUN_WAYS[stream.between(0, len(_SUN_WAYS) - 1)]
    warm = stream.between(0, 22)
    share = stream.between(110, 190) if stream.chance(50) else stream.between(0, 50)
    cool = share * stream.between(8, 24) // ONE
    return Sun(
        along=along * stream.sign(),
        down=-down,
        rise=stream.between(130, 400),
        share=share,
        colour=(ONE + warm, ONE, ONE - warm),
        sky=(ONE - cool, ONE, ONE + cool),
    )


def lit(colours: Grid, relief: Grid, shade: Grid, sun: Sun, stream: Stream) -> Grid:
    """Light a wall.

    Args:
        colours: `[3, height, width]`, 0 to 4095.
        relief: `[height, width]`, 1/256 pixel, higher is nearer to the viewer.
        shade: `[height, width]`, sunlight that other things let through, 256 = all.
        sun: where the light comes from.
        stream: the photo's stream.

    Returns:
        Colours like those that came.
    """
    shape = relief.shape[0], relief.shape[1]
    across, down = _slopes(relief)
    from_sun = np.clip(ONE - (across * sun.along + down * sun.down) // sun.rise, 0, 420)
    from_sun = from_sun * np.minimum(shade, _own_shadow(relief, sun)) >> 8
    from_sky = np.clip(ONE + (down * 110 >> 8) - (across * stream.between(-40, 40) >> 8), 90, 380)
    from_sky = from_sky * _openness(relief) * _gradient(shape, stream) >> 16
    light = [from_sun * sun.share * sun.colour[i] + from_sky * (ONE - sun.share) * sun.sky[i] >> 16 for i in range(3)]
    seen: Grid = np.clip(colours * np.stack(light) >> 8, 0, 4095)
    return seen


def _slopes(relief: Grid) -> tuple[Grid, Grid]:
    """Rise of the relief along and down the photo, 256 = 45 degrees, at most 320."""
    across, down = np.zeros_like(relief), np.zeros_like(relief)
    across[:, 1:-1] = (relief[:, 2:] - relief[:, :-2]) >> 1
    down[1:-1] = (relief[2:] - relief[:-2]) >> 1
    # Steep places are smaller than a pixel: they turn from the light in part only.
    steep = 320 + np.maximum(np.abs(across), np.abs(down))
    return across * 320 // steep, down * 320 // steep


def _own_shadow(relief: Grid, sun: Sun) -> Grid:
    """Sunlight that the relief lets through to itself, 256 = all."""
    excess: Grid = np.full_like(relief, -ONE)
    for step in _SHADOW_STEPS:
        towards = moved(relief, -sun.down * step // ONE, -sun.along * step // ONE)
        np.maximum(excess, towards - relief - sun.rise * step, out=excess)
    return ramp(excess, 70, -70)


def _openness(relief: Grid) -> Grid:
    """Skylight that reaches the ground of joints and holes, 256 = all."""
    near = np.clip(blurred(relief, 1) - relief, 0, 300)
    wide = np.clip(blurred(relief, 4) - relief, 0, 700)
    openness: Grid = ONE - np.minimum((near * 50 + wide * 34) >> 8, 150)
    return openness


def _gradient(shape: tuple[int, int], stream: Stream) -> Grid:
    """Factor that changes evenly over the photo, and a little unevenly on top."""
    height, width = shape
    down = (np.arange(height, dtype=np.int32)[:, None] * 2 - height) * 1024 // height
    along = (np.arange(width, dtype=np.int32)[None, :] * 2 - width) * 1024 // width
    slope = along * stream.between(-44, 44) + down * stream.between(-44, 44)
    return ONE + (slope >> 10) + (noise(stream.child("uneven"), shape, 90) * 14 >> 10)
