"""Pictures inside a page: as data, so that the page needs no file beside it."""

import base64
import io
from pathlib import Path

from PIL import Image

_JPEG_QUALITY = 80


def data_uri(picture: bytes, media_type: str) -> str:
    """Bytes of a picture as a `data:` address.

    Args:
        picture: the file's bytes.
        media_type: such as `image/png`.
    """
    return f"data:{media_type};base64,{base64.b64encode(picture).decode('ascii')}"


def png_file(path: Path) -> str:
    """A PNG file as a `data:` address."""
    return data_uri(path.read_bytes(), "image/png")


def thumbnail(photo: Image.Image, max_side: int) -> str:
    """As `small_jpeg`, as a `data:` address."""
    return data_uri(small_jpeg(photo, max_side), "image/jpeg")


def small_jpeg(photo: Image.Image, max_side: int) -> bytes:
    """A photo's pixels alone, shrunk to `max_side` where it is larger, as the bytes of a JPEG.

    Args:
        photo: mode RGB, upright; not changed.
        max_side: of the longer side, pixels.
    """
    small = photo.copy()
    small.info.clear()  # a comment there would be saved along
    small.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return buffer.getvalue()
