"""PredictionService and ModelService over gRPC."""

import functools
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.modelserver.catalogue import Catalogue
from serving.modelserver.configuration import settings_from_proto
from serving.modelserver.errors import RequestError, invalid
from serving.modelserver.metadata import SIGNATURE_DEF, address_of, metadata_response, status_response
from serving.modelserver.prediction import predict
from serving.modelserver.savedmodel import SavedModel
from serving.modelserver.slots import Slots

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
RELOAD_SECONDS = 120.0
"""How long a reload may wait for its new models, where the client sets no shorter deadline."""

log = logging.getLogger(__name__)

Service = TypeVar("Service")
Request = TypeVar("Request")
Response = TypeVar("Response")


def _answering(
    method: Callable[[Service, Request, grpc.ServicerContext], Response],
) -> Callable[[Service, Request, grpc.ServicerContext], Response]:
    """Let every error reach the client with a status of its own, never as UNKNOWN."""

    @functools.wraps(method)
    def answer(service: Service, request: Request, context: grpc.ServicerContext) -> Response:
        try:
            return method(service, request, context)
        except RequestError as error:
            code, message = error.code, error.message
        except Exception as error:
            log.exception("%s failed in an unforeseen way", method.__name__)
            code, message = grpc.StatusCode.INTERNAL, f"{type(error).__name__} in the server; its log says more"
        return context.abort(code, message)  # raises

    return answer


class PredictionService:
    """Predictions and signatures; the methods are those of the service definition.

    Args:
        catalogue: the models.
        slots: bounds the calls that run at once, over gRPC and REST together.
    """

    def __init__(self, catalogue: Catalogue[SavedModel], slots: Slots) -> None:
        self._catalogue = catalogue
        self._slots = slots

    @_answering
    def Predict(  # noqa: D102 - documented by the service definition
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        address = address_of(request.model_spec)
        with self._slots.held(context.time_remaining()):
            if not context.is_active():
                raise RequestError(grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline passed before the call could run")
            with self._catalogue.lease(address) as lease:
                response = predict(lease.loaded, request)
        response.model_spec.name = address.name
        response.model_spec.version.value = lease.number
        return response

    @_answering
    def GetModelMetadata(  # noqa: D102
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

    @_answering
    def Classify(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: D102
        raise _unimplemented("Classify")

    @_answering
    def Regress(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: D102
        raise _unimplemented("Regress")

    @_answering
    def MultiInference(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: D102
        raise _unimplemented("MultiInference")


class ModelService:
    """States of versions, and reconfiguration; the methods are those of the service definition.

    Args:
        catalogue: the models.
    """

    def __init__(self, catalogue: Catalogue[SavedModel]) -> None:
        self._catalogue = catalogue

    @_answering
    def GetModelStatus(  # noqa: D102
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        return status_response(self._catalogue.status(address_of(request.model_spec)))

    @_answering
    def HandleReloadConfigRequest(  # noqa: D102
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


def build_grpc_server(catalogue: Catalogue[SavedModel], slots: Slots, num_threads: int) -> grpc.Server:
    """Make a gRPC server with both services, without a port and not yet started.

    Args:
        catalogue: the models.
        slots: see `PredictionService`.
        num_threads: calls in hand at once; more than run and wait together, so that status calls and refusals get
            through while all slots are taken.
    """
    server = grpc.server(
        ThreadPoolExecutor(num_threads, thread_name_prefix="grpc"),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # else a second server would take half of the requests unnoticed
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(PredictionService(catalogue, slots), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(catalogue), server)
    return server


def _unimplemented(call: str) -> RequestError:
    return RequestError(grpc.StatusCode.UNIMPLEMENTED, f"{call} is not implemented; ask with Predict")
