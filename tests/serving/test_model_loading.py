"""What a version has to pass before it serves: manifest, load, warm-up."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from serving.modelserver.errors import RequestError
from serving.modelserver.loading import WARMUP_FILE, load_version
from serving.modelserver.manifest import MANIFEST


@pytest.fixture
def version(toy_model_base) -> Path:
    return toy_model_base("toy", versions=(1,)) / "1"


def write_manifest(version: Path) -> None:
    files = [path for path in version.rglob("*") if path.is_file()]
    sums = {path.relative_to(version).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    (version / MANIFEST).write_text(json.dumps({"files": sums}))


def write_warmup(version: Path, records: list[bytes]) -> None:
    path = version / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def predict_log(signature: str, **inputs: object) -> bytes:
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    ).SerializeToString()


def test_a_version_without_a_manifest_loads(version):
    assert set(load_version(version, warm_up=True).signatures) == {"serving_default", "predict_bytes", "explain"}


def test_a_version_that_matches_its_manifest_loads(version):
    write_manifest(version)
    assert load_version(version, warm_up=True).signatures


def change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


VARIABLES = "variables/variables.data-00000-of-00001"


@pytest.mark.parametrize(
    ("damage", "message"),
    (
        (lambda version: change(version / VARIABLES), "data-00000-of-00001 has another SHA-256"),
        (lambda version: (version / "fingerprint.pb").unlink(), "fingerprint.pb is missing"),
        (lambda version: (version / "more.txt").write_text("x"), "more.txt is not in the manifest"),
        (lambda version: (version / MANIFEST).write_text("{"), "cannot be read"),
        (lambda version: (version / MANIFEST).write_text("[]"), 'has no "files"'),
        (lambda version: (version / MANIFEST).write_text('{"files": {"../x": "0"}}'), "outside the version folder"),
    ),
)
def test_a_version_that_differs_from_its_manifest_is_refused(version, damage, message):
    write_manifest(version)
    damage(version)
    with pytest.raises(RequestError, match="manifest failed") as caught:
        load_version(version, warm_up=True)
    assert message in caught.value.message


@pytest.mark.parametrize(
    "damage",
    (
        lambda version: (version / "saved_model.pb").unlink(),
        lambda version: (version / "saved_model.pb").write_bytes(b""),
        lambda version: (version / "saved_model.pb").write_bytes((version / "saved_model.pb").read_bytes()[:-200]),
        lambda version: (version / VARIABLES).unlink(),
        lambda version: (version / VARIABLES).write_bytes((version / VARIABLES).read_bytes()[:-20]),
        lambda version: change(version / VARIABLES),
    ),
    ids=["no pb", "empty pb", "cut pb", "no variables", "cut variables", "changed variables"],
)
def test_damage_is_refused_without_a_manifest_too(version, damage):
    damage(version)
    with pytest.raises(RequestError, match="load failed"):
        load_version(version, warm_up=True)


def test_warm_up_records_are_replayed(version, make_photo, caplog):
    record = predict_log("explain", image_bytes=[make_photo(1, 2, 3)], class_index=[-1])
    write_warmup(version, [record, record])
    with caplog.at_level("INFO"):
        load_version(version, warm_up=True)
    assert "2 warm-up records" in caplog.text


@pytest.mark.parametrize(
    ("records", "message"),
    (
        (lambda: [predict_log("predict_bytes", image_bytes=[b"no photo"])], "not a JPEG or PNG photo"),
        (lambda: [predict_log("nonsense")], "nonsense"),
        (lambda: [prediction_log_pb2.PredictionLog().SerializeToString()], "not predict_log"),
        (lambda: [b"\xff\xff\xff"], ""),
    ),
)
def test_a_failing_warm_up_record_refuses_the_version(version, records: Callable[[], list[bytes]], message):
    write_warmup(version, records())
    with pytest.raises(RequestError, match="warm-up failed") as caught:
        load_version(version, warm_up=True)
    assert message in caught.value.message
    assert load_version(version, warm_up=False)


def test_a_warm_up_file_that_is_no_record_file_refuses_the_version(version):
    write_warmup(version, [])
    (version / WARMUP_FILE).write_bytes(b"not a record file")
    with pytest.raises(RequestError, match="warm-up failed") as caught:
        load_version(version, warm_up=True)
    assert caught.value.code is grpc.StatusCode.DATA_LOSS
