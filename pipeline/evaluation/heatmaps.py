"""Heat maps of mistakes: where the grounds of a wrong answer lie, and those of the answer that the label asks for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEATMAPS = "heatmaps.parquet"
"""Beside the predictions: a row per mistake and explained class."""

_LEVELS = 255


@dataclass(frozen=True, slots=True)
class HeatMapRow:
    """A line of `artifacts/evaluate/heatmaps.parquet`."""

    path: str
    explained: str
    """The class of which the map shows the grounds."""
    num_rows: int
    num_columns: int
    heat: bytes
    """uint8 cells, row by row; 255 stands for heat 1 on the fixed scale that the model carries."""


def heatmap_row(path: str, explained: str, heatmap: NDArray[np.float32]) -> HeatMapRow:
    """Store a heat map in a byte per cell.

    Args:
        path: of the photo, from the root of the checkout.
        explained: the class of which the map shows the grounds.
        heatmap: `(rows, columns) float32`, heat in [0, 1].
    """
    levels = np.rint(heatmap * _LEVELS).astype(np.uint8)
    num_rows, num_columns = levels.shape
    return HeatMapRow(path, explained, num_rows, num_columns, levels.tobytes())


def heatmap_of(row: HeatMapRow) -> NDArray[np.float32]:
    """The stored map, `(rows, columns) float32` in [0, 1], to within half of 1/255."""
    levels = np.frombuffer(row.heat, np.uint8).reshape(row.num_rows, row.num_columns)
    return levels.astype(np.float32) / np.float32(_LEVELS)
