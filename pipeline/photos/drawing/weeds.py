"""Weeds: small plants that root in a joint, their leaves and the shadow that they throw on the wall."""

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.damages import painted
from pipeline.photos.drawing.fields import ONE, blend, ramp
from pipeline.photos.drawing.shapes import Oval, Window, moved, oval_field
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.styles import Colour, plane

_GREENS: tuple[Colour, ...] = ((74, 104, 40), (96, 124, 52), (60, 88, 44), (124, 140, 66), (86, 112, 70))


def grown(colours: Grid, root: tuple[int, int], camera: Camera, stream: Stream) -> tuple[Grid, Grid]:
    """Let a plant grow from a joint.

    Args:
        colours: of the wall, `[3, height, width]`, 0 to 4095.
        root: place along and down the photo, 1/256 pixel.
        camera: gives the scale.
        stream: the plant's stream.

    Returns:
        Colours with the plant and its shadow, and how far leaves hide each pixel, 0 to 256.
    """
    shape = camera.shape
    heights: Grid = np.zeros(shape, np.int32)
    fields = [oval_field(leaf, shape) for leaf in _leaves(root, camera, stream)]
    for window, field in fields:
        np.maximum(heights[window], field, out=heights[window])
    throw = max(1, min(camera.millimetre * 12 >> 8, 7))
    colours = painted(colours, (16, 17, 14), ramp(moved(heights, throw, throw // 2 + 1), 0, 90) * 150 >> 8)
    green = _GREENS[stream.between(0, len(_GREENS) - 1)]
    for window, field in fields:
        _lay_leaf(colours, window, field, green, stream)
    return colours, ramp(heights, 0, 60)


def _leaves(root: tuple[int, int], camera: Camera, stream: Stream) -> list[Oval]:
    """Ovals along a few stems that lean out of the joint; narrow ones make grass, round ones a herb."""
    length = min(max(camera.millimetre * stream.between(110, 260), 20 * ONE), 95 * ONE)
    slender = stream.chance(35)
    half = max(length * stream.between(20, 34) >> 8, 3 * ONE // 2)
    leaves = []
    for _ in range(stream.between(4, 9)):
        reach = length * stream.between(120, 256) >> 8
        across, rise = stream.between(-230, 230), stream.between(-256, 120)
        droop = stream.between(0, 150)
        count = 9 if slender else stream.between(4, 8)
        for step in range(1, count + 1):
            share = step * ONE // count
            x = root[0] + (reach * across * share >> 16)
            y = root[1] + (reach * rise * share >> 16) + (reach * droop * share // ONE * share >> 16)
            if slender:
                axis = _unit(across, rise + 2 * droop * share // ONE)
                leaves.append(Oval(x, y, max(reach // count, ONE), max(half // 5, 150) * (280 - share) >> 8, axis))
            else:
                axis = _unit(across + stream.between(-200, 200), rise + stream.between(-200, 200))
                size = half * stream.between(130, 256) >> 8
                stray = stream.between(-half, half), stream.between(-half, half)
                leaves.append(Oval(x + stray[0], y + stray[1], size, size * stream.between(120, 180) >> 8, axis))
    return leaves


def _lay_leaf(colours: Grid, window: Window, field: Grid, green: Colour, stream: Stream) -> None:
    """Paint one leaf: lighter towards its upper side, with a pale rib where it is seen from near."""
    tone = plane(green) * stream.between(140, 330) >> 8
    tone = tone + np.array((stream.between(-120, 260), 0, 0), np.int32)[:, None, None]
    light = 190 + (field * 70 >> 8)
    place = (slice(None), *window)
    colours[place] = blend(colours[place], np.clip(tone * light >> 8, 0, 4095), ramp(field, 0, 70))


def _unit(across: int, down: int) -> tuple[int, int]:
    """A vector of about 256 in the same direction."""
    length = max(abs(across), abs(down)) + (min(abs(across), abs(down)) * 3 >> 3)
    return (across * ONE // length, down * ONE // length) if length else (ONE, 0)
