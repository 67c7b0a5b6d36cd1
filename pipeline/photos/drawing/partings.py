"""Partings: cracks so wide that one part of the wall has moved away from the other, mostly along the joints."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.damages import Damaged
from pipeline.photos.drawing.fields import ONE, blurred, noise
from pipeline.photos.drawing.openings import Look, opened
from pipeline.photos.drawing.routes import Place, route_between, wall_toll
from pipeline.photos.drawing.shapes import moved
from pipeline.photos.drawing.streams import Grid, Mask, Stream
from pipeline.photos.drawing.walls import Face

_NEAR = 90
"""Length of a millimetre, in 1/256 pixel, from which a parting is as wide as it should be."""


def can_part(camera: Camera) -> bool:
    """Whether the camera stands near enough to see a parting for what it is."""
    return camera.millimetre >= _NEAR


def parted(face: Face, camera: Camera, stream: Stream) -> Damaged:
    """Move one part of a wall away from the other; the mask holds the gap between them."""
    # A level parting is an upright one of the wall laid on its side.
    is_level = stream.chance(35)
    toll = wall_toll(face, (700, 700, 150)[stream.between(0, 2)], stream)
    toll = toll.T if is_level else toll
    height, width = toll.shape
    start = stream.between(width // 5, width * 4 // 5)
    end = min(max(start + stream.between(-width // 3, width // 3), width // 6), width * 5 // 6)
    route = route_between(toll, (0, start), (height - 1, end), stream.between(2, 14), stream.child("route"))
    near_by = _near_by(route, (height, width))
    widest = min(stream.between(5, 18) * min(height, width) // 100, camera.millimetre * 45 // ONE)
    apart = _apart(height, widest, stream.child("apart"))
    # The level pieces of a stepped route open where the far side rises with its steps.
    slip = -widest * stream.between(0, 70) // 100 * (1 if end >= start else -1)
    is_far = _slid(1 - near_by, slip, apart) > 0
    gap: Mask = (~is_far & (near_by == 0)) | _along(route, (height, width), max(1, widest // 5))
    planes = [plane.swapaxes(-1, -2) if is_level else plane for plane in (face.colours, face.relief)]
    colours, relief = (np.where(is_far, _slid(plane, slip, apart), plane) for plane in planes)
    if is_level:
        colours, relief, gap = colours.swapaxes(-1, -2), relief.swapaxes(-1, -2), gap.T
    shifted = replace(face, colours=np.ascontiguousarray(colours), relief=np.ascontiguousarray(relief))
    radius = max(1, min(widest // 4, 4))
    margin = (blurred(gap.astype(np.int32) * ONE, radius) - ONE // 2) * (2 * radius + 1)
    return Damaged(
        opened(shifted, margin, Look.GAP, widest * ONE // 2, stream.child("open")), np.ascontiguousarray(gap)
    )


def _apart(height: int, widest: int, stream: Stream) -> Grid:
    """Width of the gap in each row, in pixels: wider at one end, and uneven."""
    wedge = np.arange(height, dtype=np.int32) * stream.between(0, 150) // height
    wedge = wedge if stream.chance(50) else wedge[::-1]
    uneven = noise(stream, (height, 1), max(8, height // 4))[:, 0] * 40 >> 10
    apart: Grid = np.maximum(widest * (ONE - wedge + uneven) >> 8, 2)
    return apart


def _slid(plane: Grid, down: int, along: Grid) -> Grid:
    """A plane moved down by whole pixels, and each of its rows along by pixels of its own; edges repeated."""
    width = plane.shape[-1]
    columns = np.clip(np.arange(width)[None, :] - along[:, None], 0, width - 1)
    lowered: Grid = moved(plane, down, 0)
    return np.take_along_axis(lowered, np.broadcast_to(columns, lowered.shape), axis=-1)


def _along(route: list[Place], shape: tuple[int, int], reach: int) -> Mask:
    """Pixels within reach of a route: a parting closes nowhere."""
    on_route: Grid = np.zeros(shape, np.int32)
    for (row, column), (next_row, next_column) in pairwise(route):
        rows = slice(min(row, next_row), max(row, next_row) + 1)
        on_route[rows, min(column, next_column) : max(column, next_column) + 1] = ONE * ONE
    near: Mask = blurred(on_route, reach) > 0
    return near


def _near_by(route: list[Place], shape: tuple[int, int]) -> Grid:
    """1 before a route, 0 beyond it."""
    boundary = np.full(shape[0], route[-1][1], np.int64)
    for (row, column), (next_row, _) in pairwise(route):
        boundary[row:next_row] = column
    return (np.arange(shape[1])[None, :] < boundary[:, None]).astype(np.int32)
