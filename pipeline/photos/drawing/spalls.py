"""Spalling: frost and salts have burst the skin off bricks, and their rough paler inside shows."""

from dataclasses import replace

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.damages import FAR, Brick, Damaged, brick_colours, bricks_in_sight, nearest_first
from pipeline.photos.drawing.fields import ONE, blend, ramp, rough_noise
from pipeline.photos.drawing.shapes import Oval, any_axis, moved, oval_field
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.walls import Face

_PALE = 2400
"""Mean colour of walls that are painted, or as good as."""

_SHARE_PER_THOUSAND = (90, 330)
"""Share of the photo that is to spall, least and most; small bricks may fall short of it, and a large one exceed it."""


def spalled(face: Face, camera: Camera, stream: Stream) -> Damaged:
    """Flake the faces of some bricks off, wholly or up to a curved edge; the mask holds what has lost its skin."""
    margin = _lost(face, camera.shape, stream.child("lost"))
    # A flake's edge breaks off within a few pixels near by and within one far away.
    edge = max(ONE, camera.millimetre * 2)
    gone = ramp(margin, -edge // 2, edge // 2)
    layers, grain = _inside(camera, stream.child("inside"))
    fresh = _fresh(face, layers, grain, stream.child("fresh"))
    depth = stream.between(2, 5)
    shade = gone * ramp(moved(margin, min(depth, 1 + edge // ONE), stream.between(-1, 1)), ONE, -ONE) >> 8
    fresh = blend(fresh, fresh * 90 >> 8, shade * stream.between(150, 240) >> 8)
    rim = ramp(np.abs(margin - edge), edge, 0) * stream.between(0, 70) >> 8
    fresh = np.minimum(blend(fresh, fresh * 330 >> 8, rim), 4095)
    ground = stream.between(-11, -4) * ONE + (layers * 3 + grain >> 2)
    relief = blend(face.relief, ground * camera.millimetre >> 8, gone)
    return Damaged(replace(face, colours=blend(face.colours, fresh, gone), relief=relief), margin >= 0)


def _lost(face: Face, shape: tuple[int, int], stream: Stream) -> Grid:
    """How far inside a lost face each pixel lies, in 1/256 pixel."""
    margin: Grid = np.full(shape, FAR, np.int32)
    wanted = shape[0] * shape[1] * stream.between(*_SHARE_PER_THOUSAND) // 1000
    ragged = rough_noise(stream.child("ragged"), shape, 11, 3)
    lost = 0
    for number, brick in enumerate(nearest_first(bricks_in_sight(face, stream.child("bricks")))):
        if lost >= wanted or number == 9:
            break
        flake = _flake(face, brick, ragged, stream.child("flake", number))
        np.maximum(margin[brick.window], flake, out=margin[brick.window])
        lost += int((flake >= 0).sum())
    return margin


def _flake(face: Face, brick: Brick, ragged: Grid, stream: Stream) -> Grid:
    """How far inside the lost part of one brick's face the pixels of its window lie."""
    shape = face.brick.shape[0], face.brick.shape[1]
    own = np.where(face.brick[brick.window] == brick.number, face.inside[brick.window], FAR)
    rough = ragged[brick.window] * min(brick.height * 60, 3 * ONE * ONE >> 4)
    inside: Grid = own - stream.between(-ONE, brick.height * 14) + (rough >> 11)
    if stream.chance(30):
        return inside
    rows, columns = brick.window
    oval = Oval(
        x=stream.between(columns.start, columns.stop) * ONE,
        y=stream.between(rows.start, rows.stop) * ONE,
        half_length=brick.width * stream.between(110, 200),
        half_width=max(brick.height, brick.width // 3) * stream.between(120, 230),
        axis=any_axis(stream) if stream.chance(40) else (ONE, 0),
    )
    field: Grid = np.full(shape, -ONE, np.int32)
    window, values = oval_field(oval, shape)
    field[window] = values
    part = (field[brick.window] + (ragged[brick.window] >> 3)) * min(oval.half_length, oval.half_width) >> 9
    lost: Grid = np.minimum(inside, part)
    return lost


def _inside(camera: Camera, stream: Stream) -> tuple[Grid, Grid]:
    """The broken ground: layers with steps between them, and grain; both about -1024 to 1024."""
    cell = min(max(camera.millimetre * 22 >> 8, 5), 40)
    broken = rough_noise(stream.child("layers"), camera.shape, cell, 3)
    return (broken // 230) * 230, rough_noise(stream.child("grain"), camera.shape, 3, 2)


def _fresh(face: Face, layers: Grid, grain: Grid, stream: Stream) -> Grid:
    """Colours of the inside of each brick: its own colour without soot, paler or more orange, powdery."""
    mean = int(face.colours.sum(dtype=np.int64)) // face.colours.size
    gain = stream.between(330, 400) if mean < 1800 else stream.between(280, 320)
    own = np.minimum(brick_colours(face) * gain >> 8, 3900)
    if mean > _PALE:
        # Under pale paint and old limewash the brick is as red as ever.
        red = np.array((stream.between(175, 205), stream.between(110, 150), 100), np.int32)[:, None]
        own = brick_colours(face) * red >> 8
    warmth = np.array((stream.between(0, 26), stream.between(-6, 8), stream.between(-40, -4)), np.int32)[:, None]
    own = own * (ONE + warmth) >> 8
    own = blend(own, own.sum(axis=0, dtype=np.int32) // 3 + 500, stream.between(0, 90))
    gain_of_ground = ONE + ((layers * 60 + grain * 90) >> 10)
    fresh: Grid = np.clip(own[:, face.brick] * gain_of_ground >> 8, 0, 4095)
    return fresh
