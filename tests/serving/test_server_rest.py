"""Real HTTP against the REST API."""

import base64
import json
import threading
from collections.abc import Callable, Iterator

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf

from serving.modelserver import rest_server
from serving.modelserver.errors import RequestError
from serving.modelserver.rest import Answer
from serving.modelserver.rest_json import answer_in_json, parse_body, tensors_from_json
from serving.modelserver.savedmodel import Signature


@pytest.fixture(scope="module")
def client(model_server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=model_server.rest_url, timeout=20) as client:
        yield client


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


def test_status_of_a_model_and_of_a_version(client):
    expected = {
        "model_version_status": [
            {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ]
    }
    assert client.get("/v1/models/toy").json() == expected
    assert client.get("/v1/models/toy/versions/1").json() == expected


def test_metadata_shows_the_signatures(client):
    answer = client.get("/v1/models/toy/metadata").json()
    assert answer["model_spec"] == {"name": "toy", "signature_name": "", "version": "1"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "predict_bytes", "explain"}
    assert signatures["predict_bytes"]["inputs"]["image_bytes"]["dtype"] == "DT_STRING"


def test_rows_are_answered_row_by_row(client, make_photo):
    photos = [make_photo(200, 30, 30), make_photo(30, 200, 30)]
    body = {"signature_name": "predict_bytes", "instances": [{"image_bytes": b64(photo)} for photo in photos]}
    answer = client.post("/v1/models/toy:predict", json=body)
    assert answer.status_code == 200
    rows = answer.json()["predictions"]
    assert [set(row) for row in rows] == [{"probabilities", "classes", "threshold"}] * 2
    assert rows[0]["classes"] == ["cracked", "intact", "stained"]
    bare = client.post("/v1/models/toy:predict", json=body | {"instances": [b64(photo) for photo in photos]})
    assert bare.json() == answer.json()


def test_columns_are_answered_in_columns(client, make_photo):
    body = {
        "signature_name": "explain",
        "inputs": {"image_bytes": [b64(make_photo(9, 9, 200))], "class_index": [1], "ignored": 1},
    }
    outputs = client.post("/v1/models/toy/versions/1:predict", json=body).json()["outputs"]
    assert outputs["class_index"] == [1]
    assert np.shape(outputs["heatmap"]) == (1, 8, 8)


def test_rest_and_the_loaded_model_agree_to_the_last_bit(client, model_server):
    pixels = np.random.default_rng(1).integers(0, 256, (2, 6, 6, 3), dtype=np.uint8)
    answer = client.post("/v1/models/toy:predict", json={"instances": pixels.tolist()}).json()["predictions"]
    direct = tf.saved_model.load(str(model_server.base_path / "1")).signatures["serving_default"](images=pixels)
    np.testing.assert_array_equal(np.float32([row["probabilities"] for row in answer]), direct["probabilities"].numpy())


@pytest.mark.parametrize(
    ("body", "message"),
    (
        (b"{", "JSON Parse error"),
        (b"[" * 100_000, "JSON Parse error"),
        (b"[1]", "must be a JSON object"),
        (b"{}", "either 'instances' or 'inputs'"),
        (b'{"instances": [1], "inputs": [1]}', "either 'instances' or 'inputs'"),
        (b'{"instances": []}', "at least one row"),
        (b'{"instances": {"images": 1}}', "at least one row"),
        (b'{"instances": [1], "signature_name": 3}', "must be a string"),
        (b'{"instances": [1], "signature_name": "nonsense"}', "not found"),
        (b'{"signature_name": "explain", "instances": ["x"]}', "each needs its name"),
        (b'{"signature_name": "explain", "inputs": {"image_bytes": ["x"]}}', "Missing 'inputs': class_index"),
        (b'{"signature_name": "predict_bytes", "instances": [{"image_bytes": "x", "more": 1}]}', "Sent extra: {more}"),
        (b'{"signature_name": "predict_bytes", "instances": [{"image_bytes": "x"}, "x"]}', "mixes objects"),
        (b'{"signature_name": "predict_bytes", "instances": [3]}', "int does not pass for string"),
        (b'{"signature_name": "predict_bytes", "instances": [{"b64": "%"}]}', "not base64"),
        (b'{"signature_name": "predict_bytes", "instances": ["no photo"]}', "not a JPEG or PNG photo"),
        (b'{"signature_name": "predict_bytes", "inputs": "scalar"}', "expects shape [-1]"),
        (b'{"instances": [[[[1, 2, 3.5]]]]}', "float does not pass for uint8"),
        (b'{"instances": [[[[1, 2, "3"]]]]}', "str does not pass for uint8"),
        (b'{"instances": [[[[1, 2, true]]]]}', "bool does not pass for uint8"),
        (b'{"instances": [[[[1, 2, 300]]]]}', "does not fit uint8"),
        (b'{"instances": [[[[1, 2, 3]]], [[[1, 2]]]]}', "differ in length or depth"),
        (b'{"instances": [[[[1, 2, 3], 4]]]}', "differ in length or depth"),
    ),
)
def test_a_body_that_does_not_fit_is_refused(client, body, message):
    answer = client.post("/v1/models/toy:predict", content=body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    (
        ("GET", "/v1/models/other", 404),
        ("GET", "/v1/models/toy/versions/7", 404),
        ("GET", "/v1/models/toy/labels/nobody", 400),
        ("GET", "/v1/models/toy/versions/seven", 400),
        ("GET", "/v1/models/toy:predict", 400),
        ("POST", "/v1/models/toy", 400),
        ("POST", "/v1/models/other:predict", 404),
        ("POST", "/v1/models/toy:classify", 501),
        ("DELETE", "/v1/models/toy", 400),
        ("GET", "/v1/nonsense", 400),
        ("GET", "/nonsense", 404),
    ),
)
def test_paths_and_methods_that_lead_nowhere(client, method, path, status):
    answer = client.request(method, path, content=b'{"instances": [1]}' if method == "POST" else None)
    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize("number", (str(2**63), "9" * 5000))
def test_a_version_beyond_int64_is_refused_without_a_body(client, number):
    answer = client.get(f"/v1/models/toy/versions/{number}")
    assert (answer.status_code, answer.content) == (400, b"")


def test_paths_ignore_case(client):
    assert client.get("/V1/MODELS/toy/METADATA").status_code == 200


def test_health_paths_answer(client):
    assert client.get("/v2/health/live").status_code == 200
    assert client.get("/v2/health/ready").status_code == 200


def test_a_body_beyond_the_limit_is_refused_unread(client, monkeypatch):
    monkeypatch.setattr(rest_server, "MAX_BODY_BYTES", 10)
    answer = client.post("/v1/models/toy:predict", content=b"x" * 11)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


def test_a_body_without_a_length_is_refused(client):
    answer = client.post("/v1/models/toy:predict", content=iter([b"chunk"]))
    assert answer.status_code == 411


class SlowApi:
    """Answers when a test lets it."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def answer(self, *_: object) -> Answer:
        self.asked.set()
        self.let_go.wait(30)
        return Answer(200, b"{}")


def asked_slowly(free_port: Callable[[], int], answers: list[object]) -> tuple[SlowApi, rest_server.RestServer]:
    """A server that is at work on a request, whose status or failure goes into `answers`."""
    api, port = SlowApi(), free_port()
    server = rest_server.RestServer("127.0.0.1", port, api)
    server.start()

    def ask() -> None:
        try:
            answers.append(httpx.get(f"http://127.0.0.1:{port}/", timeout=30).status_code)
        except httpx.HTTPError as error:
            answers.append(error)

    threading.Thread(target=ask).start()
    assert api.asked.wait(20)
    return api, server


def test_a_request_under_way_ends_before_the_server_has_stopped(free_port):
    api, server = asked_slowly(free_port, answers := [])
    stopping = threading.Thread(target=server.stop, args=(30,))
    stopping.start()
    stopping.join(0.3)
    assert stopping.is_alive()
    api.let_go.set()
    stopping.join(20)
    assert not stopping.is_alive()
    assert eventually_one(answers) == 200


def test_a_request_that_does_not_end_keeps_no_server_alive(free_port):
    api, server = asked_slowly(free_port, answers := [])
    server.stop(0.01)
    assert not answers
    api.let_go.set()
    assert eventually_one(answers) == 200


def eventually_one(answers: list[object]) -> object:
    pause = threading.Event()
    for _ in range(2000):
        if answers:
            return answers[0]
        pause.wait(0.01)
    return None


def signature_of(**inputs: tf.TensorSpec) -> Signature:
    return Signature("toy", definition=None, inputs=inputs, outputs={}, call=lambda **tensors: tensors)


def test_whole_numbers_pass_for_floats():
    signature = signature_of(x=tf.TensorSpec([None], tf.float32))
    tensors = tensors_from_json(parse_body(b'{"inputs": {"x": [1, 2.5]}}'), signature)
    np.testing.assert_array_equal(tensors["x"].numpy(), np.float32([1, 2.5]))


def test_floats_print_as_the_shortest_text_that_reads_back_the_same():
    answer = answer_in_json({"x": np.float32([0.1, 1, 1 / 3, np.nan, np.inf])}, in_rows=False)
    assert json.dumps(answer) == '{"outputs": [0.1, 1.0, 0.33333334, NaN, Infinity]}'


def test_outputs_named_bytes_are_wrapped_as_base64():
    pictures = np.array([b"\x89PNG"], dtype=object)
    assert answer_in_json({"overlay_png_bytes": pictures}, in_rows=True) == {"predictions": [b64(b"\x89PNG")]}


def test_rows_need_a_common_batch_dimension():
    with pytest.raises(RequestError, match="no batch dimension") as caught:
        answer_in_json({"a": np.float32([1, 2]), "b": np.float32([1])}, in_rows=True)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
