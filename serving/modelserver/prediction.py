"""Predict, as gRPC clients and warm-up records ask for it."""

from collections.abc import Mapping

from tensorflow_serving.apis import predict_pb2

from serving.modelserver.savedmodel import Array, SavedModel, Signature
from serving.modelserver.tensors import parse_tensor, write_tensor


def predict(model: SavedModel, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
    """Answer a PredictRequest; the caller adds the model's name and version.

    Raises:
        RequestError: whatever is wrong with the request, or what the model itself refuses.
    """
    signature = model.signature(request.model_spec.signature_name)
    signature.check_input_names(request.inputs)
    tensors = {name: parse_tensor(name, request.inputs[name], spec) for name, spec in signature.inputs.items()}
    return _response(signature, signature.run(tensors, list(request.output_filter)))


def _response(signature: Signature, arrays: Mapping[str, Array]) -> predict_pb2.PredictResponse:
    response = predict_pb2.PredictResponse()
    response.model_spec.signature_name = signature.name
    for name, values in arrays.items():
        write_tensor(values, signature.outputs[name], response.outputs[name])
    return response
