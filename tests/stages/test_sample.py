import csv
import time
from pathlib import Path

import pytest

from pipeline.core.errors import DataError
from pipeline.core.hashing import sha256_by_file
from pipeline.core.paths import Layout
from pipeline.intake.folder_inbox import FolderInbox
from pipeline.intake.taking import take_in
from pipeline.photos.drawing.batches import MIN_PHOTOS
from pipeline.photos.drawing.spoils import Kind
from pipeline.stages import sample
from pipeline.stages.sample import SampleResult, draw_to, write_truth


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleResult]:
    folder = tmp_path_factory.mktemp("drawn") / "tiny"
    return folder, draw_to(folder, "tiny", MIN_PHOTOS, seed=3)


def test_the_files_are_the_same_for_any_number_of_workers(drawn: tuple[Path, SampleResult], tmp_path: Path) -> None:
    folder, result = drawn
    assert draw_to(tmp_path, "tiny", MIN_PHOTOS, seed=3, workers=2) == result
    assert sha256_by_file(tmp_path) == sha256_by_file(folder)


def test_the_result_counts_what_was_drawn(drawn: tuple[Path, SampleResult]) -> None:
    folder, result = drawn
    assert result.num_photos == len(list(folder.glob("[!_]*/*.jpg"))) == MIN_PHOTOS
    assert result.num_masks == len(list(folder.glob("_masks/*/*.png"))) > 0


def test_intake_takes_every_photo_and_mask_and_leaves_nothing_out(
    drawn: tuple[Path, SampleResult], tmp_path: Path
) -> None:
    folder, result = drawn
    taken = take_in(Layout(tmp_path), folder, "tiny")
    assert taken.left_out == ()
    assert [batch.batch.photos for batch in taken.taken] == [MIN_PHOTOS]
    assert all((tmp_path / row.path).is_file() for row in result.truth)
    masks = sorted((tmp_path / "data" / "tiny" / "_masks").rglob("*.png"))
    assert len(masks) == result.num_masks


def test_nothing_is_drawn_over(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match="holds files already"):
        draw_to(tmp_path, "tiny", MIN_PHOTOS, seed=3)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.jpg"]


def test_the_truth_table_is_sorted_and_holds_every_kind(drawn: tuple[Path, SampleResult], tmp_path: Path) -> None:
    _, result = drawn
    write_truth(tmp_path / "truth.csv", reversed(result.truth))
    with (tmp_path / "truth.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    assert {row["kind"] for row in rows} == {kind.value for kind in Kind}


def test_a_batch_that_is_there_already_is_left_as_it_is(
    drawn: tuple[Path, SampleResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = drawn
    versioned: list[Layout] = []
    monkeypatch.setattr(sample, "version_data", versioned.append)
    monkeypatch.setattr(sample, "_MAX_WORKERS", 1)
    layout = Layout(tmp_path)
    take_in(layout, folder, "tiny")
    before = sha256_by_file(layout.data)
    assert [batch.is_new for batch in sample.run(layout, ("tiny",), MIN_PHOTOS, seed=3)] == [False]
    assert sha256_by_file(layout.data) == before
    assert versioned == [layout]
    truth = sha256_by_file(layout.state / "sample")
    assert list(truth) == ["tiny.csv"]
    with pytest.raises(DataError, match="with other photos"):
        sample.run(layout, ("tiny",), MIN_PHOTOS, seed=4)
    assert (sha256_by_file(layout.data), sha256_by_file(layout.state / "sample")) == (before, truth)


def test_a_batch_dropped_into_an_inbox_waits_there_complete(tmp_path: Path) -> None:
    layout, inbox = Layout(tmp_path), FolderInbox(tmp_path, "inbox", tmp_path / "settled", quiet_seconds=600)
    assert sample.drop(layout, tmp_path / "inbox", ["tiny"], MIN_PHOTOS, seed=3) == [tmp_path / "inbox" / "tiny"]
    assert [waiting.batch for waiting in inbox.waiting(time.time())] == ["tiny"]
    assert (layout.state / "sample" / "tiny.csv").is_file()
    assert not layout.data.exists()
    with pytest.raises(DataError, match="exists already"):
        sample.drop(layout, tmp_path / "inbox", ["tiny"], MIN_PHOTOS, seed=3)
