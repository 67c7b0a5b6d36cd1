import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import DataError
from pipeline.photos.classes import class_order
from pipeline.photos.records import Batch, SplitRow

LABELS = st.lists(st.sampled_from("abcdefg"), min_size=2, max_size=4, unique=True)


def row(batch: str, label: str | None) -> SplitRow:
    return SplitRow(f"data/{batch}/{label}/1.jpg", batch, label, "0" * 64, "keep", "", "", "", "", "train")


def batches(*names: str) -> list[Batch]:
    return [Batch(name, "", "0" * 64, 1) for name in names]


@given(st.lists(LABELS, min_size=1, max_size=4), LABELS)
def test_a_later_batch_only_appends(earlier: list[list[str]], later: list[str]) -> None:
    names = [f"batch-{9 - number}" for number in range(len(earlier) + 1)]
    rows = [row(name, label) for name, labels in zip(names, earlier, strict=False) for label in labels]
    before = class_order(rows, batches(*names), ())
    after = class_order([*(row(names[-1], label) for label in later), *rows], batches(*names), ())
    assert after[: len(before)] == before
    assert list(after[len(before) :]) == sorted(set(later) - set(before))


def test_unlabelled_photos_make_no_class() -> None:
    rows = [row("one", "b"), row("one", None), row("one", "a")]
    assert class_order(rows, batches("one"), ()) == ("a", "b")


def test_a_chosen_order_stands() -> None:
    rows = [row("one", label) for label in "abc"]
    assert class_order(rows, batches("one"), ("c", "a")) == ("c", "a")
    with pytest.raises(DataError, match="no photo of d"):
        class_order(rows, batches("one"), ("c", "d"))


def test_one_class_is_too_few() -> None:
    with pytest.raises(DataError, match="only one class: a"):
        class_order([row("one", "a")], batches("one"), ())
