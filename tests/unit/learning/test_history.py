"""The history on disk."""

from pathlib import Path

import pytest

from pipeline.core.errors import DataError
from pipeline.learning.history import EpochRow, read_history, write_history


def test_a_history_comes_back_as_it_was_written(tmp_path: Path) -> None:
    rows = [EpochRow(number, 1, 0.001, 0.75, 0.5, 0.25, 0.75, 0.5, 2.0, 6.0, number == 2) for number in (1, 2)]
    write_history(tmp_path / "history.csv", rows)
    assert read_history(tmp_path / "history.csv") == rows


def test_a_damaged_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,phase\n1,one\n")
    with pytest.raises(DataError, match="history"):
        read_history(tmp_path / "history.csv")
