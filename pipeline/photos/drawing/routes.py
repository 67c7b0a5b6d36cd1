"""Routes of cracks: the ways of least resistance through a wall."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pipeline.photos.drawing.fields import ONE, blend, ramp, rough_noise
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.walls import Face

Place = tuple[int, int]
"""A pixel: row and column."""

_INDEX_BITS = 10
"""Columns of a photo fit into this many bits, so that a sum of tolls and a column share one number."""


def easiest_route(toll: Grid, start: int, end: int) -> list[Place]:
    """The cheapest way from a column of the first row to one of the last, never upwards.

    Args:
        toll: price of each pixel, at least 0, int32 `[rows, columns]`, at most 1024 columns.
        start: column in the first row.
        end: column in the last row.

    Returns:
        The corners of the way, in order.
    """
    toll = toll.astype(np.int64)
    until = np.cumsum(toll, axis=1)
    before = until - toll
    index = np.arange(toll.shape[1], dtype=np.int64)
    best = np.where(index >= start, until[0] - until[0, start], before[0, start] - before[0])
    entries = np.zeros(toll.shape, np.int64)
    entries[0] = start
    for row in range(1, len(toll)):
        arrived = best + toll[row]
        from_left = _running_minimum(arrived - until[row], index)
        from_right = _running_minimum((arrived + before[row])[::-1], index[::-1])[::-1]
        rightwards, leftwards = (from_left >> _INDEX_BITS) + until[row], (from_right >> _INDEX_BITS) - before[row]
        best = np.minimum(rightwards, leftwards)
        entries[row] = np.where(rightwards <= leftwards, from_left, from_right) & ((1 << _INDEX_BITS) - 1)
    return _traced_back(entries, start, end)


def wall_toll(face: Face, brick_toll: int, stream: Stream) -> Grid:
    """Resistance of each pixel of a wall to cracks.

    Args:
        face: the wall.
        brick_toll: resistance of brick; that of mortar is 60 at most, and 12 where both meet.
        stream: gives the wall's flaws.
    """
    shape = face.inside.shape[0], face.inside.shape[1]
    edge = ramp(np.abs(face.inside), ONE, 2 * ONE)
    within = blend(np.full(shape, min(60, brick_toll), np.int32), brick_toll, ramp(face.inside, -ONE, ONE))
    flaws = ONE + (rough_noise(stream.child("flaws"), shape, 16, 2) * 200 >> 10)
    return 12 + (within * edge * flaws >> 16)


def route_between(toll: Grid, start: Place, end: Place, pull: int, stream: Stream) -> list[Place]:
    """Corners of an easy way between two pixels, never upwards.

    Args:
        toll: price of each pixel.
        start: first pixel.
        end: last pixel, in a lower row.
        pull: how strongly the straight way draws the route, in tolls for 8 pixels astray.
        stream: makes the straight way wander.
    """
    rows = end[0] - start[0] + 1
    down = np.arange(rows, dtype=np.int32)[:, None]
    straight = start[1] + (end[1] - start[1]) * down // max(1, rows - 1)
    ends = ramp(np.minimum(down, rows - 1 - down), 0, max(2, rows // 6))
    straight = straight + (rough_noise(stream.child("wander"), (rows, 1), max(8, rows // 4), 3) * rows * ends >> 21)
    astray = np.abs(np.arange(toll.shape[1], dtype=np.int32)[None, :] - straight)
    priced = toll[start[0] : end[0] + 1] + np.minimum(astray, 60) * pull // 8
    corners = easiest_route(priced, start[1], end[1])
    return [(row + start[0], column) for row, column in corners]


def resampled(corners: list[Place], step: int) -> list[Place]:
    """Places at equal distances along a line of upright and level pieces, in 1/256 pixel from the photo's corner."""
    places: list[Place] = []
    travelled = 0
    for (row, column), (next_row, next_column) in pairwise(corners):
        length = abs(next_row - row) + abs(next_column - column)
        while travelled < length:
            places.append(
                (
                    (row << 8) + ((next_row - row) * travelled << 8) // length + 128,
                    (column << 8) + ((next_column - column) * travelled << 8) // length + 128,
                )
            )
            travelled += step
        travelled -= length
    places.append(((corners[-1][0] << 8) + 128, (corners[-1][1] << 8) + 128))
    return places


def _running_minimum(values: npt.NDArray[np.int64], index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The least of the values so far, and in the low bits where it stands."""
    least: npt.NDArray[np.int64] = np.minimum.accumulate((values << _INDEX_BITS) | index)
    return least


def _traced_back(entries: npt.NDArray[np.int64], start: int, end: int) -> list[Place]:
    corners = [(len(entries) - 1, end)]
    column = end
    for row in range(len(entries) - 1, 0, -1):
        entry = int(entries[row, column])
        if entry != column:
            corners.append((row, entry))
        corners.append((row - 1, entry))
        column = entry
    if column != start:
        corners.append((0, start))
    return corners[::-1]
