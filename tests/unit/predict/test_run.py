"""A folder asked about from end to end, with a model server that does as it is told."""

import csv
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from fake_model_server import FakeModelServer
from PIL import Image

from pipeline.core.errors import DataError, MachineError, ParameterError, ServingError
from pipeline.core.locks import held_lock
from pipeline.core.paths import Layout
from pipeline.predict import asking
from pipeline.predict.run import Predicted
from serving.wire import predict_pb2 as wire

Predict = Callable[..., Predicted]
GONE = (grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(walls, 7)")
AWAY = (grpc.StatusCode.UNAVAILABLE, "stopping")


def table(result: Predicted) -> list[dict[str, str]]:
    with (result.page.parent / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def refusing(photo: Path, code: grpc.StatusCode, why: str) -> Callable[[wire.PredictRequest], Any]:
    data = photo.read_bytes()
    return lambda request: (code, why) if request.inputs["image_bytes"].string_val[0] == data else None


@pytest.fixture
def photos(tmp_path: Path, put_photos: Callable[..., Path]) -> Path:
    return put_photos(tmp_path / "survey", "b.jpg", "a/same.jpg", "b/same.jpg", "Süd #1?%20.jpg")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the server takes no time worth mention."""
    monkeypatch.setattr(asking, "_PAUSES_SECONDS", (0.01, 0.01))


def test_table_overlays_and_page_lie_in_the_folder_of_answers(predict: Predict, photos: Path, tmp_path: Path) -> None:
    result = predict(photos)

    assert result.page == tmp_path / "checkout/reports/predict/survey/index.html"
    assert [line["path"] for line in table(result)] == ["Süd #1?%20.jpg", "a/same.jpg", "b.jpg", "b/same.jpg"]
    assert {(line["class"], line["model"], line["version"]) for line in table(result)} == {("Gewölbe", "walls", "7")}
    overlays = result.page.parent / "overlays"
    assert sorted(file.relative_to(overlays).as_posix() for file in overlays.rglob("*.jpg")) == [
        "Süd #1?%20.jpg.jpg",
        "a/same.jpg.jpg",
        "b.jpg.jpg",
        "b/same.jpg.jpg",
    ]
    assert "Made by" in result.page.read_text(encoding="utf-8")


def test_the_overlay_shows_the_heat_where_the_model_saw_it(
    predict: Predict, tmp_path: Path, put_photos: Callable[..., Path]
) -> None:
    result = predict(put_photos(tmp_path / "one", "a.jpg", size=(400, 400)))

    # Full heat lies in the second cell of the first of four rows.
    with Image.open(result.page.parent / "overlays/a.jpg.jpg") as overlay:
        assert sum(overlay.getpixel((150, 40))) > sum(overlay.getpixel((350, 350))) + 150


def test_all_photos_are_asked_of_the_version_that_answered_first(
    predict: Predict, photos: Path, fake_server: FakeModelServer
) -> None:
    predict(photos)

    first, *others = (request.model_spec for request in fake_server.requests)
    assert (first.version_label, first.HasField("version")) == ("stable", False)
    assert {(spec.version_label, spec.version.value) for spec in others} == {("", 7)}
    assert len(others) == 4


def test_a_version_that_goes_away_ends_the_run_and_leaves_no_half(
    predict: Predict, photos: Path, fake_server: FakeModelServer
) -> None:
    fake_server.refuses = lambda _: GONE if len(fake_server.requests) > 3 else None

    with pytest.raises(ServingError, match="version 7 of walls went away after"):
        predict(photos)

    assert not list((photos.parent / "checkout/reports/predict").iterdir())


def test_a_file_that_is_no_photo_costs_itself_alone(predict: Predict, photos: Path) -> None:
    (photos / "notes.txt").write_text("x")
    (photos / "c.jpg").write_bytes((photos / "b.jpg").read_bytes()[:-100])
    (photos / "empty.png").touch()
    (photos / "gone.jpg").symlink_to("nowhere.jpg")
    with (photos / "film.mov").open("wb") as film:
        os.truncate(film.fileno(), 30_000_000)

    result = predict(photos)

    assert {file.path: file.error.split(":")[0] for file in result.unanswered} == {
        "c.jpg": "damaged photo",
        "empty.png": "the file is empty (0 bytes)",
        "film.mov": "30,000,000 bytes; at most 20,000,000 are accepted",
        "gone.jpg": "cannot be read",
        "notes.txt": "not a photo",
    }
    assert len(result.answered) == 4
    assert len(table(result)) == 9


def test_where_no_file_is_a_photo_nothing_is_written(predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("x")

    with pytest.raises(DataError, match=r"none of 1 files .* notes.txt: not a photo"):
        predict(tmp_path / "texts")

    assert not list((tmp_path / "checkout/reports/predict").iterdir())


@pytest.mark.parametrize("name", ("missing", "empty"))
def test_a_folder_without_files_is_an_error(name: str, predict: Predict, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(DataError, match=name):
        predict(tmp_path / name)


def test_a_photo_that_the_server_refuses_costs_itself_alone(
    predict: Predict, photos: Path, fake_server: FakeModelServer
) -> None:
    refused = (photos / "b.jpg").read_bytes()
    fake_server.refuses = lambda request: (
        (grpc.StatusCode.INVALID_ARGUMENT, "too\nodd")
        if request.inputs["image_bytes"].string_val[0] == refused
        else None
    )

    [unanswered] = predict(photos).unanswered

    assert unanswered.path == "b.jpg"
    assert unanswered.error.endswith("INVALID_ARGUMENT: too odd")


@pytest.mark.usefixtures("at_once")
def test_a_photo_that_the_server_fails_on_costs_itself_alone(
    predict: Predict, photos: Path, fake_server: FakeModelServer
) -> None:
    fake_server.refuses = refusing(photos / "b.jpg", grpc.StatusCode.INTERNAL, "broken")

    result = predict(photos)

    assert [file.path for file in result.unanswered] == ["b.jpg"]
    assert len(result.answered) == 3


@pytest.mark.usefixtures("at_once")
def test_a_server_that_is_away_for_a_moment_is_waited_for(
    predict: Predict, photos: Path, fake_server: FakeModelServer
) -> None:
    fake_server.refuses = lambda _: AWAY if 2 < len(fake_server.requests) < 6 else None

    assert len(predict(photos).answered) == 4


@pytest.mark.usefixtures("at_once")
def test_a_server_that_stays_away_ends_the_run(predict: Predict, photos: Path, fake_server: FakeModelServer) -> None:
    fake_server.refuses = lambda _: AWAY if len(fake_server.requests) > 2 else None

    with pytest.raises(ServingError, match="of 4 files"):
        predict(photos)


def test_without_a_server_the_error_says_how_to_start_one(
    predict: Predict, photos: Path, fake_server: FakeModelServer
) -> None:
    fake_server.refusal = AWAY

    with pytest.raises(
        ServingError, match=r"`make release`, then start it with `make serve`, or .* `make up`"
    ) as raised:
        predict(photos)
    assert raised.value.exit_code == 5


def test_a_model_that_nothing_serves_is_named(predict: Predict, photos: Path, fake_server: FakeModelServer) -> None:
    fake_server.refusal = GONE

    with pytest.raises(ServingError, match="serves no model 'domes' under the label 'stable'"):
        predict(photos, model="domes")


def test_no_row_of_an_earlier_run_is_left(predict: Predict, photos: Path) -> None:
    predict(photos)
    (photos / "b.jpg").unlink()

    result = predict(photos)

    assert "b.jpg" not in [line["path"] for line in table(result)]
    assert not (result.page.parent / "overlays/b.jpg.jpg").exists()


def test_a_single_photo_may_be_asked_about(predict: Predict, photos: Path) -> None:
    result = predict(photos / "a" / "same.jpg")

    assert result.page.parent.name == "same"
    assert [line["path"] for line in table(result)] == ["same.jpg"]


def test_photos_that_may_only_be_read_are_left_as_they_are(predict: Predict, photos: Path, tmp_path: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in photos.rglob("*")}
    for folder in (photos, photos / "a", photos / "b"):
        folder.chmod(0o555)

    predict(photos, out=tmp_path / "answers")

    assert {file: file.stat().st_mtime_ns for file in photos.rglob("*")} == before
    for folder in (photos, photos / "a", photos / "b"):
        folder.chmod(0o755)


def test_a_place_among_the_photos_is_refused_before_anything_is_asked(
    predict: Predict, photos: Path, fake_server: FakeModelServer
) -> None:
    with pytest.raises(ParameterError):
        predict(photos, out=photos / "answers")
    assert not fake_server.requests


def test_two_runs_at_a_time_do_not_mix(predict: Predict, photos: Path, tmp_path: Path) -> None:
    lock = Layout(tmp_path / "checkout").state / "predict.lock"

    with held_lock(lock, "pipeline predict"), pytest.raises(MachineError):
        predict(photos)


def test_several_photos_are_asked_about_at_a_time_and_no_more_than_agreed(
    predict: Predict, tmp_path: Path, put_photos: Callable[..., Path], fake_server: FakeModelServer
) -> None:
    at_a_time, most, lock = set[int](), [0], threading.Lock()

    def count(request: wire.PredictRequest) -> None:
        with lock:
            at_a_time.add(id(request))
            most[0] = max(most[0], len(at_a_time))
        fake_server.over.wait(0.02)
        with lock:
            at_a_time.discard(id(request))

    fake_server.refuses = count
    predict(put_photos(tmp_path / "many", *(f"{number}.jpg" for number in range(24))))

    assert 1 < most[0] <= asking.IN_FLIGHT
