"""Weathering: soot from above, damp from below, stains, salts, moss and the dark runs of rain water."""

import numpy as np

from pipeline.photos.drawing.fields import blend, noise, ramp, rough_noise
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.walls import Colour


def weathered(colours: Grid, mortar: Grid, stream: Stream) -> Grid:
    """Weather a wall's colours.

    Args:
        colours: `[3, height, width]`, 0 to 4095.
        mortar: 256 on mortar, where moss grows first.
        stream: the photo's stream.

    Returns:
        Colours like those that came.
    """
    shape = mortar.shape[0], mortar.shape[1]
    colours = _tinted(colours, (36, 34, 33), _patches(stream.child("soot"), shape, 48, 300))
    if stream.chance(45):
        colours = _tinted(colours, (44, 41, 38), _from_edge(stream.child("high"), shape, upper=True))
    if stream.chance(35):
        colours = _tinted(colours, (58, 52, 44), _from_edge(stream.child("damp"), shape, upper=False))
    if stream.chance(40):
        colours = _tinted(colours, (226, 222, 212), _patches(stream.child("salts"), shape, 34, 420))
    if stream.chance(35):
        moss = _patches(stream.child("moss"), shape, 40, 260)
        colours = _tinted(colours, (74, 88, 44), moss * (110 + (mortar * 146 >> 8)) >> 8)
    if stream.chance(45):
        colours = _tinted(colours, (48, 44, 40), _runs(stream.child("runs"), shape))
    return colours


def _tinted(colours: Grid, tint: Colour, weight: Grid) -> Grid:
    """Lay a tint over the colours and keep half of their light and dark."""
    grey = (colours[0] * 77 + colours[1] * 150 + colours[2] * 29) >> 8
    target = np.array(tint, np.int32)[:, None, None] * ((grey + 1500) // 200)
    return blend(colours, np.clip(target, 0, 4095), weight)


def _patches(stream: Stream, shape: tuple[int, int], cell: int, start: int) -> Grid:
    """Weight of ragged patches, 0 to about 150; the higher `start` (noise, 0 to 1024), the fewer."""
    place = rough_noise(stream, shape, cell, 4)
    return ramp(place, start - 200, start + 300) * stream.between(40, 170) >> 8


def _from_edge(stream: Stream, shape: tuple[int, int], *, upper: bool) -> Grid:
    """Weight that fades from the upper or lower edge of the photo along a ragged line."""
    height = shape[0]
    down = np.arange(height, dtype=np.int32)[:, None] * 1024 // height
    down = down if upper else 1023 - down
    reach = stream.between(150, 600)
    edge = down + (rough_noise(stream, shape, 30, 3) * 200 >> 10)
    return ramp(edge, reach + 260, reach - 260) * stream.between(60, 180) >> 8


def _runs(stream: Stream, shape: tuple[int, int]) -> Grid:
    """Weight of the dark streaks that water leaves down a wall."""
    streaks = (noise(stream, shape, 9, 190) + noise(stream, shape, 3, 90) + noise(stream, shape, 2, 9) // 3) >> 1
    wet = ramp(rough_noise(stream, shape, 50, 3), -200, 500)
    return (ramp(streaks, 60, 760) * wet >> 8) * stream.between(60, 170) >> 8
