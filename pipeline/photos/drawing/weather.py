"""Weathering that is no damage: soot from above, damp from below, stains and the dark runs of rain water.

Salts and growth are damages of their own and never part of it, so that the labels stay true.
"""

import numpy as np

from pipeline.photos.drawing.fields import blend, noise, ramp, rough_noise
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.styles import Colour


def weathered(colours: Grid, mortar: Grid, stream: Stream) -> Grid:
    """Weather a wall's colours.

    Args:
        colours: `[3, height, width]`, 0 to 4095.
        mortar: 256 on mortar, which takes up more dirt than brick.
        stream: the photo's stream.

    Returns:
        Colours like those that came.
    """
    shape = mortar.shape[0], mortar.shape[1]
    soaking = 170 + (mortar * 86 >> 8)
    if stream.chance(35):
        colours = _tinted(colours, (62, 56, 50), _patches(stream.child("stains"), shape) * soaking >> 8)
    if stream.chance(25):
        colours = _tinted(colours, (44, 41, 38), _from_edge(stream.child("soot"), shape, upper=True) * soaking >> 8)
    if stream.chance(20):
        colours = _tinted(colours, (58, 52, 44), _from_edge(stream.child("damp"), shape, upper=False))
    if stream.chance(30):
        colours = _tinted(colours, (48, 44, 40), _runs(stream.child("runs"), shape))
    return colours


def _tinted(colours: Grid, tint: Colour, weight: Grid) -> Grid:
    """Lay a tint over the colours and keep half of their light and dark."""
    grey = (colours[0] * 77 + colours[1] * 150 + colours[2] * 29) >> 8
    target = np.array(tint, np.int32)[:, None, None] * ((grey + 1500) // 200)
    return blend(colours, np.clip(target, 0, 4095), weight)


def _patches(stream: Stream, shape: tuple[int, int]) -> Grid:
    """Weight of ragged patches, 0 to 190."""
    place = rough_noise(stream, shape, stream.between(40, 110), 6)
    return ramp(place, 80, 700) * stream.between(50, 190) >> 8


def _from_edge(stream: Stream, shape: tuple[int, int], *, upper: bool) -> Grid:
    """Weight that fades from the upper or lower edge of the photo along a ragged line."""
    height = shape[0]
    down = np.arange(height, dtype=np.int32)[:, None] * 1024 // height
    down = down if upper else 1023 - down
    reach = stream.between(100, 500)
    edge = down + (rough_noise(stream, shape, 60, 5) * 260 >> 10)
    return ramp(edge, reach + 320, reach - 260) * stream.between(40, 130) >> 8


def _runs(stream: Stream, shape: tuple[int, int]) -> Grid:
    """Weight of the dark streaks that water leaves down a wall."""
    streaks = (noise(stream, shape, 22, 260) + noise(stream, shape, 7, 150) + noise(stream, shape, 2, 40) // 3) >> 1
    wet = ramp(rough_noise(stream, shape, 90, 4), -200, 500)
    return (ramp(streaks, 60, 760) * wet >> 8) * stream.between(40, 120) >> 8
