"""Photos as they are uploaded: bounded while they come in, and decoded."""

from http import HTTPStatus

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.types import Message, Receive

from serving import contract
from serving.sidecar.refusal import Refusal

_SAVE_AGAIN = "open the file in an image viewer; where that shows it, save it as JPEG or PNG and send that"
_ENVELOPE_BYTES = 1 << 16  # what a form adds to a photo
_DRAINED_BYTES = 64 << 20  # of a body that is refused, read and dropped so that its sender hears the answer


async def photo_bytes(request: Request, limits: contract.PhotoLimits) -> bytes:
    """The bytes of a photo sent as the body, or as the file `photo` of a form.

    Raises:
        Refusal: the body is longer than a photo may be, or the form has no such file.
    """
    limited = Request(request.scope, _LimitedBody(request.receive, limits))
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await limited.body()
    async with limited.form(max_files=1, max_fields=8) as form:
        part = form.get("photo")
        if isinstance(part, UploadFile):
            return await part.read()
    raise Refusal(
        HTTPStatus.BAD_REQUEST,
        "a form without a file named `photo`",
        "the photo as that file",
        "curl -F photo=@photo.jpg",
    )


def read_photo(data: bytes, limits: contract.PhotoLimits) -> contract.UprightPhoto:
    """Decode an uploaded photo.

    Raises:
        Refusal: the bytes are no photo, damaged, or beyond the limits.
    """
    try:
        return contract.read_upright(data, limits)
    except contract.PhotoTooLarge as error:
        raise _too_large(str(error), limits) from None
    except contract.UnreadablePhoto as error:
        formats = ", ".join(contract.PHOTO_FORMATS)
        raise Refusal(HTTPStatus.BAD_REQUEST, str(error), f"a whole photo as {formats}", _SAVE_AGAIN) from None


class _LimitedBody:
    """Receives a request's body and refuses it as soon as it is too long, so that memory stays bounded."""

    def __init__(self, receive: Receive, limits: contract.PhotoLimits) -> None:
        self._receive = receive
        self._limits = limits
        self._num_bytes = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._num_bytes += len(message.get("body", b""))
        if self._num_bytes <= self._limits.max_bytes + _ENVELOPE_BYTES:
            return message
        while message.get("more_body") and self._num_bytes < _DRAINED_BYTES:
            message = await self._receive()
            self._num_bytes += len(message.get("body", b""))
        raise _too_large(f"more than {self._limits.max_bytes:,} bytes", self._limits)


def _too_large(came: str, limits: contract.PhotoLimits) -> Refusal:
    expected = f"a photo of at most {limits.max_bytes:,} bytes and {limits.max_pixels:,} pixels"
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, came, expected, "send a smaller copy of the photo")
