"""Faces of bricks: colours of the clay, marks of mould and kiln, pits, and lime that flew on them."""

from dataclasses import dataclass

import numpy as np

from pipeline.photos.drawing.fields import ONE, blend, noise, ramp, rough_noise
from pipeline.photos.drawing.laying import Laid
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.styles import Skin, Wall


@dataclass(frozen=True)
class Surface:
    """A surface all over the photo.

    Args:
        colours: int32 `[3, height, width]`, 0 to 4095.
        relief: int32 `[height, width]`, height over the general face of the wall in 1/256 pixel.
    """

    colours: Grid
    relief: Grid


def brick_surface(wall: Wall, laid: Laid, stream: Stream) -> Surface:
    """The faces of bricks."""
    marks = _marks(wall.skin, laid, stream.child("marks"))
    pits = _pits(laid, stream.child("pits"))
    colours = own_colours(wall, laid, stream.child("clay"))
    colours = _fired(colours, wall, laid, stream.child("kiln"))
    colours = _specked(colours, 3000, laid, stream.child("lime"))
    colours = _specked(colours, 700, laid, stream.child("iron"))
    grain = laid.own_rough(stream.child("grain"), 18, 2)
    gain = ONE + (grain * stream.between(14, 44) >> 10) - (pits * 60 >> 8)
    gain = gain + np.clip(marks * 24 // laid.length(10), -24, 24)
    proud = stream.child("proud").grid(-laid.length(12), laid.length(12), (laid.num_bricks,))[laid.brick]
    grains = grain * laid.length(2) >> 10
    relief = proud + marks + grains - (pits * laid.length(16) >> 8) - rounded_edge(laid, 30 + wall.wear // 6)
    return Surface(np.clip(colours * gain >> 8, 0, 4095), relief)


def own_colours(wall: Wall, laid: Laid, stream: Stream) -> Grid:
    """A colour of its own for each brick or stone, changing gently within it towards another one."""
    count = laid.num_bricks
    palette = np.array(wall.colours, np.int32) * 16
    first, second = (palette[stream.grid(0, len(palette) - 1, (count,))] for _ in range(2))
    own = blend(first, second, stream.grid(0, ONE, (count, 1)))
    own = blend(np.broadcast_to(palette[0], own.shape), own, wall.unevenness)
    spread = 6 + wall.unevenness // 9
    own = own * (ONE + stream.grid(-spread, spread, (count, 1))) >> 8
    other = blend(own, palette[stream.grid(0, len(palette) - 1, (count,))], 110)
    mottled = laid.own_rough(stream.child("mottled"), 420, 4)
    slope = stream.grid(-160, 160, (2, count))[:, laid.brick]
    weight = ONE // 2 + (mottled * 240 + laid.across * slope[0] + laid.upright * slope[1] >> 9)
    # Clay changes its colour along edges, too, and not only by degrees as noise does.
    flakes = laid.own_rough(stream.child("flakes"), 240, 6)
    weight = np.clip(weight + (ramp(flakes, 60, 180) * stream.between(0, 150) >> 8) - 40, 0, ONE)
    colours = blend(own.T[:, laid.brick], other.T[:, laid.brick], weight)
    cloud = laid.own_rough(stream.child("cloud"), 60, 4)
    gain = ONE + (mottled * stream.between(10, 44) + cloud * stream.between(20, 64) >> 10)
    return colours * gain >> 8


def rounded_edge(laid: Laid, tenths: int) -> Grid:
    """How far a face falls back towards its edge, over a strip of that many tenths of a millimetre; 1/256 pixel."""
    strip = laid.length(tenths)
    outside = ONE - ramp(laid.inside, 0, strip)
    return outside * outside * (strip // 2) >> 16


def _marks(skin: Skin, laid: Laid, stream: Stream) -> Grid:
    """Relief that the making left, 1/256 pixel."""
    waves = laid.own_rough(stream.child("waves"), 260, 3) * laid.length(10) >> 10
    if skin is Skin.CREASED:
        return waves + _creases(laid, stream)
    if skin is Skin.DRAGGED:
        return (waves >> 1) + _drags(laid, stream)
    if skin is Skin.SANDED:
        return (waves >> 1) + (laid.own_rough(stream.child("sand"), 22, 2) * laid.length(7) >> 10)
    return waves >> 1


def _creases(laid: Laid, stream: Stream) -> Grid:
    """Folds: narrow valleys where a noise drawn out along the brick changes its sign, here and there."""
    folds = noise(stream.child("folds"), laid.quarry, laid.cell(500), laid.cell(140))
    folds = folds + (rough_noise(stream.child("bent"), laid.quarry, laid.cell(80), 3) >> 1)
    where = ramp(laid.rough(stream.child("where"), 300, 2), -40, 260)
    depth = ramp(np.abs(laid.own(folds)), 150, 0) * where >> 8
    return -(depth * laid.length(18) >> 8)


def _drags(laid: Laid, stream: Stream) -> Grid:
    """Fine lines along or across the brick, and a few long scratches."""
    cells = (laid.cell(500), laid.cell(22))
    cells = cells if stream.chance(60) else (cells[1], cells[0])
    lines = noise(stream.child("lines"), laid.quarry, *cells)
    scratches = ramp(noise(stream.child("scratches"), laid.quarry, cells[0], max(1, cells[1] // 2)), 560, 760)
    return laid.own((lines * laid.length(5) >> 10) - (scratches * laid.length(10) >> 8))


def _pits(laid: Laid, stream: Stream) -> Grid:
    """Weight of small holes, more on some bricks than on others, longer than high."""
    size = stream.between(16, 44)
    place = noise(stream.child("place"), laid.quarry, laid.cell(size * 2), laid.cell(size))
    place = place + (rough_noise(stream.child("ragged"), laid.quarry, laid.cell(30), 2) >> 2)
    worst = stream.between(0, 300)
    many = stream.grid(-100, worst, (laid.num_bricks,))[laid.brick] + (laid.rough(stream.child("where"), 240, 2) >> 2)
    pits: Grid = np.clip(laid.own(place) - 1000 + many, 0, ONE)
    return pits


def _fired(colours: Grid, wall: Wall, laid: Laid, stream: Stream) -> Grid:
    """Bricks near the fire: some dark all over, some from one end or in the middle only."""
    count = laid.num_bricks
    percent = wall.unevenness * 22 >> 8
    chosen = stream.grid(0, 99, (count,)) < percent
    strength = np.where(chosen, stream.grid(40, 150, (count,)), 0)[laid.brick]
    ends = stream.grid(-ONE, ONE, (2, count))[:, laid.brick]
    ragged = laid.own_rough(stream.child("ragged"), 200, 4)
    near = (laid.across * ends[0] + laid.upright * (ends[1] >> 2) >> 8) + (ragged * 120 >> 10)
    whole = (stream.grid(0, 2, (count,)) == 0)[laid.brick]
    weight = np.where(whole, 180, ramp(near, -60, 150)) * strength >> 8
    burnt = np.array(((70,), (58,), (60,)), np.int32)[:, :, None] * 16
    return blend(colours, np.minimum(burnt, colours), weight.astype(np.int32))


def _specked(colours: Grid, speck: int, laid: Laid, stream: Stream) -> Grid:
    """Specks of one brightness (0 to 4095), such as lime, mortar or iron in the clay, on one photo in three."""
    if not stream.chance(35):
        return colours
    specks = laid.own_rough(stream.child("specks"), stream.between(16, 60), 3)
    where = laid.rough(stream.child("where"), 500, 2)
    weight = ramp(specks + (where >> 1), 560, 700) * stream.between(60, 200) >> 8
    return blend(colours, speck, weight)
