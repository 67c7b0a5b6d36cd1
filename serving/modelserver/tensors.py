"""TensorProto to tensors and back, as TensorFlow's own runtime reads them and TensorFlow Serving writes them."""

import math

import grpc
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2

from serving.modelserver.errors import RequestError, invalid

MAX_TENSOR_BYTES = 256 * 1024 * 1024
"""A short message may declare an enormous tensor, since one value stands for all that follow it."""

_STRING_BYTES = 24  # what a string occupies in a tensor, beside its content
_UNKNOWN_SIZE = -1

_TYPED_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int8: "int_val",
    tf.int16: "int_val",
    tf.int32: "int_val",
    tf.uint8: "int_val",
    tf.uint16: "int_val",
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}


def parse_tensor(name: str, proto: tensor_pb2.TensorProto, spec: tf.TensorSpec) -> tf.Tensor:
    """Read a tensor that a client sent.

    Args:
        name: of the input, for messages.
        proto: as it came; shorter value lists are filled with their last value, as the runtime does.
        spec: dtype and shape that the signature declares.

    Raises:
        RequestError: INVALID_ARGUMENT when dtype, rank, sizes or content do not fit, RESOURCE_EXHAUSTED when the
            declared shape is larger than any request may be.
    """
    if proto.dtype != spec.dtype.as_datatype_enum:
        raise invalid(f"Input {name!r}: expects {spec.dtype.name}, but {_dtype_name(proto.dtype)} was sent")
    sizes = _sizes(name, proto.tensor_shape)
    check_shape(name, sizes, spec.shape)
    value_bytes = _STRING_BYTES if spec.dtype == tf.string else spec.dtype.size
    if math.prod(sizes) * value_bytes > MAX_TENSOR_BYTES:
        raise RequestError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"Input {name!r}: shape {sizes} takes more than {MAX_TENSOR_BYTES:,} bytes",
        )
    try:
        return tf.io.parse_tensor(proto.SerializeToString(), spec.dtype)
    except tf.errors.InvalidArgumentError:
        raise invalid(f"Input {name!r}: the values do not fit dtype {spec.dtype.name} and shape {sizes}") from None


def check_shape(name: str, sizes: list[int], expected: tf.TensorShape) -> None:
    """Compare a shape with what a signature declares.

    Raises:
        RequestError: INVALID_ARGUMENT when the rank or a fixed size differs.
    """
    if expected.rank is None:
        return
    declared = [_UNKNOWN_SIZE if size is None else size for size in expected.as_list()]
    fits = len(sizes) == len(declared) and all(d in (_UNKNOWN_SIZE, s) for s, d in zip(sizes, declared, strict=True))
    if not fits:
        raise invalid(f"Input {name!r}: expects shape {declared} (-1 = any), but {sizes} was sent")


def write_tensor(values: npt.NDArray[np.generic], dtype: tf.DType, proto: tensor_pb2.TensorProto) -> None:
    """Write an array into a TensorProto's typed field (`float_val`, `string_val`, ...).

    Args:
        values: any shape; strings as an object array of bytes.
        dtype: on the wire.
        proto: filled in place; empty before.
    """
    proto.dtype = dtype.as_datatype_enum
    for size in values.shape:
        proto.tensor_shape.dim.add(size=size)
    field = _TYPED_FIELDS.get(dtype)
    if field is not None:
        getattr(proto, field).extend(values.ravel().tolist())
    else:
        proto.MergeFrom(tf.make_tensor_proto(values, dtype, values.shape))


def _dtype_name(number: int) -> str:
    try:
        return str(tf.dtypes.as_dtype(number).name)
    except TypeError:
        return f"unknown dtype {number}"


def _sizes(name: str, shape: tensor_shape_pb2.TensorShapeProto) -> list[int]:
    sizes = [dimension.size for dimension in shape.dim]
    if shape.unknown_rank or any(size < 0 for size in sizes):
        raise invalid(f"Input {name!r}: a sent tensor needs a known shape")
    return sizes
