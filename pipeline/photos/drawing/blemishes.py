"""Blemishes: what looks like a damage at a glance and is none, so that a model must learn the difference."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.damages import Brick, bricks_in_sight, painted
from pipeline.photos.drawing.fields import ONE, noise, ramp, rough_noise
from pipeline.photos.drawing.shapes import Oval, any_axis, moved, oval_field
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.walls import Face


def blemished(face: Face, camera: Camera, stream: Stream) -> Face:
    """Give a wall one to three blemishes."""
    for number in range(stream.between(1, 3)):
        blemish = _BLEMISHES[stream.between(0, len(_BLEMISHES) - 1)]
        # Its name is a key of the stream: a function of another name gives another blemish.
        face = blemish(face, camera, stream.child(blemish.__name__, number))
    return face


def _chips(face: Face, camera: Camera, stream: Stream) -> Face:
    """Chips off the edges of bricks, as large as a fingernail."""
    rows, columns = np.nonzero(np.abs(face.inside) < ONE)
    weight: Grid = np.zeros(camera.shape, np.int32)
    for _ in range(stream.between(3, 9) if len(rows) else 0):
        index = stream.between(0, len(rows) - 1)
        half = max(stream.between(4, 12) * camera.millimetre, ONE)
        place = int(columns[index]) * ONE, int(rows[index]) * ONE
        window, field = oval_field(
            Oval(*place, half, half * stream.between(120, 256) >> 8, any_axis(stream)), camera.shape
        )
        np.maximum(weight[window], ramp(field, 0, 80), out=weight[window])
    weight = weight * ramp(face.inside, -ONE // 2, ONE // 2) >> 8
    fresh = np.minimum(face.colours * stream.between(270, 340) >> 8, 4095)
    colours = painted(face.colours, fresh, weight * 200 >> 8)
    return replace(face, colours=colours, relief=face.relief - (weight * camera.millimetre * 4 >> 8))


def _pits(face: Face, camera: Camera, stream: Stream) -> Face:
    """Deep black holes: of old anchors, of worms and of plugs."""
    colours, relief = face.colours.copy(), face.relief.copy()
    for _ in range(stream.between(1, 6)):
        half = min(max(stream.between(3, 11) * camera.millimetre, 220), 9 * ONE)
        x, y = (stream.between(0, size * ONE) for size in (camera.width, camera.height))
        window, field = oval_field(
            Oval(x, y, half, half * stream.between(150, 256) >> 8, any_axis(stream)), camera.shape
        )
        weight = ramp(field, -20, 80)
        place = (slice(None), *window)
        colours[place] = painted(colours[place], (9, 8, 7), weight * 250 >> 8)
        relief[window] -= weight * 2
    return replace(face, colours=colours, relief=relief)


def _scratches(face: Face, camera: Camera, stream: Stream) -> Face:
    """Marks of the wire or of a tool that was dragged over a brick: parallel lines, all within its face."""
    weight: Grid = np.zeros(camera.shape, np.int32)
    for brick in bricks_in_sight(face, stream)[: stream.between(1, 4)]:
        axis = any_axis(stream)
        for _ in range(stream.between(2, 6)):
            _stroke(weight, brick, axis, brick.width * stream.between(50, 110), max(camera.millimetre, 150), stream)
    weight = weight * ramp(face.inside, 0, 2 * ONE) >> 8
    dark = stream.chance(60)
    colours = painted(face.colours, (40, 30, 26) if dark else (214, 200, 186), weight * stream.between(70, 150) >> 8)
    return replace(face, colours=colours, relief=face.relief - weight)


def _crazes(face: Face, camera: Camera, stream: Stream) -> Face:
    """Fine lines that the kiln left in a brick and that end within it."""
    weight: Grid = np.zeros(camera.shape, np.int32)
    wavy = rough_noise(stream.child("wavy"), camera.shape, 12, 2)
    for brick in bricks_in_sight(face, stream)[: stream.between(1, 3)]:
        for _ in range(stream.between(1, 2)):
            slant = stream.between(-120, 120)
            rows, columns = brick.window
            y = np.arange(rows.start, rows.stop, dtype=np.int32)[:, None] - brick.centre[0]
            x = np.arange(columns.start, columns.stop, dtype=np.int32)[None, :] - brick.centre[1]
            off = (x - stream.between(-brick.width // 3, brick.width // 3)) * ONE - y * slant
            off = np.abs(off + (wavy[brick.window] * min(brick.height, 40) >> 4))
            own = (face.brick[brick.window] == brick.number) & (
                np.abs(y) * 256 < brick.height * stream.between(50, 120)
            )
            line = ramp(off, stream.between(170, 300), 60) * own
            np.maximum(weight[brick.window], line, out=weight[brick.window])
    weight = weight * ramp(face.inside, 0, 3 * ONE) >> 8
    return replace(face, colours=painted(face.colours, (30, 22, 18), weight * stream.between(90, 190) >> 8))


def _stains(face: Face, camera: Camera, stream: Stream) -> Face:
    """Streaks of rust or dirt that run down from a point and fade."""
    rows = np.arange(camera.height, dtype=np.int32)[:, None]
    columns = np.arange(camera.width, dtype=np.int32)[None, :]
    wander = noise(stream.child("wander"), (camera.height, 1), 40) * 3 >> 8
    weight: Grid = np.zeros(camera.shape, np.int32)
    for _ in range(stream.between(1, 3)):
        x, y = stream.between(0, camera.width), stream.between(0, camera.height * 2 // 3)
        length, half = stream.between(camera.height // 6, camera.height * 3 // 4), stream.between(2, 9)
        across = ramp(np.abs(columns - x + wander * stream.between(0, 2) // 2), half + half // 2, 0)
        along = ramp(rows, y - 3, y + 2) * ramp(rows, y + length, y) >> 8
        np.maximum(weight, across * along >> 8, out=weight)
    colour = ((112, 66, 36), (40, 36, 32), (66, 56, 46))[stream.between(0, 2)]
    streaked = weight * (180 + (noise(stream.child("streaked"), camera.shape, 2, 60) * 70 >> 10)) >> 8
    return replace(face, colours=painted(face.colours, colour, streaked * stream.between(120, 220) >> 8))


def _raked_joints(face: Face, camera: Camera, stream: Stream) -> Face:
    """Joints out of which mortar was raked in places: dark, of even depth, as wide as the joint."""
    place = rough_noise(stream.child("place"), camera.shape, 40, 3)
    weight = ramp(place, stream.between(80, 330), 520) * ramp(face.inside, 0, -ONE) >> 8
    colours = painted(face.colours, (16, 14, 12), weight * stream.between(150, 245) >> 8)
    return replace(face, colours=colours, relief=face.relief - (weight * camera.millimetre * 8 >> 8))


def _dry_joints(face: Face, camera: Camera, stream: Stream) -> Face:
    """Upright joints without mortar, in which two bricks touch: a thin dark line from bed to bed."""
    joint = max(1, face.courses.joint // ONE)
    beside = np.minimum(moved(face.mortar, 0, 2 * joint + 2), moved(face.mortar, 0, -2 * joint - 2))
    place = ramp(noise(stream.child("place"), camera.shape, 50), -300, -100)
    upright = (np.minimum(face.mortar, ONE - beside) * place) >> 8
    line = ramp(face.inside, -face.courses.joint // 4, -face.courses.joint // 2) * upright >> 8
    colours = painted(face.colours, moved(face.colours, 0, 2 * joint), upright)
    return replace(face, colours=painted(colours, (20, 16, 14), line * stream.between(150, 240) >> 8))


def _splashes(face: Face, camera: Camera, stream: Stream) -> Face:
    """A few drops of lime or paint."""
    colours = face.colours.copy()
    for _ in range(stream.between(3, 12)):
        half = min(max(stream.between(3, 14) * camera.millimetre, 200), 6 * ONE)
        x, y = (stream.between(0, size * ONE) for size in (camera.width, camera.height))
        window, field = oval_field(
            Oval(x, y, half, half * stream.between(120, 256) >> 8, any_axis(stream)), camera.shape
        )
        place = (slice(None), *window)
        colours[place] = painted(colours[place], (226, 222, 212), ramp(field, 0, 90) * 220 >> 8)
    return replace(face, colours=colours)


def _stroke(weight: Grid, brick: Brick, axis: tuple[int, int], half: int, width: int, stream: Stream) -> None:
    """A straight line on a brick, half of it `half` long, 1/256 pixel."""
    rows, columns = brick.window
    x, y = stream.between(columns.start, columns.stop) * ONE, stream.between(rows.start, rows.stop) * ONE
    oval = Oval(x, y, half, width, axis)
    window, field = oval_field(oval, (weight.shape[0], weight.shape[1]))
    np.maximum(weight[window], ramp(field, 0, 160), out=weight[window])


_BLEMISHES: tuple[Callable[[Face, Camera, Stream], Face], ...] = (
    _chips,
    _pits,
    _scratches,
    _crazes,
    _stains,
    _raked_joints,
    _dry_joints,
    _splashes,
)
