"""JSON bodies of the REST API: tensors in row form (`instances`) and columnar form (`inputs`)."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from serving.modelserver.errors import RequestError, invalid
from serving.modelserver.savedmodel import DEFAULT_SIGNATURE, Array, Signature
from serving.modelserver.tensors import check_shape

_BINARY_SUFFIX = "_bytes"
_BASE64 = "b64"

Json = Any
"""What a JSON parser returns: nothing is known about it before it is checked."""


@dataclass(frozen=True)
class PredictBody:
    """A parsed request body.

    Args:
        signature_name: as asked for, or the default.
        in_rows: whether the values came as `instances`, so that the answer is given row by row.
        values: of `instances` or `inputs`.
    """

    signature_name: str
    in_rows: bool
    values: Json


def parse_body(data: bytes) -> PredictBody:
    """Read the body of a predict request.

    Raises:
        RequestError: INVALID_ARGUMENT for anything but an object with either `instances` or `inputs`.
    """
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from None
    if not isinstance(body, dict):
        raise invalid("Request body must be a JSON object")
    signature_name = body.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(signature_name, str):
        raise invalid("'signature_name' must be a string")
    if ("instances" in body) == ("inputs" in body):
        raise invalid("Request body must have either 'instances' or 'inputs', and not both")
    in_rows = "instances" in body
    values = body["instances" if in_rows else "inputs"]
    if in_rows and not (isinstance(values, list) and values):
        raise invalid("'instances' must be a list with at least one row")
    return PredictBody(signature_name, in_rows, values)


def tensors_from_json(body: PredictBody, signature: Signature) -> dict[str, tf.Tensor]:
    """Turn JSON values into the tensors that a signature takes.

    Raises:
        RequestError: INVALID_ARGUMENT for missing or extra names, mixed kinds, ragged lists or another shape.
    """
    columns = _columns_of_rows(body.values, signature) if body.in_rows else _columns(body.values, signature)
    return {name: _tensor(name, columns[name], spec) for name, spec in signature.inputs.items()}


def answer_in_json(arrays: Mapping[str, Array], in_rows: bool) -> dict[str, Json]:
    """Turn outputs into the body of an answer.

    A single output is given bare, several as objects. Strings of outputs whose name ends in `_bytes` are wrapped as
    `{"b64": ...}`; floats print as the shortest text that reads back the same.

    Raises:
        RequestError: INVALID_ARGUMENT when rows are wanted and the outputs share no first dimension.
    """
    values = {name: _to_json(array, is_binary=name.endswith(_BINARY_SUFFIX)) for name, array in arrays.items()}
    single = next(iter(values.values())) if len(values) == 1 else None
    if not in_rows:
        return {"outputs": values if single is None else single}
    num_rows = {array.shape[0] if array.ndim else None for array in arrays.values()}
    if len(num_rows) != 1 or None in num_rows:
        raise invalid("The outputs share no batch dimension; ask with 'inputs' instead of 'instances'")
    if single is not None:
        return {"predictions": single}
    return {"predictions": [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]}


def _columns_of_rows(rows: list[Json], signature: Signature) -> dict[str, Json]:
    if not all(_is_named(row) for row in rows):
        if any(_is_named(row) for row in rows):
            raise invalid("'instances' mixes objects and bare values")
        return {_only_input(signature): rows}
    for row in rows:
        signature.check_input_names(row)
    return {name: [row[name] for row in rows] for name in signature.inputs}


def _columns(values: Json, signature: Signature) -> dict[str, Json]:
    if not _is_named(values):
        return {_only_input(signature): values}
    missing = sorted(signature.inputs.keys() - values.keys())
    if missing:
        raise invalid(f"Missing 'inputs': {', '.join(missing)}")
    return dict(values)


def _is_named(value: Json) -> bool:
    return isinstance(value, dict) and value.keys() != {_BASE64}


def _only_input(signature: Signature) -> str:
    if len(signature.inputs) != 1:
        raise invalid(f"Signature {signature.name!r} takes {len(signature.inputs)} inputs, so each needs its name")
    return next(iter(signature.inputs))


def _tensor(name: str, value: Json, spec: tf.TensorSpec) -> tf.Tensor:
    sizes = _sizes(value)
    check_shape(name, sizes, spec.shape)
    flat: list[Json] = []
    try:
        _flatten(value, sizes, flat)
        leaves = [_leaf(leaf, spec.dtype) for leaf in flat]
        return tf.constant(np.array(leaves, spec.dtype.as_numpy_dtype).reshape(sizes), spec.dtype)
    except RequestError as error:
        raise invalid(f"Input {name!r}: {error.message}") from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise invalid(f"Input {name!r}: does not fit {spec.dtype.name}: {error}") from None


def _sizes(value: Json) -> list[int]:
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        if not value:
            break
        value = value[0]
    return sizes


def _flatten(value: Json, sizes: list[int], into: list[Json]) -> None:
    if not sizes:
        into.append(value)
        return
    if not isinstance(value, list) or len(value) != sizes[0]:
        raise invalid("the lists differ in length or depth")
    if len(sizes) == 1:
        into.extend(value)
        return
    for part in value:
        _flatten(part, sizes[1:], into)


def _leaf(value: Json, dtype: tf.DType) -> bytes | bool | int | float:
    """Check one value: whole numbers pass as floats, nothing else changes its kind."""
    if dtype == tf.string:
        return _string(value)
    kind = type(value)
    allowed = (bool,) if dtype == tf.bool else (int,) if dtype.is_integer else (int, float)
    if kind not in allowed:
        raise invalid(f"a JSON {kind.__name__} does not pass for {dtype.name}")
    return value  # type: ignore[no-any-return]


def _string(value: Json) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if not (isinstance(value, dict) and value.keys() == {_BASE64} and isinstance(value[_BASE64], str)):
        raise invalid(f"a JSON {type(value).__name__} does not pass for string")
    try:
        return base64.b64decode(value[_BASE64], validate=True)
    except binascii.Error as error:
        raise invalid(f"not base64: {error}") from None


def _to_json(array: Array, is_binary: bool) -> Json:
    if array.dtype == object:
        return _map_leaves(array.tolist(), _wrap if is_binary else _text)
    if array.dtype == np.float32:  # via text: the shortest one that reads back as the same float32
        return array.astype("U").astype(np.float64).tolist()
    return array.tolist()


def _map_leaves(value: Json, function: Callable[[bytes], Json]) -> Json:
    if isinstance(value, list):
        return [_map_leaves(part, function) for part in value]
    return function(value)


def _wrap(value: bytes) -> dict[str, str]:
    return {_BASE64: base64.b64encode(value).decode()}


def _text(value: bytes) -> str:
    return value.decode(errors="replace")
