"""Openings: what a crack does to the face of a wall once its course is known."""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

import numpy as np

from pipeline.photos.drawing.damages import earthen, painted
from pipeline.photos.drawing.fields import ONE, blend, noise, ramp, rough_noise
from pipeline.photos.drawing.shapes import moved
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.styles import plane
from pipeline.photos.drawing.walls import Face


class Look(Enum):
    """What one sees of a crack."""

    GAP = "a gap, one of whose broken sides is lit"
    TORN = "a gap with rough pale edges and crumbs in it"
    HAIRLINE = "a fine dark line"
    FILLED = "a line of old mortar and dust"


def opened(face: Face, margin: Grid, look: Look, half_width: int, stream: Stream) -> Face:
    """Open a face.

    Args:
        face: the whole wall.
        margin: how far inside the crack each pixel lies, 1/256 pixel, negative outside.
        look: what one sees of the crack.
        half_width: of the crack, 1/256 pixel.
        stream: the crack's stream.
    """
    return _LOOKS[look](face, margin, half_width, stream)


def _gaping(face: Face, margin: Grid, half_width: int, stream: Stream) -> Face:
    """Broken sides in half light, and darkness behind them; the edges lost a little of their face."""
    shape = margin.shape[0], margin.shape[1]
    cover = ramp(margin, -ONE // 2, ONE // 2)
    parallax = min(half_width // (3 * ONE) + 1, 5)
    far = moved(margin, stream.between(0, parallax), stream.sign() * parallax)
    dark = ramp(np.minimum(margin, far), -ONE // 3, ONE + half_width // 3)
    rough = ONE + (rough_noise(stream.child("side"), shape, 5, 2) * 130 >> 10)
    side = (face.colours * stream.between(70, 130) >> 8) * rough >> 8
    inside = blend(side, plane((stream.between(3, 12), stream.between(3, 9), stream.between(2, 8))), dark)
    crumbled = ramp(rough_noise(stream.child("crumbled"), shape, 7, 2), -60, 260) * ramp(margin, -4 * ONE, -ONE) >> 8
    fresh = np.minimum((face.colours * stream.between(290, 380) >> 8) + 60, 4095)
    colours = blend(face.colours, fresh, crumbled * stream.between(20, 200) >> 8)
    colours = blend(colours, inside, cover)
    return replace(face, colours=colours, relief=face.relief - cover * (2 + half_width // (2 * ONE)) - (crumbled >> 1))


def _torn(face: Face, margin: Grid, half_width: int, stream: Stream) -> Face:
    """A dark gap whose rims broke away in pale crumbs, some of which lie in it."""
    shape = margin.shape[0], margin.shape[1]
    gaped = _gaping(face, margin, half_width, stream.child("gap"))
    rim = ramp(margin, -2 * ONE - half_width // 4, -ONE // 2)
    rim = rim * ramp(margin, half_width, half_width // 6) >> 8
    crumbs = ramp(noise(stream.child("crumbs"), shape, 2) + noise(stream.child("clumps"), shape, 9), 60, 500)
    shadows = ramp(noise(stream.child("shadows"), shape, 2), 200, 520) * rim >> 8
    colours = painted(gaped.colours, (26, 20, 18), shadows * 210 >> 8)
    colours = painted(colours, earthen(stream.between(205, 245), stream), (rim * crumbs >> 8) * 230 >> 8)
    return replace(gaped, colours=colours, relief=gaped.relief + (rim * crumbs >> 9))


def _hairline(face: Face, margin: Grid, half_width: int, stream: Stream) -> Face:
    """A fine line, darker here and there."""
    shape = margin.shape[0], margin.shape[1]
    depth = 180 + (noise(stream.child("depth"), shape, 14) * 70 >> 10)
    cover = ramp(margin, -ONE // 2, ONE // 2)
    colours = painted(face.colours, (22, 17, 14), cover * depth >> 8)
    return replace(face, colours=colours, relief=face.relief - cover)


def _filled(face: Face, margin: Grid, half_width: int, stream: Stream) -> Face:
    """Mortar or dust fills the crack up to a dark seam along one of its sides."""
    shape = margin.shape[0], margin.shape[1]
    sand = ONE + (rough_noise(stream.child("sand"), shape, 3, 2) * 90 >> 10)
    filling = plane(earthen(stream.between(120, 190), stream)) * sand >> 8
    cover = ramp(margin, -ONE // 2, ONE // 2)
    colours = blend(face.colours, filling, cover * 225 >> 8)
    seam = np.minimum(cover, ramp(moved(margin, 0, stream.sign()), ONE, -ONE // 2))
    colours = painted(colours, (24, 19, 16), seam * stream.between(150, 230) >> 8)
    return replace(face, colours=colours, relief=face.relief - (cover >> 1) - seam)


_LOOKS: dict[Look, Callable[[Face, Grid, int, Stream], Face]] = {
    Look.GAP: _gaping,
    Look.TORN: _torn,
    Look.HAIRLINE: _hairline,
    Look.FILLED: _filled,
}
