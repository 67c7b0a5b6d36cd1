"""What a photo's file says beside its picture goes, and no pixel changes."""

import io
import time
from typing import Any

import numpy as np
import pytest
import telling_photos
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from serving import contract
from serving.metadata import without_metadata

LIMITS = contract.PhotoLimits()


def picture(width: int = 40, height: int = 24, seed: int = 0) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pillow_pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def tensorflow_pixels(data: bytes) -> np.ndarray:
    if data.startswith(b"\x89PNG"):
        return tf.io.decode_png(data, channels=3).numpy()
    return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE").numpy()


def stripped(data: bytes) -> bytes:
    """The photo without metadata, of which both decoders say the same as of the photo with it."""
    result = without_metadata(data)
    assert result is not None
    assert np.array_equal(pillow_pixels(result), pillow_pixels(data))
    assert np.array_equal(tensorflow_pixels(result), tensorflow_pixels(data))
    assert without_metadata(result) == result
    return result


@pytest.mark.parametrize("kind", ("jpeg", "multi_picture", "png"))
def test_every_place_that_a_file_can_tell_goes_and_no_pixel_changes(kind: str) -> None:
    data = getattr(telling_photos, kind)(picture())
    assert telling_photos.secrets_in(data)
    result = stripped(data)
    assert not telling_photos.secrets_in(result)
    assert contract.upright(data) == result
    read = Image.open(io.BytesIO(result))
    assert not read.getexif()
    assert set(read.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("kind", ("jpeg", "png", "webp"))
@pytest.mark.parametrize("orientation", (1, 6))
@pytest.mark.parametrize("mode", ("RGB", "L"))
def test_what_goes_over_the_wire_tells_no_place_however_it_came(kind: str, orientation: int, mode: str) -> None:
    data = getattr(telling_photos, kind)(picture().convert(mode), orientation)
    photo = contract.read_upright(data, LIMITS)
    assert photo.exif
    assert photo.orientation == orientation
    small = contract.read_upright_small(data, LIMITS, 16)
    saved = [
        encoded(image, kind) for image in (photo.image, photo.image.copy(), small) for kind in ("JPEG", "PNG", "WEBP")
    ]
    for result in (contract.upright(data), *saved):
        assert not telling_photos.secrets_in(result)
        assert not Image.open(io.BytesIO(result)).getexif()
        assert b"acsp" not in result


@settings(max_examples=80, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    options=st.fixed_dictionaries(
        {
            "quality": st.integers(1, 100),
            "progressive": st.booleans(),
            "optimize": st.booleans(),
            "restart_marker_blocks": st.integers(0, 3),
        }
    ),
    colours=st.sampled_from([{"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2}, {"keep_rgb": True}]),
    segments=st.lists(
        st.tuples(st.sampled_from([*range(0xE0, 0xF0), 0xFE]), st.binary(max_size=40), st.integers(0, 3)), max_size=8
    ),
    behind=st.binary(max_size=60),
)
def test_any_jpeg_keeps_its_pixels_and_loses_the_rest(
    size: tuple[int, int],
    options: dict[str, Any],
    colours: dict[str, Any],
    segments: list[tuple[int, bytes, int]],
    behind: bytes,
) -> None:
    plain = encoded(picture(*size), "JPEG", **colours, **options)
    data = plain
    for code, content, padding in segments:
        data = telling_photos.with_segment(data, code, content)
        data = data[:2] + b"\xff" * padding + data[2:]
    result = stripped(data + behind)
    assert np.array_equal(pillow_pixels(result), pillow_pixels(plain))
    assert len(result) <= len(plain)


@pytest.mark.parametrize("code", (0xE1, 0xED, 0xFE))
def test_segments_between_and_behind_the_scans_of_a_jpeg_go(code: int) -> None:
    data = encoded(picture(), "JPEG", progressive=True)
    for place in reversed([at for at in range(len(data)) if data[at : at + 2] in (b"\xff\xda", b"\xff\xd9")]):
        data = telling_photos.with_segment(data, code, b"Kalamaja-7", place)
    assert b"Kalamaja-7" not in stripped(data)


def test_how_colours_are_stored_is_kept() -> None:
    green = Image.new("RGB", (16, 16), (10, 200, 30))
    assert pillow_pixels(stripped(encoded(green, "JPEG", keep_rgb=True, quality=95)))[8, 8].tolist() == [10, 200, 30]


def test_the_preview_in_a_jpegs_first_segment_goes() -> None:
    plain = encoded(picture(), "JPEG")
    preview = plain[6:18] + b"\x02\x01" + b"Kalama"
    data = telling_photos.with_segment(plain[:2] + plain[20:], 0xE0, preview)
    data = telling_photos.with_segment(data, 0xE0, b"JFXX\0\x13\x01\x01Kalama", 2 + 4 + len(preview))
    assert b"Kalama" in data
    assert stripped(data) == plain


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    chunks=st.lists(
        st.tuples(
            st.sampled_from([b"tEXt", b"eXIf", b"prVt", b"pHYs", b"tIME"]),
            st.just(b"\0\0\0\1\0\0\0\1\0"),
            st.booleans(),
        ),
        max_size=6,
        unique_by=lambda chunk: chunk[0],
    ),
    behind=st.binary(max_size=60),
)
def test_any_png_keeps_its_pixels_and_loses_the_rest(
    size: tuple[int, int], chunks: list[tuple[bytes, bytes, bool]], behind: bytes
) -> None:
    plain = encoded(picture(*size), "PNG")
    data = plain
    for kind, content, at_end in chunks:
        data = telling_photos.with_chunk(data, kind, content, len(data) - 12 if at_end else 33)
    assert stripped(data + behind) == plain


def test_a_brightness_curve_in_a_png_never_changed_its_pixels() -> None:
    data = telling_photos.with_chunk(encoded(picture(), "PNG"), b"gAMA", (10_000).to_bytes(4))
    assert b"gAMA" not in stripped(data)


def test_what_calls_itself_picture_behind_the_picture_of_a_png_goes() -> None:
    plain = encoded(picture(), "PNG")
    data = telling_photos.with_chunk(plain, b"IDAT", b"Kalamaja-7", len(plain) - 12)
    data = telling_photos.with_chunk(data, b"tEXt", b"a\0b", len(plain) - 12)
    assert without_metadata(data) == plain


@pytest.mark.parametrize(
    "data",
    (
        b"",
        b"RIFF....WEBP",
        b"\xff\xd8",
        encoded(picture(), "JPEG")[:-2],
        telling_photos.with_segment(encoded(picture(), "JPEG"), 0xE1, b"")[:4] + b"\xff\xff",
        b"\xff\xd8\xff\xe1\0\1" + encoded(picture(), "JPEG"),
        encoded(picture(), "JPEG")[:20] + encoded(picture(), "JPEG"),
        telling_photos.with_segment(encoded(picture(), "JPEG"), 0x63, b"damage"),
        b"\xff\xd8\xff\xd9" + encoded(picture(), "JPEG"),
        encoded(picture(), "PNG")[:-4],
        encoded(picture(), "PNG")[:33] + b"\xff\xff\xff\xfftEXt",
    ),
    ids=[
        "empty",
        "webp",
        "start",
        "no end",
        "beyond the end",
        "short",
        "start twice",
        "unknown",
        "end before the picture",
        "cut png",
        "beyond the png",
    ],
)
def test_files_that_are_not_laid_out_so_are_left_to_be_encoded_anew(data: bytes) -> None:
    assert without_metadata(data) is None


def test_a_readable_file_of_unclear_layout_is_encoded_anew_without_its_place() -> None:
    plain = telling_photos.jpeg(picture())
    data = plain[:-2] + b"\xff\xe1\xff\xffKalamaja-7" + plain[-2:]
    result = contract.upright(data)
    assert without_metadata(data) is None
    assert not telling_photos.secrets_in(result)
    assert np.abs(pillow_pixels(result).astype(int) - pillow_pixels(plain)).max() <= 12


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG"]), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6))
def test_damage_costs_no_more_than_metadata(kind: str, damage: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(picture(), kind))
    for position, value in damage:
        data[position % len(data)] = value
    try:
        photo = contract.read_upright(bytes(data), LIMITS)
    except contract.UnreadablePhoto:
        return
    result = without_metadata(bytes(data))
    if photo.accepted_as_stored and result is not None:
        assert np.array_equal(contract.read_upright(result, LIMITS).image, photo.image)


@pytest.mark.parametrize(
    "part",
    (
        (b"\xff\xd8", b"\xff\xe1\0\2"),
        (b"\xff\xd8", b"\xff"),
        (b"\xff\xd8\xff\xda\0\2", b"\xff\0"),
        (b"\xff\xd8\xff\xda\0\2", b"\xff\xd0"),
        (b"\x89PNG\r\n\x1a\n", b"\0\0\0\0tEXt\0\0\0\0"),
    ),
    ids=["segments", "padding", "scan", "restarts", "chunks"],
)
def test_time_grows_no_faster_than_the_file(part: tuple[bytes, bytes]) -> None:
    start, repeated = part
    seconds = []
    for size in (200_000, 3_200_000):
        data = start + repeated * (size // len(repeated))
        begun = time.process_time()
        without_metadata(data)
        seconds.append(time.process_time() - begun)
    # Sixteen times the file; were it squares, it would be 256 times the time.
    assert seconds[1] < 64 * seconds[0] + 0.05
