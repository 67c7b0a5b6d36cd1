"""Bonds: how bricks and stones are laid in courses, and where the joints between them run."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipeline.photos.drawing.streams import Grid, Stream


class Bond(StrEnum):
    """Order of long and short faces in the courses of a wall."""

    RUNNING = "running"
    THIRD = "third"
    """Running bond, each course a third of a brick further."""
    FLEMISH = "flemish"
    ENGLISH = "english"
    GARDEN = "garden"
    """A course of headers after every three of stretchers."""
    HEADER = "header"
    STACK = "stack"
    ASHLAR = "ashlar"
    """Squared stones, lengths uneven and courses of their own height."""
    RUBBLE = "rubble"
    """Rough stones brought to courses."""


STONE = (Bond.ASHLAR, Bond.RUBBLE)
"""Bonds of stone; the others are of brick."""


@dataclass(frozen=True)
class Unit:
    """Nominal size of a brick or stone with its joint, and width of the joint; all in 1/256 pixel."""

    height: int
    length: int
    joint: int


@dataclass(frozen=True)
class Span:
    """The stretch of wall that a photo shows, in 1/256 pixel."""

    left: int
    right: int
    top: int
    bottom: int


@dataclass(frozen=True)
class Courses:
    """Where the joints of a photo's wall run, in 1/256 pixel on the wall. Courses count from 0, downwards.

    Args:
        joint: width of a joint.
        beds: middle of the bed joint above each course, and of the one below the last; int32 `[courses + 1]`, rising.
        heads: middles of the upright joints of each course, int32 `[courses, joints]`, rising along each course.
    """

    joint: int
    beds: Grid
    heads: Grid

    @property
    def count(self) -> int:
        """Number of courses in sight."""
        return len(self.heads)


def lay_courses(bond: Bond, unit: Unit, span: Span, stream: Stream) -> Courses:
    """Lay the courses that cover a span, and a little more on each side."""
    first = span.top // unit.height - 1
    count = span.bottom // unit.height + 2 - first
    if bond in STONE:
        beds = _uneven_beds(unit, first * unit.height, count, stream.child("beds"))
        heads = _uneven_heads(beds, span, stream.child("heads"), rough=bond is Bond.RUBBLE)
    else:
        beds = (np.arange(first, first + count + 1, dtype=np.int32) * unit.height).astype(np.int32)
        beds += stream.child("beds").grid(-unit.joint // 6, unit.joint // 6, beds.shape)
        heads = _brick_heads(bond, unit, span, (first, count), stream.child("heads"))
    return Courses(unit.joint, beds, heads)


def _brick_heads(bond: Bond, unit: Unit, span: Span, courses: tuple[int, int], stream: Stream) -> Grid:
    """Upright joints of a brick bond, none quite where the rule puts it."""
    first, count = courses
    quarter = unit.length // 4
    num_joints = (span.right - span.left) // (2 * quarter) + 12
    rows = []
    for course in range(first, first + count):
        faces, offset = _rule(bond, course)
        period = sum(faces) * 2 * quarter
        start = (span.left // period - 1) * period + offset * quarter // 3
        lengths = np.resize(np.array(faces, np.int32) * 2 * quarter, num_joints - 1)
        rows.append(start + np.concatenate((np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32))))
    heads = np.array(rows, np.int32)
    shifts = stream.grid(-unit.length // 30, unit.length // 30, (count, 1))
    return heads + shifts + stream.grid(-unit.length // 45, unit.length // 45, heads.shape)


def _rule(bond: Bond, course: int) -> tuple[tuple[int, ...], int]:
    """Faces that follow each other in a course, in half bricks, and its offset in twelfths of a brick."""
    odd = course % 2
    if bond is Bond.FLEMISH:
        return (2, 1), 9 * odd
    if bond is Bond.THIRD:
        return (2,), 4 * (course % 3)
    if bond is Bond.STACK:
        return (2,), 0
    if bond is Bond.HEADER or (bond is Bond.ENGLISH and odd) or (bond is Bond.GARDEN and course % 4 == 3):
        return (1,), 3 * odd
    return (2,), 6 * odd


def _uneven_beds(unit: Unit, top: int, count: int, stream: Stream) -> Grid:
    """Bed joints of stone courses, each of its own height, from `top` down to where even courses would end."""
    heights = stream.grid(unit.height * 2 // 3, unit.height * 4 // 3, (2 * count,))
    beds = top - unit.height + np.concatenate((np.zeros(1, np.int32), np.cumsum(heights, dtype=np.int32)))
    needed = int(np.searchsorted(beds, top + count * unit.height)) + 1
    return beds[:needed].astype(np.int32)


def _uneven_heads(beds: Grid, span: Span, stream: Stream, *, rough: bool) -> Grid:
    """Upright joints of stone courses: lengths between once and about three times the height of the course."""
    heights = np.diff(beds)
    shortest = int(heights.min()) * (5 if rough else 8) // 8
    num_joints = (span.right - span.left) // shortest + 6
    shares = stream.grid(160 if rough else 256, 480 if rough else 700, (len(heights), num_joints - 1))
    lengths = np.cumsum(shares * heights[:, None] >> 8, axis=1, dtype=np.int32)
    starts = span.left - stream.grid(2 * shortest, 4 * shortest, (len(heights), 1))
    return np.concatenate((starts, starts + lengths), axis=1).astype(np.int32)
