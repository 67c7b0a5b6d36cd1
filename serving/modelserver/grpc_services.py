"""PredictionService and ModelService over gRPC."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.asked import NOT_KEPT
from serving.modelserver.catalogue import Catalogue
from serving.modelserver.configuration import settings_from_proto
from serving.modelserver.errors import RequestError, invalid
from serving.modelserver.keeping import Asked, KeptPhotos
from serving.modelserver.metadata import SIGNATURE_DEF, address_of, metadata_response, status_response
from serving.modelserver.prediction import predict, response_of
from serving.modelserver.savedmodel import SavedModel
from serving.modelserver.slots import Slots

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
RELOAD_SECONDS = 120.0
"""How long a reload may wait for its new models, where the client sets no shorter deadline."""

log = logging.getLogger(__name__)


class PredictionService:
    """Predictions and signatures.

    Args:
        catalogue: the models.
        slots: bounds the calls that run at once, over gRPC and REST together.
        kept: takes photos that are asked about; None = none is kept.
    """

    name = "tensorflow.serving.PredictionService"

    def __init__(self, catalogue: Catalogue[SavedModel], slots: Slots, kept: KeptPhotos | None) -> None:
        self._catalogue = catalogue
        self._slots = slots
        self._kept = kept

    def handlers(self) -> "dict[str, grpc.RpcMethodHandler[bytes, Message]]":
        """What answers each call of the service definition."""
        return {
            "Predict": _handler(predict_pb2.PredictRequest, self._predict),
            "GetModelMetadata": _handler(get_model_metadata_pb2.GetModelMetadataRequest, self._get_model_metadata),
            "Classify": _handler(classification_pb2.ClassificationRequest, _refuse_examples),
            "Regress": _handler(regression_pb2.RegressionRequest, _refuse_examples),
            "MultiInference": _handler(inference_pb2.MultiInferenceRequest, _refuse_examples),
        }

    def _predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        address = address_of(request.model_spec)
        with self._slots.held(context.time_remaining()):
            if not context.is_active():
                raise RequestError(grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline passed before the call could run")
            with self._catalogue.lease(address) as lease:
                predicted = predict(lease.loaded, request)
                response = response_of(predicted)
        if self._kept is not None and not _is_a_trial(context):
            self._kept.offer(Asked(address.name, lease.number, predicted.tensors, predicted.outputs))
        response.model_spec.name = address.name
        response.model_spec.version.value = lease.number
        return response

    def _get_model_metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        address = address_of(request.model_spec)
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise invalid(f"Metadata field {field} is not supported")
        with self._catalogue.lease(address) as lease:
            return metadata_response(address.name, lease.number, lease.loaded)[0]


class ModelService:
    """States of versions, and reconfiguration.

    Args:
        catalogue: the models.
    """

    name = "tensorflow.serving.ModelService"

    def __init__(self, catalogue: Catalogue[SavedModel]) -> None:
        self._catalogue = catalogue

    def handlers(self) -> "dict[str, grpc.RpcMethodHandler[bytes, Message]]":
        """What answers each call of the service definition."""
        return {
            "GetModelStatus": _handler(get_model_status_pb2.GetModelStatusRequest, self._get_model_status),
            "HandleReloadConfigRequest": _handler(model_management_pb2.ReloadConfigRequest, self._reload),
        }

    def _get_model_status(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        return status_response(self._catalogue.status(address_of(request.model_spec)))

    def _reload(
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        if not request.config.HasField("model_config_list"):
            raise invalid("ReloadConfigRequest has no model_config_list; send an empty one to drop all models")
        remaining = context.time_remaining()
        seconds = RELOAD_SECONDS if remaining is None else min(RELOAD_SECONDS, remaining)
        self._catalogue.reload(settings_from_proto(request.config), seconds)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.SetInParent()
        return response


def build_grpc_server(
    catalogue: Catalogue[SavedModel], slots: Slots, num_threads: int, kept: KeptPhotos | None
) -> grpc.Server:
    """Make a gRPC server with both services, without a port and not yet started.

    Args:
        catalogue: the models.
        slots: see `PredictionService`.
        num_threads: calls in hand at once; more than run and wait together, so that status calls and refusals get
            through while all slots are taken.
        kept: see `PredictionService`.
    """
    server = grpc.server(
        ThreadPoolExecutor(num_threads, thread_name_prefix="grpc"),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # else a second server would take half of the requests unnoticed
        ],
    )
    services = (PredictionService(catalogue, slots, kept), ModelService(catalogue))
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service.name, service.handlers()) for service in services]
    )
    return server


def _handler(
    request_type: type[Any], method: Callable[[Any, grpc.ServicerContext], Message]
) -> "grpc.RpcMethodHandler[bytes, Message]":
    """Let every error reach the client with a status of its own, never as UNKNOWN.

    The message is parsed here, since gRPC would call one that cannot be parsed the server's fault (INTERNAL).
    """

    def answer(data: bytes, context: grpc.ServicerContext) -> Message:
        try:
            return method(request_type.FromString(data), context)
        except DecodeError:
            code, message = grpc.StatusCode.INVALID_ARGUMENT, f"not a {request_type.DESCRIPTOR.full_name}"
        except RequestError as error:
            code, message = error.code, error.message
        except Exception as error:
            log.exception("A %s failed in an unforeseen way", request_type.DESCRIPTOR.full_name)
            code, message = grpc.StatusCode.INTERNAL, f"{type(error).__name__} in the server; its log says more"
        return context.abort(code, message)  # raises

    return grpc.unary_unary_rpc_method_handler(answer, response_serializer=_serialize)


def _is_a_trial(context: grpc.ServicerContext) -> bool:
    return any(key == NOT_KEPT for key, _ in context.invocation_metadata())


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()


def _refuse_examples(request: Message, context: grpc.ServicerContext) -> Message:
    raise RequestError(grpc.StatusCode.UNIMPLEMENTED, "Calls over tf.Example are not implemented; ask with Predict")
