"""What a readable photo is turned into, and what is refused."""

import io
import re
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from serving import contract

LIMITS = contract.PhotoLimits()
ORIENTATION = 0x0112


def scene(width: int = 24, height: int = 16) -> Image.Image:
    """A smooth scene whose four corners differ, so that a turned or mirrored copy shows."""
    across = np.linspace(0, 255, width)[None, :].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return Image.fromarray(np.stack([across, down, np.full_like(down, 90)], 2).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def oriented(orientation: int, kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encoded(scene(), kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {}))


def png_with_bit_depth_16() -> bytes:
    """A 2x1 RGB PNG of 16 bits a channel, which Pillow reads but does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    row = b"\0" + struct.pack(">6H", 0x1234, 0x5678, 0x9ABC, 0xFFFF, 0x00FF, 0x8000)
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")


def png_header_of(width: int, height: int) -> bytes:
    """The first bytes of a PNG that claims a size and holds nothing."""
    content = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + b"IHDR" + content + struct.pack(">I", zlib.crc32(b"IHDR" + content))
    empty = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + header + empty


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data))).astype(int)


@pytest.mark.parametrize("kind", ("JPEG", "PNG"))
def test_an_upright_rgb_photo_passes_byte_for_byte(kind: str) -> None:
    data = encoded(scene(), kind)
    assert contract.upright(data) == data


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ("JPEG", "PNG"))
def test_every_orientation_is_turned_upright_as_pillow_turns_it(kind: str, orientation: int) -> None:
    data = oriented(orientation, kind)
    photo = contract.read_upright(data, LIMITS)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert photo.orientation == orientation
    assert np.array_equal(np.asarray(photo.image), np.asarray(expected))
    again = contract.read_upright(contract.upright(data), LIMITS)
    assert again.orientation == 1
    assert np.abs(np.asarray(again.image).astype(int) - np.asarray(expected).astype(int)).max() <= 6


@pytest.mark.parametrize(
    ("image", "kind"),
    (
        (scene().convert("L"), "JPEG"),
        (scene().convert("L"), "PNG"),
        (scene().convert("CMYK"), "JPEG"),
        (scene().convert("P"), "PNG"),
        (scene().convert("1"), "PNG"),
        (scene().convert("LA"), "PNG"),
        (scene().convert("RGBA"), "PNG"),
        (scene(), "WEBP"),
        (scene().convert("RGBA"), "WEBP"),
    ),
    ids=lambda value: value if isinstance(value, str) else value.mode,
)
def test_every_mode_and_format_becomes_what_models_accept(image: Image.Image, kind: str) -> None:
    data = encoded(image, kind)
    photo = contract.read_upright(data, LIMITS)
    assert (photo.format, photo.image.mode, photo.image.size) == (kind, "RGB", image.size)
    result = Image.open(io.BytesIO(contract.upright(data)))
    assert result.format == ("PNG" if kind == "PNG" else "JPEG")
    assert (result.mode, result.size) == ("RGB", image.size)
    assert contract.upright(contract.upright(data)) == contract.upright(data)


def test_png_stays_lossless() -> None:
    grey = scene().convert("L")
    assert np.array_equal(pixels(contract.upright(encoded(grey, "PNG")))[..., 0], np.asarray(grey))


@pytest.mark.parametrize("transparency", ("channel", "key colour", "palette"))
def test_transparent_pixels_are_laid_on_white(transparency: str) -> None:
    black = Image.new("RGB", (4, 4))
    if transparency == "channel":
        data = encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG")
    elif transparency == "key colour":
        data = encoded(black, "PNG", transparency=(0, 0, 0))
    else:
        data = encoded(black.convert("P"), "PNG", transparency=black.convert("P").getpixel((0, 0)))
    assert (pixels(contract.upright(data)) == 255).all()


def test_sixteen_bit_greys_keep_their_high_byte() -> None:
    greys = np.array([[0, 255, 256, 0x1234, 0xFFFF]], dtype=np.uint16)
    result = pixels(contract.upright(encoded(Image.fromarray(greys), "PNG")))
    assert result[0, :, 0].tolist() == (greys[0] >> 8).tolist()


def test_sixteen_bit_colours_become_eight_bit() -> None:
    result = contract.upright(png_with_bit_depth_16())
    assert pixels(result).tolist() == [[[0x12, 0x56, 0x9A], [0xFF, 0x00, 0x80]]]
    assert result[24] == 8


def test_a_multi_picture_jpeg_is_a_jpeg_and_its_first_photo_counts() -> None:
    data = encoded(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (24, 16))])
    photo = contract.read_upright(data, LIMITS)
    assert photo.format == "JPEG"
    assert np.asarray(photo.image).max() > 200


def test_an_animated_webp_shows_its_first_frame() -> None:
    data = encoded(Image.new("RGB", (8, 8), "red"), "WEBP", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    assert pixels(contract.upright(data))[4, 4, 0] > 200


def test_broken_exif_does_not_cost_the_photo() -> None:
    data = encoded(scene(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    assert contract.read_upright(data, LIMITS).orientation == 1


def test_an_orientation_out_of_range_counts_as_upright() -> None:
    assert contract.read_upright(oriented(9), LIMITS).orientation == 1


@pytest.mark.parametrize(
    ("data", "words"),
    (
        (b"", "empty"),
        (b"This is a letter, not a photo.\n" * 20, "not a photo"),
        (encoded(scene(), "GIF"), "not a photo"),
        (encoded(scene(), "BMP"), "not a photo"),
        (encoded(scene(), "TIFF"), "not a photo"),
        (encoded(scene(200, 200), "JPEG")[:-400], "damaged"),
        (encoded(scene(200, 200), "PNG")[:-400], "damaged"),
        (encoded(scene(200, 200), "WEBP")[:-20], "photo"),
        (encoded(scene(), "JPEG")[:3], "photo"),
    ),
    ids=["empty", "text", "gif", "bmp", "tiff", "cut jpeg", "cut png", "cut webp", "three bytes"],
)
def test_what_is_no_whole_photo_is_refused_in_one_line(data: bytes, words: str) -> None:
    with pytest.raises(contract.UnreadablePhoto, match=words) as refused:
        contract.upright(data)
    assert "\n" not in str(refused.value)
    assert "0x" not in str(refused.value)


@pytest.mark.parametrize("side", (10_000, 12_000, 60_000))
def test_a_pixel_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    with pytest.raises(contract.PhotoTooLarge, match="50,000,000"):
        contract.upright(png_header_of(side, side))


@pytest.mark.parametrize("size", ((800, 600), (600, 800), (1600, 100), (40, 30)), ids=str)
@pytest.mark.parametrize("kind", ("JPEG", "MPO", "PNG", "WEBP"))
def test_a_small_photo_is_the_photo_shrunk(kind: str, size: tuple[int, int]) -> None:
    data = encoded(scene(*size), kind, **({"quality": 95} if kind == "JPEG" else {}))
    expected = contract.read_upright(data, LIMITS).image
    expected.thumbnail((50, 50), Image.Resampling.LANCZOS)
    small = contract.read_upright_small(data, LIMITS, 50)
    assert (small.mode, small.size) == ("RGB", expected.size)
    assert np.abs(np.asarray(small, np.int16) - np.asarray(expected)).mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_small_photo_is_turned_upright_too(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = encoded(scene(800, 608), "JPEG", exif=exif)
    expected = contract.read_upright(data, LIMITS).image.resize((50, 38) if orientation < 5 else (38, 50))
    small = contract.read_upright_small(data, LIMITS, 50)
    assert np.abs(np.asarray(small, np.int16) - np.asarray(expected)).mean() < 4


def test_a_large_jpeg_is_not_decoded_in_full_for_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    shrink = Image.Image.thumbnail
    monkeypatch.setattr(
        Image.Image, "thumbnail", lambda image, *a, **k: (decoded.append(image.size), shrink(image, *a, **k))
    )
    contract.read_upright_small(encoded(scene(800, 600), "JPEG"), LIMITS, 50)
    assert decoded == [(100, 75)]


def test_small_photos_are_refused_as_whole_ones_are() -> None:
    data = encoded(scene(800, 600), "JPEG")
    for broken, limits in (
        (b"", LIMITS),
        (data[: len(data) // 2], LIMITS),
        (data, contract.PhotoLimits(max_bytes=len(data) - 1)),
        (data, contract.PhotoLimits(max_pixels=800 * 600 - 1)),
    ):
        with pytest.raises(contract.UnreadablePhoto) as whole:
            contract.read_upright(broken, limits)
        with pytest.raises(type(whole.value), match=re.escape(str(whole.value)[:10])):
            contract.read_upright_small(broken, limits, 50)


def test_the_limits_are_inclusive() -> None:
    data = encoded(scene(10, 10), "PNG")
    assert contract.upright(data, contract.PhotoLimits(max_bytes=len(data), max_pixels=100)) == data
    for limits in (contract.PhotoLimits(len(data) - 1, 100), contract.PhotoLimits(len(data), 99)):
        with pytest.raises(contract.PhotoTooLarge):
            contract.upright(data, limits)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "WEBP"]), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255))))
def test_damage_anywhere_gives_a_photo_or_a_refusal(kind: str, damage: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(scene(), kind))
    for position, value in damage:
        data[position % len(data)] = value
    try:
        result = contract.upright(bytes(data))
    except contract.UnreadablePhoto:
        return
    assert Image.open(io.BytesIO(result)).mode == "RGB"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_at_worst(data: bytes) -> None:
    with pytest.raises(contract.UnreadablePhoto):
        contract.upright(b"\x89PNG\r\n\x1a\n" + data)


def test_threads_leave_the_warning_filters_as_they_were() -> None:
    before = list(warnings.filters)
    data = [oriented(6), encoded(scene(), "PNG"), encoded(scene(), "WEBP")] * 20
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(contract.upright, data))
    assert list(warnings.filters) == before
