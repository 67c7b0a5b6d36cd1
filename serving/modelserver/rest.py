"""The REST API: which call a path asks for, and its answer; no sockets here."""

import json
import logging
import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message

from serving.modelserver.catalogue import Address, Catalogue
from serving.modelserver.errors import RequestError, invalid
from serving.modelserver.keeping import Asked, KeptPhotos
from serving.modelserver.metadata import SIGNATURE_DEF, metadata_response, status_response
from serving.modelserver.rest_json import Json, answer_in_json, parse_body, tensors_from_json
from serving.modelserver.savedmodel import SavedModel
from serving.modelserver.slots import Slots

MAX_INT64 = "9223372036854775807"

_MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_CALL = re.compile(_MODEL + r":(?P<call>predict|classify|regress)", re.IGNORECASE | re.ASCII)
_INFORMATION = re.compile(_MODEL + r"(?P<metadata>/metadata)?/?", re.IGNORECASE | re.ASCII)
_HTTP_STATUS = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """Status and JSON body of a REST answer; the body may be empty."""

    status: int
    body: bytes


class RestApi:
    """Answers REST requests.

    Args:
        catalogue: the models.
        slots: bounds the calls that run at once, over gRPC and REST together.
        seconds: how long a call may wait for a slot.
        kept: takes photos that are asked about; None = none is kept.
    """

    def __init__(self, catalogue: Catalogue[SavedModel], slots: Slots, seconds: float, kept: KeptPhotos | None) -> None:
        self._catalogue = catalogue
        self._slots = slots
        self._seconds = seconds
        self._kept = kept

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answer one request; every error becomes an answer too.

        Args:
            method: of HTTP, in capitals.
            path: without query.
            body: at most as long as the socket side allows.
        """
        try:
            return self._route(method, path, body)
        except RequestError as error:
            return error_answer(_HTTP_STATUS.get(error.code, 500), error.message)
        except Exception as error:
            log.exception("%s %s failed in an unforeseen way", method, path)
            return error_answer(500, f"{type(error).__name__} in the server; its log says more")

    def _route(self, method: str, path: str, body: bytes) -> Answer:
        if method == "GET" and path in ("/v2/health/live", "/v2/health/ready"):
            ready = path.endswith("live") or self._catalogue.is_ready()
            return Answer(HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, b"{}")
        match = (_CALL if method == "POST" else _INFORMATION).fullmatch(path)
        if match is None or method not in ("GET", "POST"):
            if path.lower().startswith("/v1/"):
                raise invalid(f"Malformed request: {method} {path}")
            raise RequestError(grpc.StatusCode.NOT_FOUND, f"Not found: {path}")
        if _is_beyond_int64(match["version"] or "0"):
            return Answer(HTTPStatus.BAD_REQUEST, b"")
        address = Address(
            unquote(match["name"]),
            version=int(match["version"]) if match["version"] else None,
            label=unquote(match["label"]) if match["label"] else None,
        )
        if method == "GET":
            return _json(self._metadata(address) if match["metadata"] else self._status(address))
        if match["call"].lower() != "predict":
            raise RequestError(grpc.StatusCode.UNIMPLEMENTED, f"{match['call']} is not implemented; ask with predict")
        return _json(self._predict(address, body))

    def _status(self, address: Address) -> Json:
        return _as_dict(status_response(self._catalogue.status(address)))

    def _metadata(self, address: Address) -> Json:
        with self._catalogue.lease(address) as lease:
            response, signatures = metadata_response(address.name, lease.number, lease.loaded)
        return {
            "model_spec": _as_dict(response.model_spec),
            "metadata": {SIGNATURE_DEF: _as_dict(signatures)},
        }

    def _predict(self, address: Address, data: bytes) -> Json:
        body = parse_body(data)
        with self._slots.held(self._seconds), self._catalogue.lease(address) as lease:
            try:
                signature = lease.loaded.signature(body.signature_name)
            except RequestError as error:
                raise invalid(error.message) from None  # REST says 400 where gRPC says FAILED_PRECONDITION
            tensors = tensors_from_json(body, signature)
            arrays = signature.run(tensors)
        if self._kept is not None:
            self._kept.offer(Asked(address.name, lease.number, tensors, arrays))
        return answer_in_json(arrays, body.in_rows)


def _is_beyond_int64(digits: str) -> bool:
    # Compared as text: Python refuses to read thousands of digits as a number.
    digits = digits.lstrip("0")
    return (len(digits), digits) > (len(MAX_INT64), MAX_INT64)


def error_answer(status: int, message: str) -> Answer:
    """The body that every error has: `{"error": text}`."""
    return Answer(status, json.dumps({"error": message}, indent=1).encode())


def _json(body: Json) -> Answer:
    return Answer(HTTPStatus.OK, json.dumps(body, indent=1, ensure_ascii=False).encode())


def _as_dict(message: Message) -> Json:
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
