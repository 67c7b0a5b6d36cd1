"""Laying: which brick or stone of a wall each pixel of a photo shows, and which place of it."""

from dataclasses import dataclass

import numpy as np

from pipeline.photos.drawing.bonds import Bond, Courses, Span, Unit, lay_courses
from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.fields import ONE, noise, rough_length, rough_noise
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.styles import Wall


@dataclass(frozen=True)
class Laid:
    """The geometry of a wall in a photo; all planes int32 `[height, width]`.

    Args:
        courses: the bond.
        millimetre: length of a millimetre of wall at the photo's centre, in 1/256 pixel.
        brick: number of the brick or stone that each pixel lies on or next to, from 0.
        num_bricks: how many numbers `brick` may hold; not all of them are in sight.
        inside: distance inside the edge of that brick, 1/256 pixel, negative on mortar.
        across: place along the brick, -256 at its left end to 256 at its right.
        upright: place down the brick, -256 at its top to 256 at its bottom.
        quarry: height and width of the planes that bricks are cut from, larger than the photo.
        shuffle: index into such a plane, flattened, that gives each brick a piece of its own.
    """

    courses: Courses
    millimetre: int
    brick: Grid
    num_bricks: int
    inside: Grid
    across: Grid
    upright: Grid
    quarry: tuple[int, int]
    shuffle: Grid

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photo in pixels."""
        return self.brick.shape[0], self.brick.shape[1]

    def length(self, tenths: int) -> int:
        """A length in tenths of a millimetre as 1/256 pixel."""
        return tenths * self.millimetre // 10

    def cell(self, tenths: int) -> int:
        """A length in tenths of a millimetre as whole pixels, at least 1."""
        return max(1, self.length(tenths) >> 8)

    def rough(self, stream: Stream, tenths: int, octaves: int) -> Grid:
        """Noise with detail that goes on from brick to mortar to brick; -1024 to 1024."""
        return rough_noise(stream, self.shape, self.cell(tenths), octaves)

    def own_rough(self, stream: Stream, tenths: int, octaves: int) -> Grid:
        """The same of which nothing goes on from one brick to the next."""
        return self.own(rough_noise(stream, self.quarry, self.cell(tenths), octaves))

    def own(self, plane: Grid) -> Grid:
        """Cut a plane of the quarry's size into pieces, one for each brick."""
        return plane.ravel()[self.shuffle]


def lay(wall: Wall, camera: Camera, stream: Stream) -> Laid:
    """Lay the bricks that a camera sees; no edge is quite straight and no joint quite as wide as the next."""
    shape, millimetre = camera.shape, camera.millimetre
    joint = wall.joint * millimetre
    unit = Unit((wall.height + wall.joint) * millimetre, (wall.length + wall.joint) * millimetre, joint)
    along, down = camera.wall_grids()
    wobble = max(8, 400 * millimetre >> 8)
    along = along + ((noise(stream.child("along"), shape, wobble) * joint) >> 12)
    down = down + ((noise(stream.child("down"), shape, wobble) * joint) >> 12)
    span = Span(int(along.min()), int(along.max()), int(down.min()), int(down.max()))
    courses = lay_courses(wall.bond, unit, span, stream.child("courses"))
    course, head = _nearest(courses, along, down)
    brick = course * courses.heads.shape[1] + head
    box = (courses.heads[course, head], courses.heads[course, head + 1], courses.beds[course], courses.beds[course + 1])
    across = _within(along, box[0], box[1])
    upright = _within(down, box[2], box[3])
    slack = (joint * 60 >> 8) if wall.bond is Bond.RUBBLE else min(joint * 50 >> 8, 3 * millimetre)
    jitter = stream.grid(-slack, slack, (5, courses.heads.size))[:, brick]
    down = down + (across * jitter[4] >> 9)
    edges = [
        along - box[0] + jitter[0],
        box[1] - along + jitter[1],
        down - box[2] + jitter[2],
        box[3] - down + jitter[3],
    ]
    inside = _inside([edge - joint // 2 for edge in edges], wall, millimetre) + _chips(wall, camera, brick, stream)
    quarry = (shape[0] * 5 // 4, shape[1] * 5 // 4)
    shuffle = _shuffle(brick, courses.heads.size, quarry, stream.child("shuffle"))
    return Laid(courses, millimetre, brick, courses.heads.size, inside, across, upright, quarry, shuffle)


def _nearest(courses: Courses, along: Grid, down: Grid) -> tuple[Grid, Grid]:
    """The course of each pixel, and the number of the upright joint before it."""
    course = np.searchsorted(courses.beds, down, "right") - 1
    left = int(courses.heads.min())
    apart = int(courses.heads.max()) - left + 1
    start = np.arange(courses.count, dtype=np.int64) * apart - left
    heads = courses.heads + start[:, None]
    head = np.searchsorted(heads.ravel(), along + start[course], "right") - 1 - course * heads.shape[1]
    return course.astype(np.int32), head.astype(np.int32)


def _within(place: Grid, start: Grid, end: Grid) -> Grid:
    """Place between two joints, -256 at the first to 256 at the second."""
    within: Grid = (place - start) * (2 * ONE) // (end - start) - ONE
    return within


def _inside(edges: list[Grid], wall: Wall, millimetre: int) -> Grid:
    """Distance to the edge of the brick, corners rounded; `edges` are the distances to left, right, top and bottom."""
    from_sides, from_beds = np.minimum(edges[0], edges[1]), np.minimum(edges[2], edges[3])
    rounding = wall.height // 7 if wall.bond is Bond.RUBBLE else 2 + wall.wear // 50
    radius = rounding * millimetre + ONE // 2
    corner = radius - rough_length(np.minimum(from_sides - radius, 0), np.minimum(from_beds - radius, 0))
    inside: Grid = np.where(corner < radius, corner, np.minimum(from_sides, from_beds))
    return inside


def _chips(wall: Wall, camera: Camera, brick: Grid, stream: Stream) -> Grid:
    """How far ragged edges stand out or back, 1/256 pixel; some bricks are more worn than others."""
    reach, cell = (22, 90) if wall.bond is Bond.RUBBLE else (6, 26)
    unit = camera.millimetre
    ragged = rough_noise(stream.child("chips"), camera.shape, max(2, cell * unit >> 8), 5)
    worn = stream.child("worn").grid(wall.wear // 4 + 24, wall.wear + 24, (int(brick.max()) + 1,))[brick]
    return ragged * (worn * reach * unit >> 8) >> 10


def _shuffle(brick: Grid, num_bricks: int, quarry: tuple[int, int], stream: Stream) -> Grid:
    """Each brick is cut from a place of its own, one way round or the other."""
    starts, ways = stream.grid(0, ONE, (2, num_bricks)), stream.grid(0, 1, (2, num_bricks))
    indices = []
    for axis, size in enumerate(quarry):
        place = np.broadcast_to(
            np.arange(brick.shape[axis], dtype=np.int32).reshape(((-1, 1), (1, -1))[axis]), brick.shape
        )
        first, last = np.full(num_bricks, size, np.int32), np.zeros(num_bricks, np.int32)
        np.minimum.at(first, brick, place)
        np.maximum.at(last, brick, place)
        start = starts[axis] * np.maximum(size - 1 - last + first, 0) // ONE
        from_start = np.where(ways[axis][brick], place - first[brick], last[brick] - place)
        indices.append(start[brick] + from_start)
    shuffled: Grid = indices[0] * quarry[1] + indices[1]
    return shuffled
