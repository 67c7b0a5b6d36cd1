"""What a scraped batch brings besides good photos: copies, poor photos, odd encodings and damaged files."""

import io
from collections.abc import Callable
from enum import StrEnum

import numpy as np
from PIL import Image

from pipeline.photos.drawing.fields import blurred
from pipeline.photos.drawing.overprints import captioned, watermarked
from pipeline.photos.drawing.photos import Drawing
from pipeline.photos.drawing.streams import Mask, Stream

_ORIENTATION_TAG = 0x0112
_MAX_CROPS = 20


class Kind(StrEnum):
    """What became of a photo between camera and batch."""

    ORIGINAL = "original"
    EXACT_COPY = "exact_copy"
    RE_ENCODED = "re_encoded"
    MIRRORED = "mirrored"
    CAPTIONED = "captioned"
    WATERMARKED = "watermarked"
    CROPPED = "cropped"
    LABEL_CONFLICT = "label_conflict"
    """An exact copy, filed under another label."""
    MISLABELLED = "mislabelled"
    DARK = "dark"
    BLURRED = "blurred"
    TINY = "tiny"
    BLANK = "blank"
    CMYK = "cmyk"
    GREYSCALE = "greyscale"
    EXIF_ROTATED = "exif_rotated"
    PNG_AS_JPEG = "png_as_jpeg"
    TRUNCATED = "truncated"


UNFOUND_COPIES = (Kind.CAPTIONED, Kind.WATERMARKED, Kind.CROPPED)
"""Copies that cleaning cannot be relied on to find by their pixels."""

COPIES = (Kind.EXACT_COPY, Kind.RE_ENCODED, Kind.MIRRORED, Kind.LABEL_CONFLICT, *UNFOUND_COPIES)
"""Kinds that repeat a photo of the same batch."""

WITHOUT_MASK = (Kind.TINY, Kind.BLANK, Kind.TRUNCATED)
"""Kinds on which no damage can be pointed at."""


def spoil(drawing: Drawing, kind: Kind, stream: Stream) -> tuple[bytes, Mask]:
    """Turn a drawing into the bytes of a file.

    Args:
        drawing: the good photo.
        kind: what becomes of it.
        stream: the spoil's stream.

    Returns:
        Bytes of a JPEG file (PNG for `png_as_jpeg`), and the mask that fits the upright photo.
    """
    changed = _CHANGES.get(kind, _unchanged)(drawing, stream)
    encode = _ENCODINGS.get(kind, _jpeg)
    return encode(Image.fromarray(changed.pixels), stream), changed.mask


def mask_png(mask: Mask) -> bytes:
    """A mask as a 1-bit PNG, white where damaged.

    Stored, not deflated: compressors choose by processor what to emit.
    """
    return _png_bytes(Image.fromarray(mask))


def _unchanged(drawing: Drawing, stream: Stream) -> Drawing:
    return drawing


def _mirrored(drawing: Drawing, stream: Stream) -> Drawing:
    return Drawing(np.ascontiguousarray(drawing.pixels[:, ::-1]), np.ascontiguousarray(drawing.mask[:, ::-1]))


def _resized(drawing: Drawing, stream: Stream) -> Drawing:
    return _scaled(drawing, stream.between(60, 90) if stream.chance(60) else stream.between(110, 130))


def _cropped(drawing: Drawing, stream: Stream) -> Drawing:
    """A part of 70 to 90 % of the photo that keeps most of its damage, at times enlarged or reduced again."""
    height, width = drawing.mask.shape
    for _ in range(_MAX_CROPS):
        # Sides of 84 to 94 % each give 70 to 89 % of the area.
        rows, columns = height * stream.between(84, 94) // 100, width * stream.between(84, 94) // 100
        top, left = stream.between(0, height - rows), stream.between(0, width - columns)
        window = slice(top, top + rows), slice(left, left + columns)
        mask = drawing.mask[window]
        if mask.sum() * 3 >= drawing.mask.sum() * 2:
            break
    part = Drawing(np.ascontiguousarray(drawing.pixels[window]), np.ascontiguousarray(mask))
    return _scaled(part, stream.between(70, 125)) if stream.chance(50) else part


def _captioned(drawing: Drawing, stream: Stream) -> Drawing:
    pixels, hidden = captioned(drawing.pixels, stream)
    mask = np.zeros(hidden.shape, np.bool_)
    mask[: drawing.mask.shape[0]] = drawing.mask
    return Drawing(pixels, mask & ~hidden)


def _watermarked(drawing: Drawing, stream: Stream) -> Drawing:
    return Drawing(watermarked(drawing.pixels, stream), drawing.mask)


def _tiny(drawing: Drawing, stream: Stream) -> Drawing:
    return _scaled(drawing, stream.between(9, 12))


def _scaled(drawing: Drawing, percent: int) -> Drawing:
    height, width = drawing.mask.shape
    size = (width * percent // 100, height * percent // 100)
    pixels = Image.fromarray(drawing.pixels).resize(size, Image.Resampling.BILINEAR)
    mask = Image.fromarray(drawing.mask).resize(size, Image.Resampling.NEAREST)
    return Drawing(np.asarray(pixels), np.asarray(mask))


def _dark(drawing: Drawing, stream: Stream) -> Drawing:
    return Drawing(drawing.pixels // np.uint8(stream.between(9, 13)), drawing.mask)


def _blurred(drawing: Drawing, stream: Stream) -> Drawing:
    planes = np.moveaxis(drawing.pixels, -1, 0).astype(np.int32) * 16
    radius = stream.between(5, 7)
    for _ in range(3):
        planes = blurred(planes, radius)
    return Drawing(np.ascontiguousarray(np.moveaxis(planes >> 4, 0, -1).astype(np.uint8)), drawing.mask)


def _blank(drawing: Drawing, stream: Stream) -> Drawing:
    grey = stream.between(90, 220)
    faint = stream.grid(0, 1, drawing.mask.shape)[:, :, None] + np.full(3, grey)
    return Drawing(faint.astype(np.uint8), np.zeros_like(drawing.mask))


def _jpeg(image: Image.Image, stream: Stream) -> bytes:
    return _jpeg_bytes(image, stream.between(80, 95))


def _jpeg_again(image: Image.Image, stream: Stream) -> bytes:
    return _jpeg_bytes(image, stream.between(55, 75))


def _cmyk(image: Image.Image, stream: Stream) -> bytes:
    return _jpeg(image.convert("CMYK"), stream)


def _greyscale(image: Image.Image, stream: Stream) -> bytes:
    return _jpeg(image.convert("L"), stream)


def _exif_rotated(image: Image.Image, stream: Stream) -> bytes:
    orientation, turn = (
        (3, Image.Transpose.ROTATE_180),
        (6, Image.Transpose.ROTATE_90),
        (8, Image.Transpose.ROTATE_270),
    )[stream.between(0, 2)]
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = orientation
    return _jpeg_bytes(image.transpose(turn), stream.between(80, 95), exif.tobytes())


def _png(image: Image.Image, stream: Stream) -> bytes:
    return _png_bytes(image)


def _truncated(image: Image.Image, stream: Stream) -> bytes:
    content = _jpeg(image, stream)
    return content[: len(content) * stream.between(30, 70) // 100]


def _jpeg_bytes(image: Image.Image, quality: int, exif: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, exif=exif)
    return buffer.getvalue()


def _png_bytes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


_CHANGES: dict[Kind, Callable[[Drawing, Stream], Drawing]] = {
    Kind.RE_ENCODED: _resized,
    Kind.MIRRORED: _mirrored,
    Kind.CAPTIONED: _captioned,
    Kind.WATERMARKED: _watermarked,
    Kind.CROPPED: _cropped,
    Kind.DARK: _dark,
    Kind.BLURRED: _blurred,
    Kind.TINY: _tiny,
    Kind.BLANK: _blank,
}

_ENCODINGS: dict[Kind, Callable[[Image.Image, Stream], bytes]] = {
    Kind.RE_ENCODED: _jpeg_again,
    Kind.CMYK: _cmyk,
    Kind.GREYSCALE: _greyscale,
    Kind.EXIF_ROTATED: _exif_rotated,
    Kind.PNG_AS_JPEG: _png,
    Kind.TRUNCATED: _truncated,
}
