import ast
import errno
import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
import telling_photos
from PIL import Image

import pipeline
from pipeline.photos import measures
from pipeline.photos.fingerprints import THUMBNAIL_SIDE
from pipeline.photos.listing import FoundFile
from pipeline.photos.measures import Measures, making_of_measures, measure
from pipeline.photos.reading import Identity, read_file, read_photo
from pipeline.photos.records import PhotoRow
from serving.contract import PhotoLimits

LIMITS = PhotoLimits(max_bytes=100_000, max_pixels=100_000)
# What a file is called and where it lies is no measure of it.
BESIDE_MEASURES = {"pipeline/photos/listing.py"}


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


def test_a_file_that_may_not_be_read_is_a_row_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("pipeline.photos.reading.os.open", refuse)
    assert read(tmp_path, encoded(picture())).error == "cannot be read: Permission denied"


def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    reading = read_file(tmp_path / "pipe.jpg", LIMITS)
    assert (reading.measures["error"], reading.whole) == ("not a regular file", False)


@pytest.mark.parametrize("change", ("grows", "is cut", "is written over"))
def test_a_file_that_changes_while_it_is_read_is_a_row_too(tmp_path: Path, change: str) -> None:
    location = tmp_path / "photo.jpg"
    location.write_bytes(encoded(picture()))
    os.utime(location, (1, 1))

    def meddle(data: bytes, limits: PhotoLimits) -> Measures:
        if change == "grows":
            location.write_bytes(data + b"more")
        elif change == "is cut":
            location.write_bytes(data[:-9])
        else:
            location.write_bytes(data)
        return measure(data, limits)

    reading = read_file(location, LIMITS, meddle)
    assert reading.measures["error"] == "it changed while it was read"
    assert reading.measures["sha256"] == hashlib.sha256(b"").hexdigest()
    assert not reading.whole
    assert reading.identity is None


def test_a_file_that_was_just_written_is_not_taken_for_the_same_later(tmp_path: Path) -> None:
    location = tmp_path / "photo.jpg"
    location.write_bytes(encoded(picture()))
    fresh = read_file(location, LIMITS)
    assert fresh.whole
    assert fresh.identity is None


def test_a_file_number_of_64_bits_fits_a_store(tmp_path: Path) -> None:
    status = tmp_path.stat()
    large = os.stat_result((status[0], (1 << 64) - 2, *status[2:10]), {"st_mtime_ns": 1, "st_ctime_ns": 1})
    assert 0 < max(Identity.of(large)) < 1 << 63


def test_what_the_batch_says_of_a_photo_reaches_its_row(tmp_path: Path) -> None:
    told = {"group": "g", "mask": "data/b/_masks/m.png", "url": "u", "licence": "CC0", "author": "a", "taken_at": "t"}
    told["site"] = "s"
    row = read_photo(tmp_path, FoundFile("data/b/wall/x.jpg", "b", "wall", **told), LIMITS)
    assert {name: getattr(row, name) for name in told} == told


def large(seed: int, side: int = 2400) -> Image.Image:
    """A photo of several megapixels with detail at every scale."""
    image = picture(seed, (side, side * 3 // 4))
    noise = np.random.default_rng(seed).normal(0, 12, (side * 3 // 4, side, 1))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("options", ({}, {"progressive": True}), ids=("baseline", "progressive"))
@pytest.mark.parametrize("share", (0.3, 0.9, 0.999))
def test_a_large_jpeg_that_was_cut_is_refused_though_it_is_decoded_small(
    share: float, options: dict[str, bool]
) -> None:
    data = encoded(large(1), quality=90, **options)
    limits = PhotoLimits(len(data), 10_000_000)
    assert measure(data, limits)["error"] == ""
    assert "damaged photo" in measure(data[: int(share * len(data))], limits)["error"]


@pytest.mark.parametrize("orientation", (1, 6))
def test_a_large_jpeg_is_measured_much_like_its_whole_pixels(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    limits = PhotoLimits(50_000_000, 50_000_000)
    small = measure(encoded(large(2, 2200), quality=95, exif=exif), limits)
    whole = measure(encoded(large(2, 2200), "PNG", exif=exif), limits)
    assert (small["width"], small["height"]) == ((2200, 1650) if orientation == 1 else (1650, 2200))
    assert (small["width"], small["height"]) == (whole["width"], whole["height"])
    distance = (small["phash"] ^ whole["phash"]) & (2**64 - 1)
    assert distance.bit_count() <= 2
    greys = [np.frombuffer(one["thumbnail"], np.uint8).astype(int) for one in (small, whole)]
    assert np.abs(greys[0] - greys[1]).max() <= 3
    for name in ("brightness_low", "brightness_high", "colourfulness"):
        assert small[name] == pytest.approx(whole[name], abs=0.02)
    assert small["entropy"] == pytest.approx(whole["entropy"], abs=0.1)


def test_equal_pixels_have_equal_hashes_whatever_the_bytes_and_other_pixels_have_others(tmp_path: Path) -> None:
    image = picture()
    plain, packed = encoded(image, "PNG"), encoded(image, "PNG", compress_level=9, optimize=True)
    assert plain != packed
    hashes = [measure(data, LIMITS)["pixels_sha256"] for data in (plain, packed)]
    assert hashes[0] == hashes[1]
    dotted = image.copy()
    dotted.putpixel((3, 3), (255, 0, 255))
    folded = Image.frombytes("RGB", (64, 96), image.tobytes())
    others = {measure(encoded(other, "PNG"), LIMITS)["pixels_sha256"] for other in (dotted, folded)}
    assert len(others | {hashes[0]}) == 3
    assert measure(b"no photo", LIMITS)["pixels_sha256"] == ""


def test_measures_made_otherwise_are_known_by_another_name() -> None:
    assert making_of_measures(LIMITS) == making_of_measures(LIMITS)
    assert making_of_measures(LIMITS) != making_of_measures(PhotoLimits(1, 1))


def test_the_name_of_measures_covers_all_code_that_makes_them() -> None:
    """Whatever the code of measures imports of this project is hashed, or carries neither pixels nor figures."""
    root = Path(pipeline.__file__).parents[1]
    reached, waiting = set(), [Path(measures.__file__)]
    while waiting:
        file = waiting.pop()
        reached.add(file.relative_to(root).as_posix())
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(("pipeline", "serving")):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                found = [root / f"{name.replace('.', '/')}.py" for name in names]
                waiting += [one for one in found if one.is_file() and one.relative_to(root).as_posix() not in reached]
    shaping = {name for name in reached if name not in BESIDE_MEASURES and not name.startswith("pipeline/core/")}
    hashed = {Path(str(module.__file__)).relative_to(root).as_posix() for module in measures.MAKERS}
    assert shaping == hashed


def test_a_date_that_the_batch_does_not_tell_comes_from_the_photo(tmp_path: Path) -> None:
    data = telling_photos.jpeg(picture())
    row = read(tmp_path, data)
    assert row.taken_at == row.camera_time == "2019-05-03T14:22:10"
    told = FoundFile("data/one/wall/photo.jpg", "one", "wall", taken_at="1905")
    row = read_photo(tmp_path, told, LIMITS)
    assert (row.taken_at, row.camera_time) == ("1905", "2019-05-03T14:22:10")
