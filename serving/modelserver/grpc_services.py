"""PredictionService and ModelService over gRPC."""

import functools
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Concatenate, NoReturn, ParamSpec, Protocol, TypeVar

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
