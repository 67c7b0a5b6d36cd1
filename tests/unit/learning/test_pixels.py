import io
import resource
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from pipeline.learning.pixels import PixelLimits, decode_photo, photos_to_pixels, squash

LIMITS = PixelLimits(max_bytes=1_000_000, max_pixels=1_000_000)
REFUSED = tf.errors.InvalidArgumentError


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(b"\0" * 1000), b"IEND"]
    framed = [struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def jpeg_claiming(width: int, height: int) -> bytes:
    data = bytearray(encoded(picture(16, 16), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("subsampling", (0, 2), ids=("4:4:4", "4:2:0"))
@pytest.mark.parametrize("progressive", (False, True))
def test_a_jpeg_is_decoded_bit_for_bit_as_pillow_does(subsampling: int, progressive: bool) -> None:
    data = encoded(picture(61, 43), "JPEG", quality=80, subsampling=subsampling, progressive=progressive)
    np.testing.assert_array_equal(decode_photo(tf.constant(data), LIMITS), Image.open(io.BytesIO(data)))


def test_a_png_comes_back_as_it_was() -> None:
    image = picture(31, 47)
    np.testing.assert_array_equal(decode_photo(tf.constant(encoded(image, "PNG")), LIMITS), image)


def test_a_grey_photo_has_three_equal_channels() -> None:
    pixels = decode_photo(tf.constant(encoded(picture(20, 10).convert("L"), "JPEG")), LIMITS).numpy()
    assert pixels.shape == (10, 20, 3)
    assert (pixels == pixels[..., :1]).all()


@pytest.mark.parametrize("size", ((160, 90), (90, 160), (20, 20)), ids=("wide", "tall", "small"))
def test_a_photo_is_squashed_as_pillow_reduces_it(size: tuple[int, int]) -> None:
    image = picture(*size)
    expected = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR), np.float32)
    pixels = squash(tf.constant(np.asarray(image)), 32).numpy()
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, expected, atol=1.01)


def test_squashed_pixels_stay_in_range() -> None:
    stripes = np.zeros((50, 70, 3), np.uint8)
    stripes[::2] = 255
    pixels = squash(tf.constant(stripes), 33).numpy()
    assert pixels.min() >= 0
    assert pixels.max() <= 255 + 1e-3


def test_a_photo_of_the_models_own_size_is_not_resampled() -> None:
    image = np.asarray(picture(32, 32))
    np.testing.assert_array_equal(squash(tf.constant(image), 32), image)


def test_a_photo_does_not_depend_on_its_companions() -> None:
    photos = [encoded(picture(20 + 9 * seed, 60 - 7 * seed, seed), "JPEG") for seed in range(5)]
    together = photos_to_pixels(tf.constant(photos), 24, LIMITS).numpy()
    for photo, pixels in zip(photos, together, strict=True):
        np.testing.assert_allclose(photos_to_pixels(tf.constant([photo]), 24, LIMITS)[0], pixels, atol=1e-6)


def test_no_photos_give_no_pixels() -> None:
    assert photos_to_pixels(tf.constant([], tf.string), 24, LIMITS).shape == (0, 24, 24, 3)


@pytest.mark.parametrize(
    "data",
    (
        b"",
        b"\xff",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 17,
        b"this is a text, and no photo at all",
        encoded(picture(20, 20), "GIF"),
        encoded(picture(20, 20), "BMP"),
        encoded(picture(20, 20), "WEBP"),
        encoded(picture(90, 90), "JPEG")[:700],
        encoded(picture(90, 90), "PNG")[:700],
        png_claiming(0, 5),
    ),
    ids=(
        "empty",
        "one byte",
        "JPEG magic",
        "PNG magic",
        "PNG header cut",
        "text",
        "GIF",
        "BMP",
        "WebP",
        "JPEG cut",
        "PNG cut",
        "no pixels",
    ),
)
def test_what_is_no_whole_jpeg_or_png_is_refused(data: bytes) -> None:
    with pytest.raises(REFUSED):
        decode_photo(tf.constant(data), LIMITS)
    with pytest.raises(REFUSED):
        photos_to_pixels(tf.constant([data]), 24, LIMITS)


@pytest.mark.parametrize(
    "data",
    (png_claiming(20_000, 20_000), jpeg_claiming(60_000, 60_000), png_claiming(2**31 - 1, 2**31 - 1)),
    ids=("PNG", "JPEG", "PNG beyond 32 bits"),
)
def test_a_small_file_that_claims_a_huge_picture_costs_nothing(data: bytes) -> None:
    decode_photo(tf.constant(encoded(picture(9, 9), "PNG")), LIMITS)
    before = peak_megabytes()
    with pytest.raises(REFUSED, match="photo too large"):
        decode_photo(tf.constant(data), LIMITS)
    assert peak_megabytes() - before < 100


@pytest.mark.parametrize("kind", ("JPEG", "PNG"))
def test_limits_are_what_is_still_accepted(kind: str) -> None:
    data = encoded(picture(20, 30), kind)
    decode_photo(tf.constant(data), PixelLimits(len(data), 600))
    with pytest.raises(REFUSED, match="too many bytes"):
        decode_photo(tf.constant(data), PixelLimits(len(data) - 1, 600))
    with pytest.raises(REFUSED, match="too large"):
        decode_photo(tf.constant(data), PixelLimits(len(data), 599))
