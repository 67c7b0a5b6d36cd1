"""Real gRPC calls with TensorFlow Serving's own stubs."""

from collections.abc import Callable, Iterator

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

AVAILABLE = get_model_status_pb2.ModelVersionStatus.State.AVAILABLE


@pytest.fixture(scope="module")
def channel(model_server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(model_server.grpc_address, options=[("grpc.max_send_message_length", -1)]) as channel:
        yield channel


@pytest.fixture(scope="module")
def predictions(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def models(channel):
    return model_service_pb2_grpc.ModelServiceStub(channel)


def predict_request(signature="", name="toy", **inputs) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(value if hasattr(value, "tensor_shape") else tf.make_tensor_proto(value))
    return request


def refusal(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details()


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_predict_answers_what_the_loaded_model_answers(predictions, model_server):
    pixels = images(3, 20, 24, 3)
    answer = predictions.Predict(predict_request(images=pixels), timeout=20)
    direct = tf.saved_model.load(str(model_server.base_path / "1")).signatures["serving_default"](images=pixels)
    assert set(answer.outputs) == {"probabilities", "classes", "threshold"}
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["probabilities"]), direct["probabilities"].numpy())
    assert list(answer.outputs["classes"].string_val) == [b"cracked", b"intact", b"stained"] * 3


def test_an_answer_names_the_model_the_version_and_the_signature_really_used(predictions):
    answer = predictions.Predict(predict_request(images=images(1, 8, 8, 3)), timeout=20)
    assert answer.model_spec.name == "toy"
    assert answer.model_spec.version.value == 1
    assert answer.model_spec.signature_name == "serving_default"


def test_outputs_come_in_typed_fields(predictions, make_photo):
    request = predict_request("explain", image_bytes=[make_photo(200, 90, 80)], class_index=[-1])
    outputs = predictions.Predict(request, timeout=20).outputs
    assert not any(output.tensor_content for output in outputs.values())
    assert len(outputs["heatmap"].float_val) == 64
    assert list(outputs["class_index"].int_val) == [0]
    assert outputs["class_index"].dtype == tf.int32.as_datatype_enum


def test_photos_as_bytes_are_answered_and_explained(predictions, make_photo):
    photos = [make_photo(220, 40, 40), make_photo(30, 200, 30, format="JPEG")]
    answer = predictions.Predict(predict_request("explain", image_bytes=photos, class_index=[-1, 2]), timeout=20)
    assert list(answer.outputs["class_index"].int_val) == [0, 2]
    plain = predictions.Predict(predict_request("predict_bytes", image_bytes=photos), timeout=20)
    assert list(plain.outputs["probabilities"].float_val) == list(answer.outputs["probabilities"].float_val)


def test_a_short_value_list_is_filled_with_its_last_value(predictions):
    short = tf.make_tensor_proto(np.zeros(0, np.uint8), dtype=tf.uint8, shape=[0])
    del short.tensor_shape.dim[:]
    for size in (1, 4, 4, 3):
        short.tensor_shape.dim.add(size=size)
    short.int_val.append(7)
    full = predictions.Predict(predict_request(images=np.full((1, 4, 4, 3), 7, np.uint8)), timeout=20)
    filled = predictions.Predict(predict_request(images=short), timeout=20)
    assert filled.outputs["probabilities"] == full.outputs["probabilities"]


def test_an_output_filter_returns_the_outputs_it_names(predictions):
    request = predict_request(images=images(1, 8, 8, 3))
    request.output_filter.append("threshold")
    assert set(predictions.Predict(request, timeout=20).outputs) == {"threshold"}


@pytest.mark.parametrize(
    ("wanted", "message"), ((["nonsense"], "nonsense"), (["threshold", "threshold"], "duplicate output"))
)
def test_an_output_filter_that_does_not_fit_is_refused(predictions, wanted, message):
    request = predict_request(images=images(1, 8, 8, 3))
    request.output_filter.extend(wanted)
    code, details = refusal(lambda: predictions.Predict(request, timeout=20))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert message in details


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    (
        ("predict_bytes", {}, "Missing but required: {image_bytes}"),
        ("predict_bytes", {"image_bytes": [b""], "more": [1]}, "Sent extra: {more}"),
        ("predict_bytes", {"photo": [b""]}, "alias not found in signature: photo"),
        ("predict_bytes", {"image_bytes": [1]}, "expects string, but int32 was sent"),
        ("predict_bytes", {"image_bytes": b"scalar"}, "expects shape [-1] (-1 = any), but [] was sent"),
        ("", {"images": np.zeros((1, 8, 8, 4), np.uint8)}, "expects shape [-1, -1, -1, 3]"),
        ("", {"images": np.zeros((8, 8, 3), np.uint8)}, "but [8, 8, 3] was sent"),
        ("", {"images": np.zeros((1, 8, 8, 3), np.float32)}, "expects uint8, but float32 was sent"),
        ("predict_bytes", {"image_bytes": [b"no photo at all"]}, "not a JPEG or PNG photo"),
        ("predict_bytes", {"image_bytes": [b"\xff\xd8 cut"]}, ""),
    ),
)
def test_inputs_that_do_not_fit_are_refused_before_or_by_the_model(predictions, signature, inputs, message):
    code, details = refusal(lambda: predictions.Predict(predict_request(signature, **inputs), timeout=20))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert message in details
    assert len(details) <= 1024


def test_an_index_beyond_the_classes_is_refused(predictions, make_photo):
    request = predict_request("explain", image_bytes=[make_photo(1, 2, 3)], class_index=[3])
    code, details = refusal(lambda: predictions.Predict(request, timeout=20))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "beyond the last class" in details


def test_content_that_contradicts_its_shape_is_refused(predictions):
    torn = tf.make_tensor_proto(np.zeros((1, 4, 4, 3), np.uint8))
    torn.tensor_content = torn.tensor_content[:-1]
    code, details = refusal(lambda: predictions.Predict(predict_request(images=torn), timeout=20))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "do not fit" in details


def test_a_tiny_message_cannot_claim_an_enormous_tensor(predictions):
    bomb = tf.make_tensor_proto(np.zeros((1, 1, 1, 3), np.uint8))
    bomb.ClearField("tensor_content")
    bomb.int_val.append(1)
    bomb.tensor_shape.dim[1].size = bomb.tensor_shape.dim[2].size = 100_000
    code, _ = refusal(lambda: predictions.Predict(predict_request(images=bomb), timeout=20))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("change", ("negative", "unknown_rank"))
def test_a_tensor_without_a_known_shape_is_refused(predictions, change):
    request = predict_request(images=images(1, 2, 2, 3))
    if change == "negative":
        request.inputs["images"].tensor_shape.dim[0].size = -1
    else:
        request.inputs["images"].tensor_shape.unknown_rank = True
    code, details = refusal(lambda: predictions.Predict(request, timeout=20))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "known shape" in details


def test_bytes_that_are_no_request_are_refused_as_the_clients_fault(channel):
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    code, details = refusal(lambda: call(b"\xff\xff\xff", timeout=20))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "not a tensorflow.serving.PredictRequest" in details


def test_what_the_model_refuses_is_said_first(predictions):
    request = predict_request("predict_bytes", image_bytes=[b"no photo at all"])
    assert refusal(lambda: predictions.Predict(request, timeout=20))[1].startswith("assertion failed: [not a JPEG")


def test_an_unknown_signature_is_a_failed_precondition(predictions):
    code, details = refusal(lambda: predictions.Predict(predict_request("nonsense"), timeout=20))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert '"nonsense" not found' in details


def test_a_request_without_a_model_name_is_refused(predictions):
    code, _ = refusal(lambda: predictions.Predict(predict_pb2.PredictRequest(), timeout=20))
    assert code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("name", "version", "label", "code", "message"),
    (
        ("other", None, None, grpc.StatusCode.NOT_FOUND, "Latest(other)"),
        ("other", 2, None, grpc.StatusCode.NOT_FOUND, "Specific(other, 2)"),
        ("toy", 9, None, grpc.StatusCode.NOT_FOUND, "Specific(toy, 9)"),
        ("toy", None, "nobody", grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized servable version label: nobody"),
    ),
)
def test_unknown_models_versions_and_labels(predictions, name, version, label, code, message):
    request = predict_request(name=name, images=images(1, 8, 8, 3))
    if version is not None:
        request.model_spec.version.value = version
    if label is not None:
        request.model_spec.version_label = label
    answer = refusal(lambda: predictions.Predict(request, timeout=20))
    assert answer[0] is code
    assert message in answer[1]


def test_metadata_tells_the_three_signatures(predictions):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "toy"
    answer = predictions.GetModelMetadata(request, timeout=20)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def) == {"serving_default", "predict_bytes", "explain"}
    assert answer.model_spec.version.value == 1


@pytest.mark.parametrize("fields", ([], ["weights"]))
def test_metadata_needs_a_field_that_exists(predictions, fields):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = "toy"
    code, _ = refusal(lambda: predictions.GetModelMetadata(request, timeout=20))
    assert code is grpc.StatusCode.INVALID_ARGUMENT


def test_the_status_of_a_served_model_is_available(models):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "toy"
    (status,) = models.GetModelStatus(request, timeout=20).model_version_status
    assert (status.version, status.state, status.status.error_code) == (1, AVAILABLE, 0)


@pytest.mark.parametrize(("name", "version"), (("other", None), ("toy", 5)))
def test_the_status_of_what_does_not_exist_is_not_found(models, name, version):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    assert refusal(lambda: models.GetModelStatus(request, timeout=20))[0] is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize(
    ("call", "request_type"),
    (
        ("Classify", classification_pb2.ClassificationRequest),
        ("Regress", regression_pb2.RegressionRequest),
        ("MultiInference", inference_pb2.MultiInferenceRequest),
    ),
)
def test_calls_over_examples_are_unimplemented(predictions, call, request_type):
    code, _ = refusal(lambda: getattr(predictions, call)(request_type(), timeout=20))
    assert code is grpc.StatusCode.UNIMPLEMENTED


def test_a_photo_of_twenty_megabytes_passes(predictions):
    pixels = np.zeros((1, 2500, 2700, 3), np.uint8)
    assert pixels.nbytes > 20_000_000
    assert predictions.Predict(predict_request(images=pixels), timeout=30).outputs["probabilities"].float_val
