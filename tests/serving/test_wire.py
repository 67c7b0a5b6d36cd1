"""Our messages against TensorFlow Serving's own: written by one, read by the other."""

import os
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from google.protobuf.message import Message

from serving.wire import predict_pb2 as wire
from serving.wire.tensors import int32_tensor, string_tensor, to_array

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import get_model_status_pb2, model_management_pb2, model_pb2, predict_pb2, status_pb2
from tensorflow_serving.config import file_system_storage_path_source_pb2, model_server_config_pb2

PREDICT_REQUEST = """
model_spec { name: "demo" version { value: 12 } signature_name: "explain" }
inputs { key: "image_bytes" value {
  dtype: DT_STRING tensor_shape { dim { size: 2 name: "n" } } string_val: "\\377\\330\\000" string_val: "" } }
inputs { key: "class_index" value { dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: -1 int_val: 3 } }
output_filter: "probabilities"
"""
PREDICT_RESPONSE = """
model_spec { name: "demo" version { value: 9007199254740993 } signature_name: "predict_bytes" }
outputs { key: "a" value { dtype: DT_FLOAT tensor_shape { dim { size: 2 } } float_val: 0.25 float_val: 0.75 } }
outputs { key: "b" value { dtype: DT_FLOAT tensor_shape { unknown_rank: true } tensor_content: "\\000\\000\\200?" } }
outputs { key: "c" value { dtype: DT_DOUBLE double_val: 0.1 } }
outputs { key: "d" value { dtype: DT_INT64 int64_val: -5 } }
outputs { key: "e" value { dtype: DT_BOOL bool_val: true version_number: 1 } }
"""
STATUS_RESPONSE = """
model_version_status { version: 3 state: END status { error_code: 9 error_message: "no such file" } }
model_version_status { version: 4 state: AVAILABLE status { } }
model_version_status { version: 5 state: START }
model_version_status { version: 6 state: LOADING }
model_version_status { version: 7 state: UNLOADING }
"""
CONFIG = """
model_config_list {
  config {
    name: "demo" base_path: "/models/demo" model_platform: "tensorflow"
    model_version_policy { specific { versions: 3 versions: 12 } }
    version_labels { key: "stable" value: 3 } version_labels { key: "canary" value: 12 }
  }
  config { name: "b" base_path: "/b" model_version_policy { latest { num_versions: 2 } } }
  config { name: "c" base_path: "/c" model_version_policy { all { } } }
}
"""
_POLICY = file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy

MESSAGES = [
    (wire.PredictRequest, predict_pb2.PredictRequest, PREDICT_REQUEST),
    (wire.PredictResponse, predict_pb2.PredictResponse, PREDICT_RESPONSE),
    (wire.ModelSpec, model_pb2.ModelSpec, 'name: "demo" version_label: "stable"'),
    (wire.TensorProto, tf.make_tensor_proto(0).__class__, "dtype: DT_UINT8 int_val: 7"),
    (wire.StatusProto, status_pb2.StatusProto, 'error_code: 5 error_message: "gone"'),
    (wire.GetModelStatusRequest, get_model_status_pb2.GetModelStatusRequest, 'model_spec { name: "demo" }'),
    (wire.GetModelStatusResponse, get_model_status_pb2.GetModelStatusResponse, STATUS_RESPONSE),
    (wire.ServableVersionPolicy, _POLICY, "specific { versions: 1 }"),
    (wire.ModelServerConfig, model_server_config_pb2.ModelServerConfig, CONFIG),
    (wire.ReloadConfigRequest, model_management_pb2.ReloadConfigRequest, f"config {{ {CONFIG} }}"),
    (wire.ReloadConfigResponse, model_management_pb2.ReloadConfigResponse, "status { error_code: 3 }"),
]


def as_theirs(text: str) -> str:
    """TensorFlow's error codes are an enum there, a plain number here."""
    for number, name in {9: "FAILED_PRECONDITION", 5: "NOT_FOUND", 3: "INVALID_ARGUMENT"}.items():
        text = text.replace(f"error_code: {number}", f"error_code: {name}")
    return text


@pytest.mark.parametrize(("ours", "theirs", "text"), MESSAGES, ids=[row[0].__name__ for row in MESSAGES])
def test_each_side_reads_what_the_other_writes(ours: type[Message], theirs: type[Message], text: str) -> None:
    our_message = text_format.Parse(text, ours())
    their_message = text_format.Parse(as_theirs(text), theirs())
    assert our_message.ByteSize()
    assert theirs.FromString(our_message.SerializeToString()) == their_message
    assert ours.FromString(their_message.SerializeToString()) == our_message


@pytest.mark.parametrize(("ours", "theirs"), [row[:2] for row in MESSAGES], ids=[row[0].__name__ for row in MESSAGES])
def test_every_field_has_the_number_and_kind_of_the_original(ours: type[Message], theirs: type[Message]) -> None:
    their_fields = {f.name: (f.number, f.is_repeated) for f in theirs.DESCRIPTOR.fields}
    for field in ours.DESCRIPTOR.fields:
        assert their_fields[field.name] == (field.number, field.is_repeated)


def test_states_and_dtypes_have_the_numbers_of_the_originals() -> None:
    assert dict(wire.DataType.items()).items() <= dict(types_pb2.DataType.items()).items()
    assert dict(wire.ModelVersionStatus.State.items()) == dict(get_model_status_pb2.ModelVersionStatus.State.items())


ARRAYS: list[Any] = [
    np.array([[0.1, 0.9], [1e-30, 1]], dtype=np.float32),
    np.array([[0.1, 0.9]], dtype=np.float64),
    np.array([-1, 2**31 - 1], dtype=np.int32),
    np.array([0, 200, 255], dtype=np.uint8),
    np.array([-(2**62), 5], dtype=np.int64),
    np.array([True, False]),
    np.array([[b"crack", b""], ["Gewölbe".encode(), b"x" * 300]], dtype=object),
    np.zeros((0, 3), dtype=np.float32),
    np.float32(0.5),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{np.asarray(array).dtype}{np.asarray(array).shape}")
@pytest.mark.parametrize("packed", (True, False), ids=["packed", "typed"])
def test_arrays_come_back_from_both_ways_to_write_a_tensor(array: Any, packed: bool) -> None:
    array = np.asarray(array)
    written = tf.io.serialize_tensor(tf.constant(array)).numpy() if packed else typed_fields(array).SerializeToString()
    result = to_array(wire.TensorProto.FromString(written))
    assert result.shape == array.shape
    assert result.dtype == array.dtype
    assert np.array_equal(result, array)


def typed_fields(array: np.ndarray) -> Any:
    proto = tf.make_tensor_proto(array)
    field = {"f4": "float_val", "f8": "double_val", "i8": "int64_val", "b1": "bool_val", "O": "string_val"}.get(
        array.dtype.str.lstrip("<|"), "int_val"
    )
    proto.ClearField("tensor_content")
    proto.ClearField(field)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto


def test_short_typed_fields_are_filled_with_their_last_value_as_tensorflow_fills_them() -> None:
    shape = wire.TensorShapeProto(dim=[wire.TensorShapeProto.Dim(size=4)])
    for proto in (
        wire.TensorProto(dtype=wire.DT_FLOAT, tensor_shape=shape, float_val=[1, 2]),
        wire.TensorProto(dtype=wire.DT_INT32, tensor_shape=shape),
        wire.TensorProto(dtype=wire.DT_STRING, tensor_shape=shape, string_val=[b"a"]),
    ):
        serialised = proto.SerializeToString()
        out_type = tf.dtypes.as_dtype(proto.dtype)
        assert to_array(proto).tolist() == tf.io.parse_tensor(serialised, out_type).numpy().tolist()


@pytest.mark.parametrize(
    "proto",
    (
        wire.TensorProto(dtype=wire.DT_INVALID),
        wire.TensorProto.FromString(b"\x08\x13"),  # DT_HALF, which no output of the contract has
        wire.TensorProto(dtype=wire.DT_FLOAT, tensor_content=b"12345"),
        wire.TensorProto(dtype=wire.DT_FLOAT, float_val=[1, 2, 3]),
        wire.TensorProto(dtype=wire.DT_STRING, tensor_content=b"\x05abc"),
        wire.TensorProto(dtype=wire.DT_STRING, tensor_content=b"\xff"),
    ),
    ids=["invalid", "half", "content length", "too many", "string bytes", "string lengths"],
)
def test_values_that_do_not_fit_their_shape_are_refused(proto: wire.TensorProto) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        to_array(proto)


def test_what_the_client_writes_is_what_tensorflow_reads() -> None:
    photos = [b"\xff\xd8", b""]
    written = string_tensor(photos).SerializeToString()
    assert tf.io.parse_tensor(written, tf.string).numpy().tolist() == photos
    assert tf.io.parse_tensor(int32_tensor([-1, 4]).SerializeToString(), tf.int32).numpy().tolist() == [-1, 4]
