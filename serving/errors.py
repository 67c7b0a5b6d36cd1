"""What can go wrong between a client and a model server, in words for people."""

import json
from enum import Enum
from http import HTTPStatus

import grpc


class ModelServerError(Exception):
    """A question that a model server did not answer.

    Args:
        came: what happened, with the server's own words.
        expected: what would have been right.
        to_do: the next thing to do.
    """

    def __init__(self, came: str, *, expected: str, to_do: str) -> None:
        super().__init__(came)
        self.came = came
        self.expected = expected
        self.to_do = to_do

    def __str__(self) -> str:
        return f"{self.came}\n  expected: {self.expected}\n  to do:    {self.to_do}"


class ServingUnavailable(ModelServerError):
    """The server cannot be reached, is overloaded or failed inside; the same question may be answered later."""


class DeadlinePassed(ServingUnavailable):
    """The answer did not come in time."""


class RequestRefused(ModelServerError):
    """The server answered that the question is wrong; asking again will not help."""


class NotServed(RequestRefused):
    """The server does not serve this model, version or label."""


class _Remedy(Enum):
    """Expectation and next step per kind of failure."""

    AWAY = "a model server that answers", "start it with `python -m serving.server`, or name its address"
    LATE = "an answer within the deadline", "allow more time, send fewer photos at once, or look at the server's load"
    LARGE = "a question and an answer of at most 64 MB", "send fewer photos at once"
    UNKNOWN = "a model, version and label that are served", "look at the status of the model for what is served"
    WRONG = "a question that fits the model's signature", "check photo, class, label and version"
    FAILED = "an answer", "look into the server's log"


_KINDS: dict[grpc.StatusCode, tuple[type[ModelServerError], _Remedy]] = {
    grpc.StatusCode.UNAVAILABLE: (ServingUnavailable, _Remedy.AWAY),
    grpc.StatusCode.DEADLINE_EXCEEDED: (DeadlinePassed, _Remedy.LATE),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (RequestRefused, _Remedy.LARGE),
    grpc.StatusCode.NOT_FOUND: (NotServed, _Remedy.UNKNOWN),
    grpc.StatusCode.INVALID_ARGUMENT: (RequestRefused, _Remedy.WRONG),
    grpc.StatusCode.FAILED_PRECONDITION: (RequestRefused, _Remedy.WRONG),
    grpc.StatusCode.OUT_OF_RANGE: (RequestRefused, _Remedy.WRONG),
    grpc.StatusCode.UNIMPLEMENTED: (RequestRefused, _Remedy.WRONG),
}
_UNKNOWN_LABEL = "Unrecognized servable version label"
"""TensorFlow Serving's words for what it calls INVALID_ARGUMENT, though the question is right in itself."""


def from_rpc_error(error: grpc.RpcError, address: str) -> ModelServerError:
    """The error for people that a failed call amounts to."""
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    details = error.details() if isinstance(error, grpc.Call) else str(error)
    kind, remedy = _KINDS.get(code, (ServingUnavailable, _Remedy.FAILED))
    if str(details).startswith(_UNKNOWN_LABEL):
        kind, remedy = NotServed, _Remedy.UNKNOWN
    expected, to_do = remedy.value
    return kind(f"{address} answered {code.name}: {details}", expected=expected, to_do=to_do)


def from_explainer_answer(status: int, body: bytes) -> ModelServerError:
    """The error that an HTTP answer of the explainer stands for, in the explainer's own words where it gave some."""
    kinds: dict[int, type[ModelServerError]] = {
        HTTPStatus.INTERNAL_SERVER_ERROR: ServingUnavailable,
        HTTPStatus.BAD_GATEWAY: ServingUnavailable,
        HTTPStatus.SERVICE_UNAVAILABLE: ServingUnavailable,
        HTTPStatus.GATEWAY_TIMEOUT: DeadlinePassed,
    }
    kind = kinds.get(status, RequestRefused)
    try:
        error = json.loads(body)["error"]
        return kind(error["came"], expected=error["expected"], to_do=error["to_do"])
    except (ValueError, KeyError, TypeError):
        return kind(f"status {status}: {body[:200]!r}", expected="an explainer there", to_do="check the address")
