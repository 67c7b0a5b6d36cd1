import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pipeline.learning.checkpoints import load_checkpoint, save_checkpoint
from pipeline.learning.history import EpochRow

ROW = EpochRow(1, 1, 0.001, 0.7, 0.5, 0.69, 0.6, 0.55, 1.5, 20.0, True)


def test_a_checkpoint_comes_back_as_it_went(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    history = [ROW, dataclasses.replace(ROW, epoch=2, val_loss=float("inf"), kept=False)]
    arrays = {
        "moving": [np.full((2, 3), number, "float32") for number in range(12)],
        "optimizer": [np.array(7), np.array([1, 2], np.uint32)],
    }
    save_checkpoint(path, history, arrays)
    loaded = load_checkpoint(path)
    assert loaded is not None
    assert loaded[0] == history
    assert set(loaded[1]) == set(arrays)
    for name, group in arrays.items():
        for expected, array in zip(group, loaded[1][name], strict=True):
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected)


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "run.npz") is None


def test_a_checkpoint_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    np.savez(path, record=np.array([{"epoch": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        load_checkpoint(path)


def test_a_failed_save_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    save_checkpoint(path, [ROW], {"moving": [np.zeros(2)]})
    before = path.read_bytes()
    with pytest.raises(AttributeError):
        save_checkpoint(path, [ROW], {"moving": ["no array", _Odd()]})  # type: ignore[list-item]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


class _Odd:
    def __array__(self, dtype: object = None, copy: object = None) -> None:
        raise AttributeError
