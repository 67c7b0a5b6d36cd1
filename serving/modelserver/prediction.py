"""Predict, as gRPC clients and warm-up records ask for it."""

from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from serving.modelserver.savedmodel import Array, SavedModel, Signature
from serving.modelserver.tensors import parse_tensor, write_tensor


@dataclass(frozen=True, eq=False)
class Predicted:
    """What was asked of a model, and what it answered."""

    signature: Signature
    tensors: Mapping[str, tf.Tensor]
    """By input name."""
    outputs: Mapping[str, Array]
    """By output name."""


def predict(model: SavedModel, request: predict_pb2.PredictRequest) -> Predicted:
    """Ask a model what a PredictRequest asks.

    Raises:
        RequestError: whatever is wrong with the request, or what the model itself refuses.
    """
    signature = model.signature(request.model_spec.signature_name)
    signature.check_input_names(request.inputs)
    tensors = {name: parse_tensor(name, request.inputs[name], spec) for name, spec in signature.inputs.items()}
    return Predicted(signature, tensors, signature.run(tensors, list(request.output_filter)))


def response_of(predicted: Predicted) -> predict_pb2.PredictResponse:
    """The PredictResponse of an answer; the caller adds the model's name and version."""
    signature = predicted.signature
    response = predict_pb2.PredictResponse()
    response.model_spec.signature_name = signature.name
    for name, values in predicted.outputs.items():
        write_tensor(values, signature.outputs[name], response.outputs[name])
    return response
