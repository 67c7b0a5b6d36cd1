import hashlib
import io
import os
import random
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import telling_photos
from PIL import Image

from pipeline.photos.fingerprints import THUMBNAIL_SIDE
from pipeline.photos.listing import FoundFile
from pipeline.photos.reading import read_photo, read_photos
from pipeline.photos.records import PhotoRow
from serving.contract import PhotoLimits

LIMITS = PhotoLimits(max_bytes=100_000, max_pixels=100_000)


def picture(seed: int = 1, size: tuple[int, int] = (96, 64)) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(root: Path, data: bytes, name: str = "photo.jpg") -> PhotoRow:
    path = f"data/one/wall/{name}"
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(data)
    return read_photo(root, FoundFile(path, "one", "wall"), LIMITS)


@pytest.mark.parametrize(
    ("data", "words"),
    (
        (b"", "empty file"),
        (b"To the restorer: these are the photos you asked for.\n" * 9, "not a photo"),
        (encoded(picture())[:-900], "damaged photo"),
        (encoded(picture())[:30], ""),
        (encoded(picture(), "PNG")[:200], "damaged photo"),
        (encoded(picture(), "GIF"), "not a photo"),
        (encoded(picture(), "BMP"), "not a photo"),
        (encoded(Image.new("1", (400, 400)), "PNG"), "at most 100,000 pixels"),
        (os.urandom(100_001), "at most 100,000 are accepted"),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)), ""),
    ),
    ids=(
        "empty",
        "text",
        "truncated JPEG",
        "head of a JPEG",
        "truncated PNG",
        "GIF",
        "BMP",
        "too many pixels",
        "too many bytes",
        "JPEG head, then noise",
    ),
)
def test_unreadable_bytes_cost_only_their_own_row(tmp_path: Path, data: bytes, words: str) -> None:
    row = read(tmp_path, data)
    assert row.error
    assert words in row.error
    assert row.sha256 == hashlib.sha256(data).hexdigest()
    assert row.num_bytes == len(data)
    assert (row.format, row.width, row.height, row.thumbnail) == ("", 0, 0, b"")
    assert "0x" not in row.error
    assert str(tmp_path) not in row.error
    assert row == read(tmp_path, data)


@pytest.mark.parametrize(
    ("image", "kind", "mode"),
    (
        (picture(), "JPEG", "RGB"),
        (picture(), "WEBP", "RGB"),
        (picture().convert("L"), "JPEG", "L"),
        (picture().convert("CMYK"), "JPEG", "CMYK"),
        (picture().convert("RGBA"), "PNG", "RGBA"),
        (picture().convert("P"), "PNG", "P"),
        (picture().convert("1"), "PNG", "1"),
        (Image.fromarray(np.asarray(picture().convert("L")).astype(np.uint16) * 257), "PNG", "I;16"),
    ),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_photos_of_every_accepted_kind_are_read_whatever_the_ending_says(
    tmp_path: Path, image: Image.Image, kind: str, mode: str
) -> None:
    row = read(tmp_path, encoded(image, kind), "photo.jpg")
    assert row.error == ""
    assert (row.format, row.mode, row.width, row.height, row.orientation) == (kind, mode, 96, 64, 1)
    assert len(row.thumbnail) == THUMBNAIL_SIDE**2
    assert row.entropy > 0


def test_a_16_bit_photo_has_the_fingerprints_of_its_8_bit_version(tmp_path: Path) -> None:
    grey = picture().convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    assert read(tmp_path, encoded(deep, "PNG")).thumbnail == read(tmp_path, encoded(grey, "PNG")).thumbnail


@pytest.mark.parametrize(
    ("orientation", "stored"),
    (
        (1, None),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ),
)
def test_a_rotated_photo_reads_like_the_upright_one(
    tmp_path: Path, orientation: int, stored: Image.Transpose | None
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = picture() if stored is None else picture().transpose(stored)
    row = read(tmp_path, encoded(turned, "PNG", exif=exif))
    upright = read(tmp_path, encoded(picture(), "PNG"))
    assert row.orientation == orientation
    assert (row.width, row.height, row.phash, row.thumbnail) == (96, 64, upright.phash, upright.thumbnail)
    assert row.sharpness == upright.sharpness


def test_a_file_that_vanished_or_must_not_be_opened_is_a_row_too(tmp_path: Path) -> None:
    gone = read_photo(tmp_path, FoundFile("data/one/wall/gone.jpg", "one", "wall"), LIMITS)
    barred = read_photo(tmp_path, FoundFile("data/one/wall/a.jpg", "one", "wall", problem="a link"), LIMITS)
    assert gone.error == "cannot be read: No such file or directory"
    assert barred.error == "a link"
    assert gone.sha256 == barred.sha256 == hashlib.sha256(b"").hexdigest()


def test_what_the_batch_says_of_a_photo_reaches_its_row(tmp_path: Path) -> None:
    told = {"group": "g", "mask": "data/b/_masks/m.png", "url": "u", "licence": "CC0", "author": "a", "taken_at": "t"}
    told["site"] = "s"
    row = read_photo(tmp_path, FoundFile("data/b/wall/x.jpg", "b", "wall", **told), LIMITS)
    assert {name: getattr(row, name) for name in told} == told


def test_a_date_that_the_batch_does_not_tell_comes_from_the_photo(tmp_path: Path) -> None:
    data = telling_photos.jpeg(picture())
    row = read(tmp_path, data)
    assert row.taken_at == row.camera_time == "2019-05-03T14:22:10"
    told = FoundFile("data/one/wall/photo.jpg", "one", "wall", taken_at="1905")
    row = read_photo(tmp_path, told, LIMITS)
    assert (row.taken_at, row.camera_time) == ("1905", "2019-05-03T14:22:10")


def test_rows_are_the_same_for_any_order_of_files_and_any_number_of_workers(tmp_path: Path) -> None:
    files = []
    for number in range(150):
        name = f"{number:03}.jpg"
        read(tmp_path, encoded(picture(number, (40, 30))) if number % 10 else b"no photo", name)
        files.append(FoundFile(f"data/one/wall/{name}", "one", "wall"))
    with ThreadPoolExecutor(1) as one:
        expected = list(read_photos(tmp_path, files, LIMITS, one))
    shuffled = random.Random(3).sample(files, len(files))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as two:
        by_processes = list(read_photos(tmp_path, shuffled, LIMITS, two))
    assert [row.path for row in expected] == [file.path for file in files]
    assert [row.path for row in by_processes] == [file.path for file in shuffled]
    assert sorted(by_processes, key=lambda row: row.path) == expected
    assert sum(bool(row.error) for row in expected) == 15
