import os
from pathlib import Path

import numpy as np
import pytest

from pipeline.learning import kept_vectors
from pipeline.learning.kept_vectors import KeptVectors


def vectors(*numbers: int) -> np.ndarray:
    return np.array([[number, number / 3] for number in numbers], np.float32)


def test_what_was_kept_is_read_again_bit_by_bit_and_nothing_else(tmp_path: Path) -> None:
    KeptVectors(tmp_path, "m").keep(["a", "b"], vectors(1, 2))
    KeptVectors(tmp_path, "m").keep(["c"], vectors(3))
    found = KeptVectors(tmp_path, "m").read({"a", "c", "d"})
    assert {name: vector.tolist() for name, vector in found.items()} == {
        "a": vectors(1)[0].tolist(),
        "c": vectors(3)[0].tolist(),
    }
    assert KeptVectors(tmp_path, "other").read({"a"}) == {}


@pytest.mark.parametrize("damage", (b"", b"no zip", None))
def test_a_damaged_part_is_not_believed(tmp_path: Path, damage: bytes | None) -> None:
    kept = KeptVectors(tmp_path, "m")
    kept.keep(["a"], vectors(1))
    (part,) = (tmp_path / "m").iterdir()
    content = part.read_bytes()
    half = len(content) // 2
    part.write_bytes(content[:half] + bytes(8) + content[half + 8 :] if damage is None else damage)
    assert kept.read({"a"}) == {}
    assert list((tmp_path / "m").iterdir()) == []


@pytest.mark.parametrize("names", (["a"], ["a", "b", "c"]))
def test_a_part_of_which_names_and_vectors_do_not_match_is_not_believed(tmp_path: Path, names: list[str]) -> None:
    kept = KeptVectors(tmp_path, "m")
    kept.keep(names, vectors(1, 2))
    assert kept.read({"a", "c"}) == {}
    assert list((tmp_path / "m").iterdir()) == []


def test_many_parts_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_vectors, "_MAX_PARTS", 2)
    kept = KeptVectors(tmp_path, "m")
    for number in range(4):
        kept.keep([f"{number}"], vectors(number))
    wanted = {f"{number}" for number in range(4)}
    before = kept.read(wanted)
    assert len(list((tmp_path / "m").iterdir())) == 1
    after = kept.read(wanted)
    assert {name: vector.tolist() for name, vector in after.items()} == {
        name: vector.tolist() for name, vector in before.items()
    }


def test_of_many_makings_the_three_used_last_are_kept(tmp_path: Path) -> None:
    for number in range(4):
        KeptVectors(tmp_path, f"{number}")
        os.utime(tmp_path / f"{number}", (number, number))
    KeptVectors(tmp_path, "0")
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["0", "2", "3"]
