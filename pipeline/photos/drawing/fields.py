"""Planes of whole numbers: noise, blur, ramps and blends."""

from collections.abc import Iterable

import numpy as np

from pipeline.photos.drawing.streams import Grid, Stream

ONE = 256
"""The weight 1, and the length of a pixel."""

NOISE_RANGE = 1024
"""Noise lies between minus and plus this."""


def noise(stream: Stream, shape: tuple[int, int], cell: int, cell_height: int | None = None) -> Grid:
    """Smooth value noise: random numbers on a lattice, eased from one lattice point to the next.

    Args:
        stream: where the lattice comes from.
        shape: height and width in pixels.
        cell: lattice spacing along a row in pixels, at least 1; also down a column unless `cell_height` is given.
        cell_height: lattice spacing down a column in pixels.

    Returns:
        int32 between -1024 and 1024.
    """
    height, width = shape
    row, down = _lattice_position(stream, height, cell_height or cell)
    column, along = _lattice_position(stream, width, cell)
    lattice = stream.grid(-NOISE_RANGE, NOISE_RANGE, (int(row[-1]) + 2, int(column[-1]) + 2))
    rows = (lattice[:, column] * (ONE - along) + lattice[:, column + 1] * along) >> 8
    down = down[:, None]
    return (rows[row] * (ONE - down) + rows[row + 1] * down) >> 8


def rough_noise(stream: Stream, shape: tuple[int, int], cell: int, octaves: int) -> Grid:
    """Noise with detail: each octave has half the cell and half the weight of the one before; -1024 to 1024.

    Octaves finer than a pixel are left out.
    """
    total: Grid = np.zeros(shape, np.int32)
    for octave in range(min(octaves, cell.bit_length())):
        total += noise(stream, shape, cell >> octave) >> (octave + 1)
    return total


def ramp(values: Grid, start: int, end: int) -> Grid:
    """Weight that climbs from 0 at `start` to 256 at `end` and stays between; `start` may lie above `end`."""
    if start < end:
        return np.clip((values - start) * ONE // (end - start), 0, ONE)
    return np.clip((start - values) * ONE // (start - end), 0, ONE)


def blend(first: Grid, second: Grid | int, weight: Grid | int) -> Grid:
    """Go from `first` (weight 0) to `second` (weight 256)."""
    return first + (((second - first) * weight) >> 8)


def blurred(values: Grid, radius: int) -> Grid:
    """Mean over a square window of `2 * radius + 1` pixels, edges repeated; works on the last two axes."""
    height, width = values.shape[-2:]
    window = 2 * radius + 1
    padded = values[..., :, np.clip(np.arange(-radius, width + radius), 0, width - 1)]
    values = (_sum(padded[..., :, step : step + width] for step in range(window)) + radius) // window
    padded = values[..., np.clip(np.arange(-radius, height + radius), 0, height - 1), :]
    return (_sum(padded[..., step : step + height, :] for step in range(window)) + radius) // window


def rough_length(across: Grid, along: Grid) -> Grid:
    """Length of a vector without a square root: within 7 % of the Euclidean one, rounded down."""
    across, along = np.abs(across), np.abs(along)
    length: Grid = np.maximum(across, along) + ((np.minimum(across, along) * 3) >> 3)
    return length


def _sum(planes: Iterable[Grid]) -> Grid:
    """Sum of planes without the 64-bit numbers that NumPy would sum them in."""
    first, *others = planes
    total = first.copy()
    for plane in others:
        total += plane
    return total


def _lattice_position(stream: Stream, size: int, cell: int) -> tuple[Grid, Grid]:
    """Lattice index of each pixel, and its eased weight towards the next lattice point, 0 to 256."""
    pixels = np.arange(size, dtype=np.int32) + stream.between(0, cell - 1)
    share = (pixels % cell) * ONE // cell
    return pixels // cell, (share * share * (3 * ONE - 2 * share)) >> 16
