"""The record of batches on disk."""

from pathlib import Path

import pytest

from pipeline.core.errors import DataError
from pipeline.photos.batches import read_batches, write_batches
from pipeline.photos.records import Batch

BATCHES = [Batch("summer", "", "ab" * 32, 12), Batch("published", "test", "cd" * 32, 3)]


def test_what_is_written_is_read_in_the_same_order(tmp_path: Path) -> None:
    write_batches(tmp_path / "batches.csv", BATCHES)
    assert read_batches(tmp_path / "batches.csv") == BATCHES
    assert (tmp_path / "batches.csv").read_text().startswith("batch,side,sha256,photos\nsummer,,abab")


def test_no_file_is_no_batch(tmp_path: Path) -> None:
    assert read_batches(tmp_path / "batches.csv") == []


@pytest.mark.parametrize(
    ("lines", "where"),
    (
        (["batch,photos"], "line 1"),
        (["batch,side,sha256,photos", "a,,x,1", "b,,x"], "line 3"),
        (["batch,side,sha256,photos", "a,train,x,1"], "line 2"),
        (["batch,side,sha256,photos", "a,,x,many"], "line 2"),
        (["batch,side,sha256,photos", "a,,x,1", "a,,y,1"], "line 3: batch a occurs twice"),
    ),
)
def test_a_malformed_line_is_named(tmp_path: Path, lines: list[str], where: str) -> None:
    (tmp_path / "batches.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=where):
        read_batches(tmp_path / "batches.csv")
