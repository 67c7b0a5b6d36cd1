import hashlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.hashing import sha256_by_file, sha256_of_file, sha256_of_value

MORE_THAN_A_BLOCK = (1 << 20) + 17


def test_a_file_has_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * (MORE_THAN_A_BLOCK // 256)
    (tmp_path / "file").write_bytes(data)
    assert sha256_of_file(tmp_path / "file") == hashlib.sha256(data).hexdigest()


def test_a_folder_lists_every_file_below_it_in_order(tmp_path: Path) -> None:
    for name in ("b/z", "a", "b/a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    hashes = sha256_by_file(tmp_path)
    assert list(hashes) == ["a", "b/a", "b/z"]
    assert hashes["b/z"] == hashlib.sha256(b"b/z").hexdigest()


@given(st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=5))
def test_the_hash_of_a_value_does_not_know_the_order_of_its_keys(value: dict[str, int | str]) -> None:
    turned = dict(reversed(list(value.items())))
    assert sha256_of_value(turned) == sha256_of_value(value)


def test_other_values_have_other_hashes() -> None:
    values = [None, 0, "0", [], [0], {}, {"a": 1}, {"a": 2}, "ä"]
    assert len({sha256_of_value(value) for value in values}) == len(values)
