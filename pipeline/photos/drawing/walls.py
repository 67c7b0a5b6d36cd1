"""Walls of brick: their style, the courses they are laid in, and what each pixel of a photo shows of them."""

from dataclasses import dataclass

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.fields import NOISE_RANGE, ONE, blend, noise, ramp, rough_length, rough_noise
from pipeline.photos.drawing.streams import Grid, Stream

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

_BRICK_COLOURS: tuple[tuple[Colour, ...], ...] = (
    ((148, 72, 52), (166, 88, 64), (126, 58, 46), (178, 106, 80)),  # red
    ((176, 102, 66), (190, 122, 82), (154, 84, 56), (200, 140, 102)),  # orange
    ((122, 82, 62), (138, 98, 76), (104, 68, 54), (92, 66, 58)),  # brown
    ((190, 164, 118), (174, 146, 102), (204, 182, 140), (150, 122, 88)),  # buff
    ((112, 64, 60), (92, 58, 60), (134, 76, 66), (80, 62, 66)),  # purple
    ((156, 126, 108), (170, 142, 124), (136, 104, 90), (182, 160, 144)),  # weathered rose
    ((186, 180, 168), (172, 166, 154), (200, 194, 184), (160, 150, 138)),  # limewashed
)

_MORTAR_COLOURS: tuple[Colour, ...] = (
    (186, 178, 162),
    (164, 156, 142),
    (206, 196, 176),
    (142, 134, 124),
    (112, 104, 98),
    (178, 160, 132),
)

_DEEP = ONE << 2
"""How far mortar lies behind the face of a brick, in the units of the relief."""


@dataclass(frozen=True)
class Wall:
    """What all photos of one wall share; lengths in millimetres, the rest in 1/256.

    Args:
        brick_height: of a course without its joint.
        brick_length: without the joint.
        joint: width of the mortar joints.
        colours: colours of the bricks, 0 to 255.
        mortar: colour of the mortar.
        unevenness: how far the colours of bricks lie apart.
        wear: how far edges are chipped and joints washed out.
    """

    brick_height: int
    brick_length: int
    joint: int
    colours: tuple[Colour, ...]
    mortar: Colour
    unevenness: int
    wear: int


@dataclass(frozen=True)
class Courses:
    """The bond in 1/256 pixel of one photo: where the joints run.

    Args:
        height: of a course with its joint.
        length: of a brick with its joint.
        joint: width of a joint.
        first: number of the first course in `shifts`.
        shifts: how far each course is moved along the wall.
    """

    height: int
    length: int
    joint: int
    first: int
    shifts: Grid

    def shift(self, course: int) -> int:
        """How far a course is moved; courses out of sight are laid like the nearest one in sight."""
        return int(self.shifts[min(max(course - self.first, 0), len(self.shifts) - 1)])


@dataclass(frozen=True)
class Face:
    """What a photo shows of a wall, before weather and light; all int32 `[height, width]` but `colours`.

    Args:
        courses: the bond.
        colours: `[3, height, width]`, 0 to 4095.
        relief: height over the mortar's ground, about 0 to 1400.
        mortar: 256 on mortar, 0 on brick.
    """

    courses: Courses
    colours: Grid
    relief: Grid
    mortar: Grid


@dataclass(frozen=True)
class _Laid:
    """Which brick each pixel lies on, and how far inside its edge, in 1/256 pixel (negative on mortar)."""

    courses: Courses
    brick: Grid
    num_bricks: int
    inside: Grid


def choose_wall(stream: Stream) -> Wall:
    """Choose the style of a wall."""
    return Wall(
        brick_height=stream.between(50, 75),
        brick_length=stream.between(190, 260),
        joint=stream.between(8, 16),
        colours=_BRICK_COLOURS[stream.between(0, len(_BRICK_COLOURS) - 1)],
        mortar=_MORTAR_COLOURS[stream.between(0, len(_MORTAR_COLOURS) - 1)],
        unevenness=stream.between(80, 256),
        wear=stream.between(40, 256),
    )


def lay_wall(wall: Wall, camera: Camera, stream: Stream) -> Face:
    """Lay the bricks that a camera sees, and colour them and their mortar."""
    laid = _lay_bricks(wall, camera, stream.child("bricks"))
    cover = ramp(laid.inside, -ONE // 2, ONE // 2)
    brick, brick_relief = _brick_face(wall, laid, camera.shape, stream.child("face"))
    mortar, mortar_relief = _mortar_face(wall, camera.shape, stream.child("mortar"))
    return Face(
        courses=laid.courses,
        colours=blend(mortar, brick, cover),
        relief=blend(mortar_relief, brick_relief, cover),
        mortar=ONE - cover,
    )


def _lay_bricks(wall: Wall, camera: Camera, stream: Stream) -> _Laid:
    """Running bond: each course half a brick further, no edge quite straight and no joint quite as wide as the next."""
    shape, unit = camera.shape, camera.millimetre
    height, length = (wall.brick_height + wall.joint) * unit, (wall.brick_length + wall.joint) * unit
    joint = wall.joint * unit
    along, down = camera.wall_grids()
    along = along + ((noise(stream.child("along"), shape, 40) * joint) >> 12)
    down = down + ((noise(stream.child("down"), shape, 60, 30) * joint) >> 12)
    course = down // height
    first, last = int(course.min()), int(course.max())
    shifts = stream.grid(-length // 14, length // 14, (last - first + 1,))
    shifts += (np.arange(first, last + 1, dtype=np.int32) % 2) * (length // 2)
    along = along + shifts[course - first]
    column = along // length
    num_columns = int(column.max() - column.min()) + 1
    brick = (course - first) * num_columns + column - column.min()
    num_bricks = num_columns * (last - first + 1)
    place = (along - column * length, down - course * height)
    inside = _inside_brick(
        place, (length, height), joint, stream.grid(-joint // 5, joint // 5, (4, num_bricks))[:, brick]
    )
    chips = rough_noise(stream.child("chips"), shape, 6, 2)
    worn = stream.grid(wall.wear // 3, wall.wear, (num_bricks,))[brick]
    inside = inside + ((chips * worn * min(joint, 700)) >> 19)
    return _Laid(Courses(height, length, joint, first, shifts), brick, num_bricks, inside)


def _inside_brick(place: tuple[Grid, Grid], size: tuple[int, int], joint: int, jitter: Grid) -> Grid:
    """Distance to the edge of the brick, corners rounded."""
    from_sides = np.minimum(place[0] - joint // 2 + jitter[0], size[0] - joint // 2 + jitter[1] - place[0])
    from_beds = np.minimum(place[1] - joint // 2 + jitter[2], size[1] - joint // 2 + jitter[3] - place[1])
    radius = joint // 2 + 200
    corner = radius - rough_length(np.minimum(from_sides - radius, 0), np.minimum(from_beds - radius, 0))
    inside: Grid = np.minimum(corner, np.minimum(from_sides, from_beds))
    return inside


def _brick_face(wall: Wall, laid: _Laid, shape: tuple[int, int], stream: Stream) -> tuple[Grid, Grid]:
    """Colours and relief of the bricks: a colour of its own for each, blotches, grain and pits."""
    count = laid.num_bricks
    palette = np.array(wall.colours, np.int32) * 16
    first, second = (palette[stream.grid(0, len(palette) - 1, (count,))] for _ in range(2))
    own = blend(first, second, stream.grid(0, ONE, (count, 1)))
    own = blend(np.broadcast_to(palette[0], own.shape), own, wall.unevenness)
    own = (own * _brick_brightness(wall, count, stream)[:, None]) >> 8
    blotches = rough_noise(stream.child("blotches"), shape, 14, 3)
    grain = rough_noise(stream.child("grain"), shape, 3, 2)
    texture = stream.grid(30, 90, (count,))[laid.brick]
    gain = ONE + ((blotches * 60 + grain * texture) >> 10)
    pits = ramp(noise(stream.child("pits"), shape, 2), 640, 900) * ramp(blotches, -200, 300) >> 8
    gain = gain - (pits * 70 >> 8)
    rim = ramp(laid.inside, 0, 3 * ONE)
    gain = gain + ((ONE - rim) * stream.between(-24, 16) >> 8)
    colours = np.moveaxis(own[laid.brick], -1, 0) * gain >> 8
    proud = stream.grid(-80, 80, (count,))[laid.brick]
    return np.clip(colours, 0, 4095), _DEEP + proud + rim + (grain >> 4) - (pits >> 1)


def _brick_brightness(wall: Wall, count: int, stream: Stream) -> Grid:
    """Factor of each brick, 256 = as its colour says; one in about fourteen was burnt dark in the kiln."""
    spread = wall.unevenness // 6 + 8
    brightness = ONE + stream.grid(-spread, spread, (count,))
    burnt = stream.grid(0, 13, (count,)) == 0
    return np.where(burnt, brightness * 180 >> 8, brightness).astype(np.int32)


def _mortar_face(wall: Wall, shape: tuple[int, int], stream: Stream) -> tuple[Grid, Grid]:
    """Colours and relief of the mortar: sandy, and here and there washed out deep and dark."""
    sand = rough_noise(stream.child("sand"), shape, 2, 2)
    patches = rough_noise(stream.child("patches"), shape, 30, 2)
    washed_out = ramp(patches, 260 - wall.wear, 620 - wall.wear) * wall.wear >> 8
    gain = ONE + ((sand * 64 + patches * 50) >> 10) - (washed_out * 120 >> 8)
    colour = np.array(wall.mortar, np.int32)[:, None, None] * 16
    depth = stream.between(0, _DEEP // 2)
    relief = depth + (sand >> 4) - (washed_out * depth >> 9) + NOISE_RANGE // 8
    return np.clip(colour * gain >> 8, 0, 4095), relief
