from pathlib import Path

import numpy as np
import pytest

from pipeline.core.parameters import CleanParameters
from pipeline.photos.comparisons import read_compared, write_compared
from pipeline.photos.copies import Alike, Compared
from pipeline.photos.records import Relation

PARAMETERS = CleanParameters()
COMPARED = Compared(
    keys=["a", "b", "c"],
    hashes=np.arange(6, dtype=np.uint64).reshape(2, 3),
    pairs=[Alike(0, 2, Relation.CROPPED, 5, 0.9876, "second")],
)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "state" / "comparisons.npz"
    write_compared(path, COMPARED, PARAMETERS)
    return path


def test_what_was_compared_comes_back(written: Path) -> None:
    found = read_compared(written, PARAMETERS)
    assert found is not None
    assert (found.keys, found.pairs) == (COMPARED.keys, COMPARED.pairs)
    assert (found.hashes == COMPARED.hashes).all()


def test_a_run_that_compared_nothing_comes_back(tmp_path: Path) -> None:
    write_compared(tmp_path / "one.npz", Compared([], np.zeros((2, 0), dtype=np.uint64), []), PARAMETERS)
    found = read_compared(tmp_path / "one.npz", PARAMETERS)
    assert found is not None
    assert (list(found.keys), list(found.pairs)) == ([], [])


@pytest.mark.parametrize(
    "other",
    (
        CleanParameters(max_hash_distance=6),
        CleanParameters(min_correlation=0.8),
        CleanParameters(min_detail=0.8),
        CleanParameters(partial_copies=False),
    ),
)
def test_other_thresholds_start_anew(written: Path, other: CleanParameters) -> None:
    assert read_compared(written, other) is None


def test_other_thresholds_of_other_rules_do_not(written: Path) -> None:
    assert read_compared(written, CleanParameters(min_side=64)) is not None


def test_no_file_is_no_comparison(tmp_path: Path) -> None:
    assert read_compared(tmp_path / "none.npz", PARAMETERS) is None


@pytest.mark.parametrize("content", (b"", b"not an archive", b"PK\x03\x04 cut off"))
def test_a_damaged_file_is_ignored(written: Path, content: bytes) -> None:
    written.write_bytes(content)
    assert read_compared(written, PARAMETERS) is None


@pytest.mark.parametrize("kept", (0.1, 0.5, 0.9, 0.999))
def test_a_file_cut_short_is_ignored(written: Path, kept: float) -> None:
    data = written.read_bytes()
    written.write_bytes(data[: int(len(data) * kept)])
    assert read_compared(written, PARAMETERS) is None


@pytest.mark.parametrize(
    "foreign",
    (
        {"pairs": np.array([[0, 3, 0, 5, 0]])},
        {"pairs": np.array([[2, 0, 0, 5, 0]])},
        {"pairs": np.array([[0, 2, 99, 5, 0]])},
        {"pairs": np.array([[0, 2]])},
        {"hashes": np.zeros((2, 4), dtype=np.uint64)},
        {"hashes": np.zeros((2, 3))},
    ),
)
def test_a_file_that_contradicts_itself_is_ignored(written: Path, foreign: dict[str, np.ndarray]) -> None:
    with np.load(written) as arrays:
        content = dict(arrays)
    with written.open("wb") as stream:
        np.savez(stream, **(content | foreign))
    assert read_compared(written, PARAMETERS) is None
