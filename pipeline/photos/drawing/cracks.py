"""Cracks: how they run through a wall, and what they do to its face.

A crack goes down course by course. In each course it either steps along the joints, as cracks from settlement do
where mortar is weaker than brick, or breaks through the bricks. It thins out towards its ends and may branch.
"""

from dataclasses import dataclass
from itertools import count, pairwise

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.fields import ONE, blend, ramp, rough_length, rough_noise
from pipeline.photos.drawing.streams import Grid, Mask, Stream
from pipeline.photos.drawing.walls import Courses, Face

_REACH = 8 * ONE
"""How far from its edge a crack is felt."""


@dataclass(frozen=True)
class _Point:
    """A point of a crack on the photo, and half the crack's width there; all in 1/256 pixel."""

    x: int
    y: int
    half_width: int


@dataclass(frozen=True)
class _Habit:
    """How one crack runs: percent of courses it steps in, where it leans (-1, 1), and its half width at most."""

    stepping: int
    lean: int
    half_width: int
    branching: int


def crack_margin(face: Face, camera: Camera, stream: Stream) -> Grid:
    """Draw the cracks of a photo, again until they run where the photo looks and not along its edge.

    Returns:
        How far inside a crack each pixel lies, in 1/256 pixel: 0 on its edge, -8 pixels where no crack is near.
    """
    for attempt in count():
        margin = _attempted(face, camera, stream.child(attempt))
        if _is_in_sight(margin):
            break
    return margin


def open_cracks(face: Face, margin: Grid, stream: Stream) -> Face:
    """Break the face open: darker the deeper inside, edges spalled so that fresh brick and dust show."""
    shape = margin.shape[0], margin.shape[1]
    spall = ramp(rough_noise(stream.child("spall"), shape, 7, 2), -120, 220) * ramp(margin, -6 * ONE, -ONE) >> 8
    fresh = np.minimum(face.colours * stream.between(310, 400) >> 8, 4095) + 120
    colours = blend(face.colours, fresh, spall * stream.between(90, 240) >> 8)
    cover = ramp(margin, -ONE // 2, ONE // 2)
    inside = ramp(margin, 0, 2 * ONE) * 80 >> 8
    uneven = rough_noise(stream.child("depth"), shape, 9, 2) * 80 >> 10
    depth = np.clip(stream.between(150, 190) + inside + uneven, 0, 246)
    floor = np.array(((260,), (225,), (200,)), np.int32)[:, :, None]
    colours = blend(colours, np.minimum(floor, colours), cover * depth >> 8)
    relief = face.relief - (cover * 3) - inside * 2 - (spall >> 1)
    return Face(face.courses, colours, relief, face.mortar)


def crack_mask(margin: Grid) -> Mask:
    """Pixels that lie at least half inside a crack."""
    return margin >= 0


def _attempted(face: Face, camera: Camera, stream: Stream) -> Grid:
    """One or two cracks with ragged edges, here and there broken out wide or closed."""
    margin: Grid = np.full(camera.shape, -_REACH, np.int32)
    for number in range(2 if stream.chance(18) else 1):
        own = stream.child("crack", number)
        habit = _Habit(
            stepping=(80, 40, 15, 5)[own.between(0, 3)],
            lean=own.sign(),
            half_width=_half_width(own),
            branching=own.between(8, 30),
        )
        for path in _paths(habit, face.courses, camera, own):
            _draw_path(margin, path)
    ragged = rough_noise(stream.child("ragged"), camera.shape, 4, 2) * 170
    broken_out = rough_noise(stream.child("broken out"), camera.shape, 11, 2) * 420
    return margin + np.where(margin > -2 * ONE, (ragged + broken_out) >> 10, 0).astype(np.int32)


def _is_in_sight(margin: Grid) -> bool:
    """Whether cracks cross two fifths of the pixel rows, counted in the middle two thirds of the photo."""
    height, width = margin.shape
    crossed = (margin[:, width // 6 : width - width // 6] >= 0).any(axis=1)
    return bool(crossed.sum() * 5 >= height * 2)


def _half_width(stream: Stream) -> int:
    """Mostly plain to see, one in twelve a hairline; 1/256 pixel."""
    if stream.chance(8):
        return stream.between(180, 260)
    return stream.between(420, 960)


def _paths(habit: _Habit, courses: Courses, camera: Camera, stream: Stream) -> list[list[_Point]]:
    """A crack and its branches as lines on the photo."""
    visible = len(courses.shifts)
    num_courses = visible if stream.chance(75) else stream.between(visible * 2 // 3, visible)
    top = courses.first + stream.between(0, visible - num_courses)
    middle = camera.wall_grids()[0]
    low, high = int(middle.min()), int(middle.max())
    start = stream.between(low + (high - low) // 4, high - (high - low) // 4)
    start -= habit.lean * courses.length * num_courses * habit.stepping // 500
    start = min(max(start, low + (high - low) // 8), high - (high - low) // 8)
    trunk = _corners(habit, courses, (start, top, num_courses), stream)
    paths = [_on_photo(trunk, habit.half_width, courses, camera, stream)]
    for corner in trunk[1:-1]:
        if stream.chance(habit.branching):
            branch = _Habit(stream.between(0, 80), -habit.lean if stream.chance(70) else habit.lean, 0, 0)
            length = stream.between(1, max(2, num_courses // 3))
            course = corner[1] // courses.height
            corners = _corners(branch, courses, (corner[0], course, length), stream)
            paths.append(_on_photo(corners, habit.half_width * stream.between(110, 190) >> 8, courses, camera, stream))
    return paths


def _corners(habit: _Habit, courses: Courses, run: tuple[int, int, int], stream: Stream) -> list[tuple[int, int]]:
    """Corners of a crack on the wall, from the bed joint over its first course downwards."""
    along, top, num_courses = run
    corners = [(along, top * courses.height)]
    for course in range(top, top + num_courses):
        bottom = (course + 1) * courses.height
        if stream.chance(habit.stepping):
            joint = _head_joint(courses, course, along, habit.lean if stream.chance(85) else -habit.lean)
            corners += [(joint, course * courses.height), (joint, bottom)]
            along = joint
        else:
            along += habit.lean * stream.between(-courses.height // 3, courses.height * 4 // 5)
            corners.append((along, bottom))
    return corners


def _head_joint(courses: Courses, course: int, along: int, lean: int) -> int:
    """The nearest upright joint of a course in the direction of `lean`."""
    moved = along + courses.shift(course)
    number = -(-moved // courses.length) if lean > 0 else moved // courses.length
    return number * courses.length - courses.shift(course)


def _on_photo(
    corners: list[tuple[int, int]], half_width: int, courses: Courses, camera: Camera, stream: Stream
) -> list[_Point]:
    """Break the straight lines between corners into jagged ones and project them; the width tapers to the ends."""
    places = [corners[0]]
    for (x0, y0), (x1, y1) in pairwise(corners):
        pieces = max(1, (abs(x1 - x0) + abs(y1 - y0)) // (5 * ONE))
        slack = min(courses.joint // 2, 300) if x0 == x1 or y0 == y1 else 420
        for piece in range(1, pieces + 1):
            stray = slack if piece < pieces else slack // 2
            x = x0 + (x1 - x0) * piece // pieces + stream.between(-stray, stray)
            y = y0 + (y1 - y0) * piece // pieces + stream.between(-stray, stray)
            places.append((x, y))
    points = []
    for index, place in enumerate(places):
        taper = min(ONE, 90 + (len(places) - 1 - index) * 900 // len(places), 140 + index * 1200 // len(places))
        swell = stream.between(110, 300)
        points.append(_Point(*camera.on_photo(*place), half_width * taper * swell >> 16))
    return points


def _draw_path(margin: Grid, path: list[_Point]) -> None:
    for start, end in pairwise(path):
        _draw_piece(margin, start, end)


def _draw_piece(margin: Grid, start: _Point, end: _Point) -> None:
    """Raise `margin` around a straight piece, in the window that the piece can reach."""
    reach = max(start.half_width, end.half_width) + _REACH
    left, right = (min(start.x, end.x) - reach) // ONE, (max(start.x, end.x) + reach) // ONE + 1
    top, bottom = (min(start.y, end.y) - reach) // ONE, (max(start.y, end.y) + reach) // ONE + 1
    left, top = max(left, 0), max(top, 0)
    window = margin[top : max(bottom, 0), left : max(right, 0)]
    if window.size == 0:
        return
    height, width = window.shape
    x = (np.arange(left, left + width, dtype=np.int64) * ONE + ONE // 2 - start.x)[None, :]
    y = (np.arange(top, top + height, dtype=np.int64) * ONE + ONE // 2 - start.y)[:, None]
    run, drop = end.x - start.x, end.y - start.y
    share = np.clip((x * run + y * drop) * ONE // max(1, run * run + drop * drop), 0, ONE)
    distance = rough_length((x - (share * run >> 8)).astype(np.int32), (y - (share * drop >> 8)).astype(np.int32))
    half_width = start.half_width + ((end.half_width - start.half_width) * share >> 8)
    np.maximum(window, (half_width - distance).astype(np.int32), out=window)
