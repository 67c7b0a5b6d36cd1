"""Stored heat maps: a byte per cell, the right way up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pipeline.evaluation.heatmaps import heatmap_of, heatmap_row


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(0, 1, width=32)))
def test_a_stored_map_comes_back_to_within_half_a_level(heatmap: np.ndarray) -> None:
    row = heatmap_row("data/a/b/c.jpg", "b", heatmap)
    assert len(row.heat) == heatmap.size
    back = heatmap_of(row)
    assert back.shape == heatmap.shape
    np.testing.assert_allclose(back, heatmap, atol=0.5 / 255 + 1e-6)


def test_rows_and_columns_are_not_exchanged() -> None:
    row = heatmap_row("p", "c", np.array([[0, 0, 1], [0, 0, 0]], np.float32))
    assert (row.num_rows, row.num_columns) == (2, 3)
    assert heatmap_of(row)[0, 2] == pytest.approx(1)
