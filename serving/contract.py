"""The contract between training and serving: names on the wire, limits, and what any readable photo is turned into.

Both sides import this module; it needs Pillow alone.
"""

import io
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from serving.metadata import without_metadata

PREDICT_ARRAYS = "serving_default"
PREDICT_BYTES = "predict_bytes"
EXPLAIN = "explain"

IMAGES = "images"
IMAGE_BYTES = "image_bytes"
CLASS_INDEX = "class_index"
PROBABILITIES = "probabilities"
CLASSES = "classes"
THRESHOLD = "threshold"
MAP = "map"
HEATMAP = "heatmap"

PREDICTED_CLASS = -1
"""As `class_index`: explain the class that is predicted."""

STABLE_LABEL = "stable"
CANARY_LABEL = "canary"

PHOTO_FORMATS = ("JPEG", "PNG", "WEBP")
"""What may come in; the wire carries JPEG and PNG only."""

_ORIENTATION_TAG = 0x0112
_ORIENTATION_KEYS = frozenset(
    ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp")
)  # where Pillow looks for it
_TURN_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = (5, 6, 7, 8)  # orientations that swap width and height
_PNG_BIT_DEPTH = 24  # offset of this byte in a PNG file, whose first chunk is always IHDR
_MULTI_PICTURE = "MPO"  # a JPEG followed by further ones, as many telephones write it; its first photo is the photo
_JPEG_QUALITY = 95
_JPEG_FULL_COLOUR = 0  # Pillow's name for 4:4:4, no chroma subsampling
_SPARE = 2.0  # a photo that is to be small is decoded at no less than this many times its size, and filtered down


@dataclass(frozen=True)
class PhotoLimits:
    """Limits of one photo, checked before it is decoded."""

    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000


@dataclass(frozen=True)
class UprightPhoto:
    """A decoded photo, turned upright and converted to 8-bit RGB."""

    image: Image.Image
    """Mode RGB, upright, without what its file says beside the pixels: no place can be saved along by mistake."""
    format: str
    """What the bytes are: JPEG, PNG or WEBP."""
    mode: str
    """Pillow mode as stored."""
    orientation: int
    """EXIF orientation as stored, 1 to 8; 1 = upright."""
    size: tuple[int, int]
    """Width and height of the whole photo, upright, in pixels; `image` may hold it at a fraction of its size."""
    accepted_as_stored: bool
    """Whether models accept the stored pixels as they are: upright, 8-bit, RGB, opaque, JPEG or PNG."""
    exif: bytes = b""
    """EXIF block as stored, place and all; empty where there is none."""


class UnreadablePhoto(ValueError):
    """Bytes that are no photo, or a photo beyond the limits; the message is one line for people."""


class PhotoTooLarge(UnreadablePhoto):
    """A photo beyond the limits, refused before it is decoded."""


def read_upright(data: bytes, limits: PhotoLimits) -> UprightPhoto:
    """Decode a photo of any accepted format, mode and orientation into upright 8-bit RGB.

    Transparent pixels are laid on white; 16-bit channels keep their high byte; of several frames the first counts.

    Raises:
        PhotoTooLarge: the photo has more bytes or pixels than the limits allow.
        UnreadablePhoto: the bytes are empty, no JPEG, PNG or WebP, or truncated.
    """
    return _read_or_refuse(data, limits, None)


def read_upright_small(data: bytes, limits: PhotoLimits, max_side: int) -> Image.Image:
    """As `read_upright`, for people to look at: no side is longer than `max_side` pixels.

    A large JPEG is decoded at a fraction of its size: a thumbnail of 12 megapixels takes about a third of the time.

    Raises:
        UnreadablePhoto: see `read_upright`.
    """
    image = _read_or_refuse(data, limits, math.ceil(_SPARE * max_side)).image
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS, reducing_gap=_SPARE)
    return image


def read_upright_reduced(data: bytes, limits: PhotoLimits, min_side: int) -> UprightPhoto:
    """As `read_upright`, for measures: a large JPEG is decoded at a half, a quarter or an eighth of its size.

    The whole file is read all the same, so that a truncated photo is refused here too.

    Args:
        data: the bytes of a file.
        limits: checked against the whole photo.
        min_side: pixels that the longer side keeps at least, where it has them.

    Raises:
        UnreadablePhoto: see `read_upright`.
    """
    return _read_or_refuse(data, limits, min_side)


def upright(data: bytes, limits: PhotoLimits = PhotoLimits()) -> bytes:
    """Turn any readable photo into the bytes that models accept: upright 8-bit RGB, JPEG or PNG.

    A photo that is so already keeps its encoded pixels byte for byte; other JPEG and WebP photos become JPEG (quality
    95, full colour resolution), other PNG photos stay lossless. What the file says beside the pixels is left out: EXIF
    with its place, comments, previews, further photos of the same file.

    Raises:
        UnreadablePhoto: see `read_upright`.
    """
    return upright_bytes(read_upright(data, limits), data)


def upright_bytes(photo: UprightPhoto, data: bytes) -> bytes:
    """As `upright`, for a photo that `read_upright` decoded from `data`."""
    if photo.accepted_as_stored and (pixels_alone := without_metadata(data)) is not None:
        return pixels_alone
    buffer = io.BytesIO()
    if photo.format == "PNG":
        photo.image.save(buffer, "PNG", compress_level=1)
    else:
        photo.image.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=_JPEG_FULL_COLOUR)
    return buffer.getvalue()


def _read_or_refuse(data: bytes, limits: PhotoLimits, min_side: int | None) -> UprightPhoto:
    if not data:
        raise UnreadablePhoto("the file is empty (0 bytes)")
    if len(data) > limits.max_bytes:
        raise PhotoTooLarge(f"{len(data):,} bytes; at most {limits.max_bytes:,} are accepted")
    try:
        return _read(data, limits, min_side)
    except UnreadablePhoto:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoTooLarge(f"{error}; at most {limits.max_pixels:,} pixels are accepted") from None
    except UnidentifiedImageError:
        raise UnreadablePhoto(f"not a photo: the bytes are none of {', '.join(PHOTO_FORMATS)}") from None
    except Exception as error:  # decoders raise many kinds; a photo must never bring its reader down
        raise UnreadablePhoto(f"damaged photo: {' '.join(str(error).split())}") from None


def _read(data: bytes, limits: PhotoLimits, min_side: int | None) -> UprightPhoto:
    with _without_warnings():
        image = Image.open(io.BytesIO(data), formats=PHOTO_FORMATS)
    if image.width * image.height > limits.max_pixels:
        raise PhotoTooLarge(f"{image.width}x{image.height} pixels; at most {limits.max_pixels:,} pixels are accepted")
    stored_format = "JPEG" if image.format == _MULTI_PICTURE else str(image.format)
    width, height = image.size
    if min_side is not None and min_side < max(width, height):
        share = min_side / max(width, height)
        image.draft(None, (math.ceil(share * width), math.ceil(share * height)))  # for a JPEG alone
    image.load()
    orientation = _orientation(image)
    plain = image.mode == "RGB" and not image.has_transparency_data and orientation == 1
    carried = stored_format == "JPEG" or (stored_format == "PNG" and data[_PNG_BIT_DEPTH] == 8)
    rgb = _rgb(image)
    if orientation in _TURN_UPRIGHT:
        rgb = rgb.transpose(_TURN_UPRIGHT[orientation])
    exif = image.info.get("exif", b"")
    rgb.info = {}  # writers of JPEG and PNG would save comments and colour profiles of it
    size = (height, width) if orientation in _LYING else (width, height)
    return UprightPhoto(rgb, stored_format, image.mode, orientation, size, plain and carried, exif)


def _orientation(image: Image.Image) -> int:
    if _ORIENTATION_KEYS.isdisjoint(image.info):
        return 1
    try:
        with _without_warnings():
            value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # broken EXIF raises many kinds; the pixels are good all the same
        return 1
    return value if value in range(1, 9) else 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


_warnings_lock = threading.Lock()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Drop Pillow's warnings about headers; the lock is there because Python's filters belong to all threads."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
