"""Tensors of the wire to and from numpy arrays."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.wire import predict_pb2 as wire

_NUMPY_TYPES: dict[wire.DataType, type[np.generic]] = {
    wire.DT_FLOAT: np.float32,
    wire.DT_DOUBLE: np.float64,
    wire.DT_INT32: np.int32,
    wire.DT_UINT8: np.uint8,
    wire.DT_INT64: np.int64,
    wire.DT_BOOL: np.bool_,
}


def string_tensor(values: Sequence[bytes]) -> wire.TensorProto:
    """A string tensor of shape (n,)."""
    return wire.TensorProto(dtype=wire.DT_STRING, tensor_shape=_shape(len(values)), string_val=values)


def int32_tensor(values: Sequence[int]) -> wire.TensorProto:
    """An int32 tensor of shape (n,)."""
    return wire.TensorProto(dtype=wire.DT_INT32, tensor_shape=_shape(len(values)), int_val=values)


def to_array(tensor: wire.TensorProto) -> NDArray[Any]:
    """Values of a tensor, whether the server packed them into bytes or wrote them into typed fields.

    Typed fields may hold fewer values than the shape asks for; the last one then stands for the rest, and none at all
    for zeros.

    Returns:
        An array of the tensor's shape and dtype; strings as an object array of bytes.

    Raises:
        ValueError: the dtype is none of those above, or values and shape do not fit.
    """
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.dtype == wire.DT_STRING:
        content = tensor.tensor_content
        strings = _packed_strings(content, math.prod(shape)) if content else list(tensor.string_val)
        return _filled(np.array(strings, dtype=object), shape, b"")
    if tensor.dtype not in _NUMPY_TYPES:
        raise ValueError(f"a tensor has the unknown dtype number {tensor.dtype}")
    dtype = np.dtype(_NUMPY_TYPES[tensor.dtype])
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, dtype.newbyteorder("<")).astype(dtype).reshape(shape)
    return _filled(np.array(_typed_values(tensor), dtype=dtype), shape, 0)


def _shape(size: int) -> wire.TensorShapeProto:
    return wire.TensorShapeProto(dim=[wire.TensorShapeProto.Dim(size=size)])


def _typed_values(tensor: wire.TensorProto) -> Sequence[float]:
    fields: dict[wire.DataType, Sequence[float]] = {
        wire.DT_FLOAT: tensor.float_val,
        wire.DT_DOUBLE: tensor.double_val,
        wire.DT_INT64: tensor.int64_val,
        wire.DT_BOOL: tensor.bool_val,
    }
    return fields.get(tensor.dtype, tensor.int_val)


def _filled(values: NDArray[Any], shape: tuple[int, ...], when_empty: bytes | int) -> NDArray[Any]:
    missing = math.prod(shape) - len(values)
    if missing > 0:
        last = values[-1] if len(values) else when_empty
        values = np.concatenate([values, np.full(missing, last, dtype=values.dtype)])
    return values.reshape(shape)


def _packed_strings(content: bytes, count: int) -> list[bytes]:
    """Strings as TensorFlow packs them: all lengths as varints, then all bytes."""
    lengths, position = [], 0
    for _ in range(count):
        length, position = _varint(content, position)
        lengths.append(length)
    ends = [position, *(position + end for end in itertools.accumulate(lengths))]
    if ends[-1] != len(content):
        raise ValueError("a packed string tensor has other bytes than its lengths say")
    return [content[start:end] for start, end in itertools.pairwise(ends)]


def _varint(content: bytes, position: int) -> tuple[int, int]:
    """The number that starts at a position, seven bits a byte and the lowest first, and the position after it."""
    number = 0
    for shift, byte in enumerate(content[position : position + 10]):
        number |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return number, position + shift + 1
    raise ValueError("a packed string tensor ends within its lengths")
