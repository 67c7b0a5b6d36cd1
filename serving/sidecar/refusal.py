"""Errors as answers: an HTTP status, and what came, was expected and is to do."""

from http import HTTPStatus

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from serving.client import DeadlinePassed, ModelServerError, NotServed, RequestRefused, ServingUnavailable

HOW_TO_SEND = "curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' http://127.0.0.1:8502/v1/explain"
PATHS = "GET / (the page for people), POST /v1/explain, GET /healthz or GET /readyz"

ANSWERED_ERRORS = (ModelServerError, RequestValidationError, HTTPException, ClientDisconnect)
"""Beside `Refusal`, what `error_response` puts into words; everything else is a fault of the explainer."""


class Refusal(Exception):
    """An answer that is an error: the HTTP status, and what came, was expected and is to do."""

    def __init__(self, status: HTTPStatus, came: str, expected: str, to_do: str) -> None:
        super().__init__(came)
        self.status = status
        self.came = came
        self.expected = expected
        self.to_do = to_do


def error_response(_: Request, error: Exception) -> Response:
    """The answer `{"error": {"came", "expected", "to_do"}}` to a question that failed."""
    return as_response(_refusal(error))


def as_response(refusal: Refusal) -> Response:
    """The answer that tells a refusal."""
    words = {"came": refusal.came, "expected": refusal.expected, "to_do": refusal.to_do}
    # What is left of a body that is too large is not waited for.
    headers = {"Connection": "close"} if refusal.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else None
    return JSONResponse({"error": words}, refusal.status, headers)


def _refusal(error: Exception) -> Refusal:
    match error:
        case Refusal():
            return error
        case ModelServerError():
            return Refusal(_status_of(error), error.came, error.expected, error.to_do)
        case RequestValidationError():
            problems = "; ".join(f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors())
            return Refusal(
                HTTPStatus.BAD_REQUEST,
                problems,
                "`class` a name or index, `format` json or overlay, `opacity` 0 to 1",
                "mend the query",
            )
        case HTTPException():
            status = HTTPStatus(error.status_code)
            return Refusal(status, str(error.detail), PATHS, HOW_TO_SEND)
        case ClientDisconnect():
            return Refusal(HTTPStatus.BAD_REQUEST, "the sender left", "a whole body", "send the photo again")
        case _:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return Refusal(status, "a fault of the explainer", "an answer", "look into its log and report it")


def _status_of(error: ModelServerError) -> HTTPStatus:
    match error:
        case DeadlinePassed():
            return HTTPStatus.GATEWAY_TIMEOUT
        case ServingUnavailable() | NotServed():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case RequestRefused():
            return HTTPStatus.BAD_REQUEST
        case _:
            return HTTPStatus.BAD_GATEWAY
