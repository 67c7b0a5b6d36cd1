"""A loaded SavedModel and its signatures, callable by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from serving.modelserver.errors import RequestError, invalid

DEFAULT_SIGNATURE = "serving_default"

_SERVE_TAG = "serve"
_INIT_SIGNATURE = "__saved_model_init_op"  # bookkeeping of the format, not for clients
_CODES = {code.value[0]: code for code in grpc.StatusCode}

Array = npt.NDArray[np.generic]


@dataclass(frozen=True)
class Signature:
    """One way to call a model.

    Args:
        name: as clients ask for it.
        definition: as the SavedModel declares it.
        inputs: dtype and shape by input name.
        outputs: dtype by output name, in the order of the names.
        call: the function itself, taking tensors by input name.
    """

    name: str
    definition: meta_graph_pb2.SignatureDef
    inputs: Mapping[str, tf.TensorSpec]
    outputs: Mapping[str, tf.DType]
    call: Callable[..., Mapping[str, tf.Tensor]]

    def check_input_names(self, sent: Iterable[str]) -> None:
        """Compare the names of the inputs with those declared.

        Raises:
            RequestError: INVALID_ARGUMENT; where the number differs, with the lists of extra and missing names.
        """
        names = set(sent)
        if names == self.inputs.keys():
            return
        if len(names) == len(self.inputs):
            wrong = ",".join(sorted(names - self.inputs.keys()))
            allowed = ",".join(sorted(self.inputs))
            raise invalid(
                f"input tensor alias not found in signature: {wrong}. Inputs expected to be in the set {{{allowed}}}."
            )
        extra = ",".join(sorted(names - self.inputs.keys()))
        missing = ",".join(sorted(self.inputs.keys() - names))
        raise invalid(
            f"input size does not match signature: {len(names)}!={len(self.inputs)}. "
            f"Sent extra: {{{extra}}}. Missing but required: {{{missing}}}."
        )

    def run(self, tensors: Mapping[str, tf.Tensor], outputs: Sequence[str] = ()) -> dict[str, Array]:
        """Call the signature.

        Args:
            tensors: checked inputs by name.
            outputs: names of the outputs to return; empty = all.

        Returns:
            Arrays by output name; strings as object arrays of bytes.

        Raises:
            RequestError: an unknown or repeated output (INVALID_ARGUMENT), or what the model itself refuses.
        """
        for name in outputs:
            self._check_output(name, outputs)
        try:
            results = self.call(**tensors)
            return {name: results[name].numpy() for name in outputs or self.outputs}
        except Exception as error:
            raise as_request_error(error) from error

    def _check_output(self, name: str, outputs: Sequence[str]) -> None:
        if name not in self.outputs:
            allowed = ",".join(sorted(self.outputs))
            raise invalid(
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set {{{allowed}}}."
            )
        if outputs.count(name) > 1:
            raise invalid(f"duplicate output tensor alias: {name}")


@dataclass(frozen=True)
class SavedModel:
    """A model in memory.

    Args:
        signatures: by name.
        trackable: what TensorFlow loaded; it owns the variables, so it lives as long as the signatures.
    """

    signatures: Mapping[str, Signature]
    trackable: object

    def signature(self, name: str) -> Signature:
        """Find a signature; an empty name means `serving_default`.

        Raises:
            RequestError: FAILED_PRECONDITION for an unknown one.
        """
        wanted = name or DEFAULT_SIGNATURE
        if wanted not in self.signatures:
            raise RequestError(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{wanted}" not found.')
        return self.signatures[wanted]


def load_saved_model(folder: Path) -> SavedModel:
    """Load a SavedModel; the signatures are those that its saved_model.pb declares.

    Raises:
        Exception: of many kinds where the files are damaged: TensorFlow's errors, OSError, ValueError, IndexError.
    """
    definitions = _read_definitions(folder)
    trackable = tf.saved_model.load(str(folder))
    signatures = {
        name: Signature(
            name=name,
            definition=definition,
            inputs={key: _spec(info) for key, info in definition.inputs.items()},
            outputs={key: tf.dtypes.as_dtype(definition.outputs[key].dtype) for key in sorted(definition.outputs)},
            call=trackable.signatures[name],
        )
        for name, definition in definitions.items()
    }
    return SavedModel(signatures, trackable)


def _read_definitions(folder: Path) -> dict[str, meta_graph_pb2.SignatureDef]:
    try:
        saved_model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    except DecodeError as error:
        raise ValueError(f"saved_model.pb is damaged: {error}") from None
    for graph in saved_model.meta_graphs:
        if _SERVE_TAG in graph.meta_info_def.tags:
            return {name: graph.signature_def[name] for name in sorted(graph.signature_def) if name != _INIT_SIGNATURE}
    raise ValueError(f"saved_model.pb has no graph tagged {_SERVE_TAG!r}")


def _spec(info: meta_graph_pb2.TensorInfo) -> tf.TensorSpec:
    return tf.TensorSpec(tf.TensorShape(info.tensor_shape), tf.dtypes.as_dtype(info.dtype))


def as_request_error(error: Exception) -> RequestError:
    """Give any exception of a load or a call the status that clients shall see."""
    match error:
        case RequestError():
            return error
        case tf.errors.OpError():
            return RequestError(_CODES.get(error.error_code, grpc.StatusCode.INTERNAL), _essence(error.message))
        case ValueError() | TypeError():  # what TensorFlow raises for tensors that fit no graph
            return invalid(str(error))
        case MemoryError():
            return RequestError(grpc.StatusCode.RESOURCE_EXHAUSTED, "There is not enough memory for this")
        case _:
            return RequestError(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")


def _essence(message: str) -> str:
    # Drops where in the graph it happened: names of nodes mean nothing to clients, and the text is cut after its start.
    return message.rpartition("<stack traces unavailable>\n")[2].partition("\n\t [[")[0]
