"""Photos that are asked about are kept, a bounded number of them, and no request waits for it."""

import base64
import io
import json
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from serving.asked import AskedPhoto, folder_of, read_asked
from serving.client import ModelClient
from serving.modelserver import keeping
from serving.modelserver.flags import parse_flags
from serving.modelserver.keeping import Asked, KeptPhotos
from serving.server import main


def picture(number: int, kind: str = "PNG", **saved: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), (number % 256, number // 256, 90)).save(buffer, kind, **saved)
    return buffer.getvalue()


def asked(*photos: bytes, version: int = 1, model: str = "toy") -> Asked:
    outputs = {
        "classes": np.array([[b"crack", "dôme".encode()]] * len(photos), object),
        "probabilities": np.array([[0.6, 0.4]] * len(photos), np.float32),
        "threshold": np.array([[0.5, 0.1]] * len(photos), np.float32),
    }
    return Asked(model, version, {"image_bytes": tf.constant(list(photos), tf.string)}, outputs)


def kept(folder: Path, *questions: Asked, limit: int = 10) -> list[AskedPhoto]:
    keeper = KeptPhotos(folder, limit)
    for question in questions:
        keeper.offer(question)
        keeper.wait_until_kept()
    keeper.close()
    return read_asked(folder, "toy")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder_of(folder, "toy").iterdir())


@pytest.fixture
def serving(
    tmp_path: Path, toy_model_base: Callable[..., Path], start_model_server: Callable[..., object]
) -> Callable[..., object]:
    """A server that keeps photos below `tmp_path / "asked"`."""
    base = toy_model_base("toy", versions=(1,))
    flags = (f"--kept_photos_folder={tmp_path / 'asked'}", "--kept_photos=5")
    return lambda: start_model_server(f"--model_base_path={base}", "--model_name=toy", *flags)


def wait_for(folder: Path, num_photos: int) -> list[AskedPhoto]:
    until = time.monotonic() + 10
    while len(read_asked(folder, "toy")) < num_photos and time.monotonic() < until:
        time.sleep(0.02)
    return read_asked(folder, "toy")


def test_photos_asked_over_grpc_and_rest_are_kept_with_their_answers_and_trials_are_not(serving, tmp_path, make_photo):
    running = serving()
    with ModelClient(running.grpc_address) as client:
        client.as_trial().predict([make_photo(1, 1, 1)], "toy", version=1)
        client.as_trial().explain(make_photo(2, 2, 2), "toy")
        answer = client.predict([make_photo(200, 9, 9), make_photo(9, 200, 9)], "toy", version=1)
        client.explain(make_photo(200, 9, 9), "toy")
    photo = base64.b64encode(make_photo(9, 9, 200)).decode()
    body = {"signature_name": "predict_bytes", "instances": [{"b64": photo}]}
    assert httpx.post(f"{running.rest_url}/v1/models/toy:predict", json=body, trust_env=False).status_code == 200
    photos = wait_for(tmp_path / "asked", 3)
    assert sorted(photo.times for photo in photos) == [1, 1, 2]
    assert {photo.version for photo in photos} == {1}
    red = next(photo for photo in photos if photo.times == 2)
    assert red.predicted == answer[0].predicted
    assert list(red.probabilities.values()) == pytest.approx(answer[0].probabilities, abs=1e-6)
    assert (folder_of(tmp_path / "asked", "toy") / red.file).read_bytes() == make_photo(200, 9, 9)


def test_arrays_and_answers_without_classes_are_not_kept(serving, tmp_path, make_photo):
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    running = serving()
    with ModelClient(running.grpc_address) as client:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(client._channel)
        pixels = predict_pb2.PredictRequest()
        pixels.model_spec.name = "toy"
        pixels.inputs["images"].CopyFrom(tf.make_tensor_proto(np.zeros((1, 8, 8, 3), np.uint8)))
        stub.Predict(pixels, timeout=20)
        filtered = predict_pb2.PredictRequest(output_filter=["probabilities"])
        filtered.model_spec.name, filtered.model_spec.signature_name = "toy", "predict_bytes"
        filtered.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto([make_photo(3, 3, 3)]))
        stub.Predict(filtered, timeout=20)
        client.predict([make_photo(4, 4, 4)], "toy")
    assert len(wait_for(tmp_path / "asked", 1)) == 1


def test_the_class_is_the_one_with_the_largest_probability_minus_threshold(tmp_path):
    [photo] = kept(tmp_path, asked(picture(1)))
    assert photo.predicted == "dôme"
    assert photo.thresholds == {"crack": 0.5, "dôme": 0.1}


def test_equal_photos_are_stored_once_and_counted(tmp_path):
    photos = kept(tmp_path, asked(picture(1), picture(2)), asked(picture(1), version=2))
    assert sorted((photo.times, photo.version) for photo in photos) == [(1, 1), (2, 2)]
    assert len(files(tmp_path)) == 4


def test_the_folder_never_holds_more_than_its_limit_and_new_photos_get_in(tmp_path):
    photos = kept(tmp_path, *(asked(picture(number)) for number in range(40)), limit=5)
    assert len(photos) == 5
    assert len(files(tmp_path)) == 10
    last = kept(tmp_path, asked(picture(99)), limit=5)
    assert len({photo.sha256 for photo in last} - {photo.sha256 for photo in photos}) == 1


def test_a_lower_limit_shrinks_the_folder(tmp_path):
    kept(tmp_path, asked(*map(picture, range(8))))
    assert len(kept(tmp_path, asked(picture(50)), limit=3)) == 3


def test_place_and_owner_of_a_photo_are_not_kept(tmp_path):
    exif = Image.Exif()
    exif[0x8298] = "copyright of the owner"
    [photo] = kept(tmp_path, asked(picture(1, "JPEG", exif=exif, comment=b"the owner's address")))
    data = (folder_of(tmp_path, "toy") / photo.file).read_bytes()
    assert photo.suffix == ".jpg"
    assert b"owner" not in data
    assert folder_of(tmp_path, "toy").stat().st_mode & 0o077 == 0


def test_bytes_whose_parts_cannot_be_told_apart_are_not_kept(tmp_path):
    assert kept(tmp_path, asked(b"GIF89a", picture(1)))[0].suffix == ".png"
    assert len(files(tmp_path)) == 2


def test_what_a_killed_server_left_is_cleared_away_and_other_files_are_not_touched(tmp_path):
    [photo] = kept(tmp_path, asked(picture(1)))
    folder = folder_of(tmp_path, "toy")
    for name in (f"{'a' * 64}.jpg", f"{'b' * 64}.json", f"{'c' * 64}.png.unfinished", "wedding.jpg"):
        (folder / name).write_text("half")
    assert read_asked(tmp_path, "toy") == [photo]
    assert len(kept(tmp_path, asked(picture(2)))) == 2
    assert [name for name in files(tmp_path) if photo.sha256 not in name and len(name) < 64] == ["wedding.jpg"]
    assert len(files(tmp_path)) == 5


def test_a_note_without_its_photo_counts_for_nothing(tmp_path):
    [photo] = kept(tmp_path, asked(picture(1)))
    (folder_of(tmp_path, "toy") / photo.file).unlink()
    [again] = kept(tmp_path, asked(picture(1)))
    assert again.times == 1
    assert len(files(tmp_path)) == 2


def test_a_folder_that_cannot_be_written_is_logged_once_and_keeping_resumes(tmp_path, caplog):
    (tmp_path / "toy").write_text("a file in the folder's place")
    keeper = KeptPhotos(tmp_path, 5)
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            keeper.offer(asked(picture(number)))
            keeper.wait_until_kept()
    assert sum("cannot be kept" in record.message for record in caplog.records) == 1
    (tmp_path / "toy").unlink()
    keeper.offer(asked(picture(9)))
    keeper.wait_until_kept()
    keeper.close()
    assert len(read_asked(tmp_path, "toy")) == 1


def test_a_folder_that_was_deleted_is_begun_anew(tmp_path):
    keeper = KeptPhotos(tmp_path, 5)
    keeper.offer(asked(picture(1)))
    keeper.wait_until_kept()
    shutil.rmtree(folder_of(tmp_path, "toy"))
    for number in (1, 1):
        keeper.offer(asked(picture(number)))
        keeper.wait_until_kept()
    keeper.close()
    assert len(read_asked(tmp_path, "toy")) == 1


def test_questions_are_dropped_while_too_many_wait(tmp_path):
    keeper = KeptPhotos(tmp_path, 1000)
    for number in range(500):
        keeper.offer(asked(picture(number)))
    keeper.wait_until_kept()
    keeper.close()
    assert 0 < len(read_asked(tmp_path, "toy")) < 500


def test_photos_that_wait_take_a_bounded_part_of_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "_MAX_WAITING_BYTES", 3 * len(picture(1)))
    keeper = KeptPhotos(tmp_path, 1000)
    keeper.offer(asked(*map(picture, range(20))))
    keeper.wait_until_kept()
    assert not (tmp_path / "toy").exists()
    for number in range(10):
        keeper.offer(asked(picture(number)))
        keeper.wait_until_kept()
    keeper.close()
    assert len(read_asked(tmp_path, "toy")) == 10


def test_a_question_that_waits_holds_no_heat_maps(tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(KeptPhotos, "_keep", lambda _, question: taken.append(question))
    question = asked(picture(1))
    keeper = KeptPhotos(tmp_path, 5)
    keeper.offer(replace(question, outputs={**question.outputs, "heatmap": np.zeros((1, 2000, 2000))}))
    keeper.wait_until_kept()
    keeper.close()
    assert set(taken[0].answers) == {"classes", "probabilities", "threshold"}


def test_of_two_servers_on_one_folder_the_first_keeps_photos(tmp_path, caplog):
    first, second = KeptPhotos(tmp_path, 3), KeptPhotos(tmp_path, 3)
    for keeper, number in ((first, 1), (second, 2), (second, 3), (first, 4)):
        keeper.offer(asked(picture(number)))
        keeper.wait_until_kept()
    assert len(read_asked(tmp_path, "toy")) == 2
    assert sum("another server" in record.message for record in caplog.records) == 1
    first.close()
    second.offer(asked(picture(5)))
    second.wait_until_kept()
    second.close()
    assert len(read_asked(tmp_path, "toy")) == 3


def test_a_models_name_leads_to_no_other_folder(tmp_path):
    assert folder_of(tmp_path, "../x/y").parent == tmp_path
    assert folder_of(tmp_path, "..").parent == tmp_path
    assert folder_of(tmp_path, "..").name != ".."
    assert read_asked(tmp_path, "..") == []


def test_a_note_of_another_form_is_left_out(tmp_path):
    [photo] = kept(tmp_path, asked(picture(1)))
    note = folder_of(tmp_path, "toy") / f"{photo.sha256}.json"
    note.write_text(json.dumps({"sha256": photo.sha256}))
    assert read_asked(tmp_path, "toy") == []


def test_nothing_is_kept_unless_it_is_asked_for():
    flags = parse_flags(["--model_base_path=m"])
    assert (flags.kept_photos, flags.kept_photos_folder) == (0, None)


def test_a_number_without_a_folder_is_refused(capsys):
    assert main(["--model_base_path=m", "--kept_photos=5"]) == 2
    assert "--kept_photos_folder" in capsys.readouterr().err
