"""Faces of stones: as tools or the quarry left them."""

import numpy as np

from pipeline.photos.drawing.bricks import Surface, own_colours, rounded_edge
from pipeline.photos.drawing.fields import ONE, noise, ramp
from pipeline.photos.drawing.laying import Laid
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.styles import Skin, Wall


def stone_surface(wall: Wall, laid: Laid, stream: Stream) -> Surface:
    """The faces of stones."""
    colours = own_colours(wall, laid, stream.child("stone"))
    if wall.skin is Skin.ROUGH:
        relief = _broken(laid, stream.child("broken")) - rounded_edge(laid, wall.height)
    else:
        relief = _dressed(wall.skin, laid, stream.child("dressed")) - rounded_edge(laid, 40 + wall.wear // 8)
    grain = laid.own_rough(stream.child("grain"), 26, 3)
    beds = _bedding(laid, stream.child("bedding"))
    gain = ONE + (grain * stream.between(20, 56) >> 10) + (beds * stream.between(0, 40) >> 10)
    pores = ramp(laid.own_rough(stream.child("pores"), 70, 3), 620 - wall.wear // 2, 760)
    proud = stream.child("proud").grid(-laid.length(20), laid.length(20), (laid.num_bricks,))[laid.brick]
    relief = relief + proud + (grain * laid.length(8) >> 10) - (pores * laid.length(16) >> 8)
    return Surface(np.clip(colours * (gain - (pores * 40 >> 8)) >> 8, 0, 4095), relief)


def _dressed(skin: Skin, laid: Laid, stream: Stream) -> Grid:
    """Strokes or dimples of a tool inside a margin that was left smooth; 1/256 pixel."""
    if skin is Skin.TOOLED:
        marks = _strokes(laid, stream)
    elif skin is Skin.PICKED:
        marks = laid.own(noise(stream.child("dimples"), laid.quarry, laid.cell(90))) * laid.length(16) >> 10
    else:
        marks = laid.own_rough(stream.child("sand"), 40, 3) * laid.length(12) >> 10
    margin = stream.between(0, 2) * 120
    drafted = ramp(laid.inside, laid.length(margin), laid.length(margin + 40))
    waves = laid.own_rough(stream.child("waves"), 900, 3) * laid.length(30) >> 10
    return waves + (marks * drafted >> 8)


def _strokes(laid: Laid, stream: Stream) -> Grid:
    """Parallel strokes of a chisel, slanted on each stone in its own way, none quite straight."""
    height, width = laid.shape
    slant = stream.grid(-300, 300, (laid.num_bricks,))[laid.brick]
    upright = stream.chance(50)
    down, along = np.arange(height, dtype=np.int32)[:, None], np.arange(width, dtype=np.int32)[None, :]
    across = along * ONE + down * slant if upright else down * ONE + along * slant
    bent = laid.own_rough(stream.child("bent"), 300, 3) * laid.length(90) >> 10
    pitch = max(laid.length(stream.between(60, 130)), 2 * ONE)
    phase = (across + bent) % pitch * ONE // pitch
    weak = ramp(laid.rough(stream.child("weak"), 400, 3), -500, 300)
    depth: Grid = np.abs(phase - ONE // 2) * laid.length(16) >> 7
    return depth * weak >> 8


def _broken(laid: Laid, stream: Stream) -> Grid:
    """The swelling and the facets of a stone as it broke; 1/256 pixel."""
    facets = laid.own_rough(stream.child("facets"), 800, 6)
    ridges: Grid = np.abs(laid.own_rough(stream.child("ridges"), 500, 5))
    return (facets * laid.length(170) - ridges * laid.length(120)) >> 10


def _bedding(laid: Laid, stream: Stream) -> Grid:
    """Layers of the sediment, -1024 to 1024."""
    return laid.own(noise(stream, laid.quarry, laid.cell(2400), laid.cell(stream.between(60, 240))))
