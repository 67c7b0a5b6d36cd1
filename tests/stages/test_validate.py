import io
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.core.errors import DataError, MachineError
from pipeline.core.parameters import Parameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows
from pipeline.photos.batches import write_batches
from pipeline.photos.kept_measures import FILE_NAME
from pipeline.photos.listing import FoundFile
from pipeline.photos.reading import read_photo
from pipeline.photos.records import Batch, Outcome, PhotoRow
from pipeline.stages import validate
from serving.contract import PhotoLimits


def parameters(**sections: dict[str, object]) -> Parameters:
    needed = {"recipe": "test", "model": {"name": "test"}, "train": {"phases": [{"epochs": 1}]}}
    return parse_parameters({**needed, **sections}, "test")


def put(root: Path, path: str, seed: int) -> None:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((48, 40), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(buffer.getvalue())


@pytest.fixture
def checkout(tmp_path: Path) -> Layout:
    """A batch of six photos in two classes, one unlabelled photo and one text."""
    for number in range(3):
        put(tmp_path, f"data/one/wall/{number}.jpg", number)
        put(tmp_path, f"data/one/arch/{number}.jpg", 10 + number)
    put(tmp_path, "data/one/_unlabelled/x.jpg", 20)
    (tmp_path / "data/one/wall/notes.txt").write_text("north side")
    layout = Layout(tmp_path)
    write_batches(layout.batches, [Batch("one", "", "0" * 64, 8)])
    return layout


def test_every_file_has_a_row_and_the_reports_are_the_same_from_run_to_run(checkout: Layout) -> None:
    result = validate.run(checkout, parameters())
    assert (result.num_files, result.num_readable, result.classes) == (8, 7, ("arch", "wall"))
    table = checkout.artifacts("validate") / "photos.parquet"
    rows = read_rows(table, PhotoRow)
    assert [row.path for row in rows] == sorted(row.path for row in rows)
    assert {row.path: row.error for row in rows if row.error}.keys() == {"data/one/wall/notes.txt"}

    reports = checkout.reports("validate")
    summary = json.loads((reports / "summary.json").read_text())
    assert summary["files"] == sum(summary["by_class"].values()) == sum(summary["by_batch"].values()) == 8
    assert summary["by_class"] == {"_unlabelled": 1, "arch": 3, "wall": 4}
    assert summary["by_format"] == {"JPEG": 7}
    assert list(summary["by_error"].values()) == [1]
    assert (reports / "data_docs" / "index.html").is_file()

    names = (table, reports / "summary.json", reports / "expectations.json")
    before = [name.read_bytes() for name in names]
    validate.run(checkout, parameters())
    assert [name.read_bytes() for name in names] == before
    assert all(outcome["success"] for outcome in json.loads(before[2]))
    assert str(checkout.root) not in before[2].decode()


def test_a_broken_expectation_names_itself_and_some_files(checkout: Layout) -> None:
    with pytest.raises(DataError) as caught:
        validate.run(checkout, parameters(validate={"max_unreadable_share": 0.1}))
    assert "At least 90% of the files can be read" in caught.value.came
    assert "1 files, such as data/one/wall/notes.txt" in caught.value.came
    assert (checkout.reports("validate") / "expectations.json").is_file()
    assert (checkout.artifacts("validate") / "photos.parquet").is_file()


def test_only_broken_expectations_are_named() -> None:
    fine = Outcome("expect_a", "path", "Fine.", success=True, unexpected=3, paths=("a",))
    validate.refuse_broken([fine])
    with pytest.raises(DataError, match="Not fine") as caught:
        validate.refuse_broken([fine, replace(fine, note="Not fine.", success=False)])
    assert "Fine." not in caught.value.came


def rows_of(tmp_path: Path, *names: str) -> list[PhotoRow]:
    rows = []
    for seed, name in enumerate(names):
        put(tmp_path, f"data/one/{name}", seed)
        label = None if name.startswith("_") else name.split("/")[0]
        rows.append(read_photo(tmp_path, FoundFile(f"data/one/{name}", "one", label), PhotoLimits()))
    return rows


@pytest.mark.parametrize(
    ("names", "unreadable", "came"),
    (
        (("wall/a", "wall/b"), 2, "none of 2 files is a readable photo: damaged photo"),
        (("_unlabelled/a", "_unlabelled/b"), 0, "none of 2 files has a label"),
        (("arch/a", "wall/a", "wall/b"), 0, "too few readable photos: arch has 1"),
        (("arch/a", "wall/a", "wall/b"), 1, "too few readable photos: arch has 0"),
    ),
)
def test_photos_that_nothing_can_be_learnt_from_are_refused(
    tmp_path: Path, names: tuple[str, ...], unreadable: int, came: str
) -> None:
    rows = rows_of(tmp_path, *names)
    rows = [replace(row, error="damaged photo" if n < unreadable else "") for n, row in enumerate(rows)]
    with pytest.raises(DataError, match=came):
        validate.check_labels(rows)


def test_two_photos_of_each_class_are_enough(tmp_path: Path) -> None:
    validate.check_labels(rows_of(tmp_path, "arch/a", "arch/b", "wall/a", "wall/b"))


def test_a_summary_gives_quantiles_of_readable_photos_alone(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, "wall/a", "wall/b")
    rows[1] = replace(rows[1], error="damaged photo", width=0)
    assert validate.summarise(rows, [])["quantiles"]["width"] == dict.fromkeys(
        ("0", "0.01", "0.05", "0.5", "0.95", "0.99", "1"), 48.0
    )
    assert validate.summarise(rows[1:], ["w"])["quantiles"]["width"] == {}


def test_an_empty_checkout_is_told_how_to_bring_photos_in(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="names no batch") as caught:
        validate.run(Layout(tmp_path), parameters())
    assert "make photos" in caught.value.todo


def test_many_photos_are_checked_by_another_process_with_the_same_outcome(
    checkout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate.run(checkout, parameters())
    places = (checkout.artifacts("validate") / "photos.parquet", checkout.reports("validate") / "expectations.json")
    before = [place.read_bytes() for place in places]
    monkeypatch.setattr(validate, "_FEW_FILES", 3)
    validate.run(checkout, parameters())
    assert [place.read_bytes() for place in places] == before


def test_a_checking_process_that_is_killed_is_told_as_the_machines_fault(
    checkout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validate, "_FEW_FILES", 3)
    monkeypatch.setattr(validate, "_check", kill_this_process)
    with pytest.raises(MachineError, match="was killed") as caught:
        validate.run(checkout, parameters())
    assert "memory" in caught.value.expected


def kill_this_process(*anything: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_second_run_reads_no_photo(checkout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    validate.run(checkout, parameters())
    table = (checkout.artifacts("validate") / "photos.parquet").read_bytes()
    monkeypatch.setattr("pipeline.photos.measures.contract.read_upright_reduced", refuse_to_decode)
    validate.run(checkout, parameters())
    assert (checkout.artifacts("validate") / "photos.parquet").read_bytes() == table


def refuse_to_decode(*anything: object) -> None:
    raise AssertionError("a photo was decoded again")


def test_a_store_that_cannot_be_used_is_a_warning(checkout: Layout) -> None:
    checkout.state.mkdir()
    (checkout.state / FILE_NAME).write_bytes(b"no database " * 99)
    result = validate.run(checkout, parameters())
    assert result.num_readable == 7
    assert ["measures.sqlite is damaged" in warning for warning in result.warnings] == [True]
