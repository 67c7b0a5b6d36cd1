"""Mortar: sand and lime between the bricks, how it was pointed, and what the weather left of it."""

from dataclasses import dataclass

import numpy as np

from pipeline.photos.drawing.bricks import Surface
from pipeline.photos.drawing.fields import ONE, blend, ramp
from pipeline.photos.drawing.laying import Laid
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.styles import Pointing, Wall, plane


@dataclass(frozen=True)
class _Filling:
    """How a joint is filled; tenths of a millimetre.

    Args:
        depth: how far the mortar lies behind the faces of the bricks, at least and at most.
        smear: how far it may lie over the edges of the bricks.
        lumps: how uneven it is.
    """

    depth: tuple[int, int]
    smear: int
    lumps: int


_FILLINGS = {
    Pointing.FLUSH: _Filling((0, 20), 30, 10),
    Pointing.RECESSED: _Filling((35, 90), 18, 14),
    Pointing.SMEARED: _Filling((-15, 15), 60, 26),
    Pointing.WEATHERED: _Filling((30, 80), 25, 34),
    Pointing.RIBBON: _Filling((5, 20), 20, 6),
}


def mortar_surface(wall: Wall, laid: Laid, stream: Stream) -> Surface:
    """Mortar all over the photo; bricks will cover most of it."""
    filling = _FILLINGS[wall.pointing]
    sand = laid.rough(stream.child("sand"), 14, 2)
    lumps = laid.rough(stream.child("lumps"), 110, 4)
    patches = laid.rough(stream.child("patches"), 900, 3)
    holes = _holes(wall, laid, stream.child("holes"))
    relief = (lumps * laid.length(filling.lumps) >> 10) + (sand * laid.length(5) >> 10)
    relief = relief - laid.length(stream.between(*filling.depth)) - (holes * laid.length(60) >> 8)
    grooves = _grooves(laid) if wall.pointing is Pointing.RIBBON else np.zeros(laid.shape, np.int32)
    relief = relief - (grooves * laid.length(22) >> 8)
    gain = ONE + (sand * stream.between(30, 80) >> 10) + (patches * 44 + lumps * 28 >> 10)
    gain = gain - (holes * 50 >> 8) - (grooves * 30 >> 8)
    grains = ramp(laid.rough(stream.child("grains"), 20, 1), 760, 960) * stream.between(0, 130) >> 8
    colours = plane(wall.mortar) * gain >> 8
    return Surface(np.clip(blend(colours, 1400, grains), 0, 4095), relief)


def brick_cover(wall: Wall, laid: Laid, stream: Stream) -> Grid:
    """Weight of brick over mortar, 256 on bare brick; smears have edges that are ragged and partly thin."""
    smear = _FILLINGS[wall.pointing].smear
    ragged = laid.rough(stream.child("ragged"), 220, 5) + 160
    width = laid.length(smear) * np.maximum(ragged, 0) >> 9
    edge = laid.inside - width
    thin = ramp(laid.rough(stream.child("thin"), 60, 3), 60, 420) * 130 >> 8
    sharp = ramp(edge, -ONE // 2, ONE // 2)
    bare = ramp(laid.inside, -ONE // 2, ONE // 2)
    haze = ramp(laid.inside, laid.length(260), 0) * ramp(laid.rough(stream.child("haze"), 350, 5), -60, 500) >> 8
    covered = np.maximum(sharp, bare * thin >> 8)
    veiled: Grid = covered - (np.minimum(haze, covered) * stream.between(0, 150) >> 8)
    return veiled


def gaps(wall: Wall, laid: Laid, stream: Stream) -> Grid:
    """Weight of thin dark gaps where mortar has come off the edge of a brick, on worn walls more."""
    line = ramp(np.abs(laid.inside + laid.length(6)), max(laid.length(13), ONE * 3 // 4), laid.length(3))
    where = ramp(laid.rough(stream, 700, 4), 420 - wall.wear, 620 - wall.wear)
    return line * where >> 8


def _holes(wall: Wall, laid: Laid, stream: Stream) -> Grid:
    """Weight of places where mortar has fallen out."""
    start = 360 if wall.pointing is Pointing.WEATHERED else 560
    return ramp(laid.rough(stream, 320, 4), start - wall.wear // 4, start + 220 - wall.wear // 4)


def _grooves(laid: Laid) -> Grid:
    """Weight of two grooves along each joint, near the bricks."""
    from_edge = -laid.inside
    grooves: Grid = ramp(np.abs(from_edge - laid.courses.joint // 5), max(laid.length(14), ONE // 2), 0)
    return grooves
