"""Cracks: how they run through a wall, and what they do to its face.

A crack goes the way of least resistance: along the joints, between brick and mortar, where these are the weaker,
or straight on through the bricks where both are alike. It thins out towards its ends and may branch.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.damages import Damaged
from pipeline.photos.drawing.fields import ONE, noise, rough_length, rough_noise
from pipeline.photos.drawing.openings import Look, opened
from pipeline.photos.drawing.partings import can_part, parted
from pipeline.photos.drawing.routes import Place, resampled, route_between, wall_toll
from pipeline.photos.drawing.shapes import window_around
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.walls import Face

_REACH = 12 * ONE
"""How far from its edge a crack is felt."""

_PARTED = 40
"""Percent of the cracks seen from near that have parted the wall."""

_STEP = 5
"""Pixels between the points of a crack."""


@dataclass(frozen=True)
class _Habit:
    """How one crack runs.

    Args:
        look: what one sees of it.
        level: whether it runs from side to side rather than from top to bottom.
        brick_toll: resistance of brick, where the joint's edge has 12.
        pull: how strongly the straight way between its ends draws it.
        half_width: at its widest, 1/256 pixel.
        branching: percent of cracks that branch.
    """

    look: Look
    level: bool
    brick_toll: int
    pull: int
    half_width: int
    branching: int


@dataclass(frozen=True)
class _Point:
    """A point of a crack on the photo, and half the crack's width there; all in 1/256 pixel."""

    x: int
    y: int
    half_width: int


def cracked(face: Face, camera: Camera, stream: Stream) -> Damaged:
    """Crack a wall: one crack, seldom two, and their branches; the mask holds all that lies inside a crack."""
    if can_part(camera) and stream.chance(_PARTED):
        return parted(face, camera, stream.child("parted"))
    shape = camera.shape
    habit = _habit(camera, stream.child("habit"))
    margin: Grid = np.full(shape, -_REACH, np.int32)
    for number in range(2 if stream.chance(15) else 1):
        for line in _lines(face, habit, stream.child("crack", number)):
            for start, end in pairwise(line):
                _draw_piece(margin, start, end)
    near = margin > -3 * ONE
    ragged = rough_noise(stream.child("ragged"), shape, 4, 2) * min(300, 90 + habit.half_width // 4)
    broken_out = noise(stream.child("broken out"), shape, 13) * min(700, habit.half_width // 2)
    margin = margin + np.where(near, (ragged + broken_out) >> 10, 0).astype(np.int32)
    broken = opened(face, margin, habit.look, habit.half_width, stream.child("open"))
    return Damaged(broken, margin >= (0 if habit.half_width > ONE else -ONE // 4))


def _habit(camera: Camera, stream: Stream) -> _Habit:
    looks = (Look.GAP,) * 11 + (Look.TORN,) * 4 + (Look.HAIRLINE,) * 2 + (Look.FILLED,) * 2
    look = looks[stream.between(0, len(looks) - 1)]
    half_width = min(max(stream.between(4, 22) * camera.millimetre // 2, 330), 14 * ONE)
    if look is Look.HAIRLINE:
        half_width = min(max(camera.millimetre, 230), 380)
    if look is Look.FILLED:
        half_width = min(max(half_width, 350), 800)
    brick_toll, pull = ((700, 2), (360, 6), (120, 30), (40, 60))[stream.between(0, 3)]
    return _Habit(look, stream.chance(25), brick_toll, pull, half_width, stream.between(10, 45))


def _lines(face: Face, habit: _Habit, stream: Stream) -> list[list[_Point]]:
    """A crack and its branches as lines on the photo."""
    toll = wall_toll(face, habit.brick_toll, stream)
    if habit.level:
        toll = toll.T
    height, width = toll.shape
    top, bottom = 0, height - 1
    if stream.chance(30):
        top, bottom = stream.between(0, height // 4), height - 1 - stream.between(0, height // 4)
    start = stream.between(width // 6, width - 1 - width // 6)
    lean = stream.between(-height // 2, height // 2) if habit.pull > 2 else stream.between(-height // 4, height // 4)
    end = min(max(start + lean, width // 8), width - 1 - width // 8)
    trunk = route_between(toll, (top, start), (bottom, end), habit.pull, stream.child("trunk"))
    lines = [_line(trunk, habit.half_width, habit.level, stream.child("points"))]
    if stream.chance(habit.branching):
        root = trunk[stream.between(len(trunk) // 5, len(trunk) * 3 // 5)]
        tip_row = min(root[0] + stream.between(height // 6, height // 2), height - 1)
        if tip_row - root[0] > height // 10:
            tip = min(max(root[1] + stream.sign() * stream.between(width // 6, width // 2), 0), width - 1)
            branch = route_between(toll, root, (tip_row, tip), habit.pull, stream.child("branch"))
            thinner = max(habit.half_width * stream.between(90, 160) >> 8, 230)
            lines.append(_line(branch, thinner, habit.level, stream.child("branch points")))
    return lines


def _line(route: list[Place], half_width: int, level: bool, stream: Stream) -> list[_Point]:
    """Points of a crack: corners a little cut, the width uneven and tapering to the ends."""
    places = resampled(route, _STEP)
    count = len(places)
    cut = [places[0], *(((a[0] + b[0]) // 2, (a[1] + b[1]) // 2) for a, b in pairwise(places)), places[-1]]
    swells = noise(stream.child("swell"), (1, count + 1), 9)[0]
    points = []
    for index, (down, along) in enumerate(cut):
        taper = min(ONE, 120 + (count - index) * 1100 // count, 150 + index * 1400 // count)
        swell = 170 + (int(swells[index]) * 110 >> 10) + stream.between(-30, 30)
        astray = down + stream.between(-170, 170), along + stream.between(-170, 170)
        x, y = astray if level else astray[::-1]
        points.append(_Point(x, y, half_width * taper * swell >> 16))
    return points


def _draw_piece(margin: Grid, start: _Point, end: _Point) -> None:
    """Raise `margin` around a straight piece, in the window that the piece can reach."""
    reach = max(start.half_width, end.half_width) + _REACH // 2
    left, right = min(start.x, end.x) - reach, max(start.x, end.x) + reach
    top, bottom = min(start.y, end.y) - reach, max(start.y, end.y) + reach
    rows, columns = window_around(left, top, right, bottom, (margin.shape[0], margin.shape[1]))
    x = (np.arange(columns.start, columns.stop, dtype=np.int64) * ONE + ONE // 2 - start.x)[None, :]
    y = (np.arange(rows.start, rows.stop, dtype=np.int64) * ONE + ONE // 2 - start.y)[:, None]
    run, drop = end.x - start.x, end.y - start.y
    share = np.clip((x * run + y * drop) * ONE // max(1, run * run + drop * drop), 0, ONE)
    distance = rough_length((x - (share * run >> 8)).astype(np.int32), (y - (share * drop >> 8)).astype(np.int32))
    half_width = start.half_width + ((end.half_width - start.half_width) * share >> 8)
    window = margin[rows, columns]
    np.maximum(window, (half_width - distance).astype(np.int32), out=window)
