"""Batches with HEIC and TIFF photos: what comes into `data/`, what is kept beside it, what makes two batches one."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import dying_conversions
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from pipeline.core.errors import DataError
from pipeline.core.hashing import sha256_by_file
from pipeline.core.parameters import PhotosParameters
from pipeline.core.paths import Layout
from pipeline.intake import converting, finishing
from pipeline.intake.converting import ConversionLimits, Converted
from pipeline.intake.taking import take_in
from pipeline.photos.batches import read_batches
from pipeline.photos.listing import list_files
from pipeline.photos.readers import Readers, in_this_process
from pipeline.photos.reading import read_photo
from serving.contract import PhotoLimits

pillow_heif.register_heif_opener()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    root = tmp_path / "checkout"
    root.mkdir()
    return Layout(root)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Convert in this process, which takes no time to start; `processes` asks for the real ones."""
    if "processes" in request.fixturenames:
        return

    def convert_here(limits: ConversionLimits, conversions: Sequence[converting.Conversion]) -> list[Converted]:
        return [converting.convert(limits, conversion) for conversion in conversions]

    def here(_: int) -> Readers:
        return in_this_process()

    monkeypatch.setattr(finishing, "convert_guarded", convert_here)
    monkeypatch.setattr(finishing, "in_processes", here)


@pytest.fixture
def processes() -> None:
    """Asks for processes of their own, as outside tests."""


def drawn(seed: int, size: tuple[int, int] = (48, 32)) -> Image.Image:
    generator = np.random.default_rng(seed)
    return Image.fromarray(generator.integers(0, 256, (size[1] // 8, size[0] // 8, 3), np.uint8)).resize(size)


def put(path: Path, seed: int, orientation: int = 1, kind: str = "") -> Path:
    """A drawn photo of the kind that its ending says, or of another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    block = Image.Exif()
    block[0x0112] = orientation
    form = {".heic": "HEIF", ".tif": "TIFF", ".jpg": "JPEG"}[kind or path.suffix.lower()]
    drawn(seed).save(path, form, exif=block.tobytes() if form == "HEIF" else block)
    return path


def lines_of(layout: Layout, batch: str) -> dict[str, dict[str, str]]:
    with (layout.data / batch / "photos.csv").open(encoding="utf-8", newline="") as stream:
        return {line["path"]: line for line in csv.DictReader(stream)}


def files_of(layout: Layout, batch: str) -> set[str]:
    return set(sha256_by_file(layout.data / batch)) - {"photos.csv"}


def test_a_converted_photo_lies_by_its_label_and_its_file_beside_it_byte_for_byte(layout: Layout, source: Path) -> None:
    heic, tiff = put(source / "arch/a.HEIC", 1, kind=".heic"), put(source / "arch/b.tif", 2)
    put(source / "vault/c.jpg", 3)
    result = take_in(layout, source, "summer")
    assert files_of(layout, "summer") == {
        "arch/a.jpg",
        "arch/b.jpg",
        "vault/c.jpg",
        "_originals/arch/a.HEIC",
        "_originals/arch/b.tif",
    }
    folder = layout.data / "summer"
    assert (folder / "_originals/arch/a.HEIC").read_bytes() == heic.read_bytes()
    assert (folder / "_originals/arch/b.tif").read_bytes() == tiff.read_bytes()
    assert {path: line["original"] for path, line in lines_of(layout, "summer").items()} == {
        "arch/a.jpg": "_originals/arch/a.HEIC",
        "arch/b.jpg": "_originals/arch/b.tif",
        "vault/c.jpg": "",
    }
    assert result.remarks == ()


def test_stages_see_the_converted_photo_and_neither_its_original_nor_a_warning(layout: Layout, source: Path) -> None:
    put(source / "arch/a.heic", 1)
    put(source / "vault/b.tif", 2, orientation=6)
    take_in(layout, source, "summer")
    listing = list_files(layout, read_batches(layout.batches), PhotosParameters())
    rows = [read_photo(layout.root, file, PhotoLimits()) for file in listing.files]
    assert listing.warnings == ()
    assert [(row.path, row.error, row.width, row.height) for row in rows] == [
        ("data/summer/arch/a.jpg", "", 48, 32),
        ("data/summer/vault/b.jpg", "", 32, 48),
    ]


def test_what_a_file_is_called_does_not_matter(layout: Layout, source: Path) -> None:
    put(source / "arch/lies.jpg", 1, kind=".heic")
    put(source / "arch/lies.heic", 2, kind=".jpg")
    take_in(layout, source, "summer")
    assert files_of(layout, "summer") == {"arch/lies.heic", "arch/lies.jpg", "_originals/arch/lies.jpg"}
    assert (layout.data / "summer/arch/lies.heic").read_bytes().startswith(b"\xff\xd8")


def test_a_jpeg_keeps_its_name_beside_a_heic_of_the_same(layout: Layout, source: Path) -> None:
    jpeg = put(source / "arch/IMG_1.jpg", 1)
    put(source / "arch/IMG_1.HEIC", 1, kind=".heic")
    take_in(layout, source, "summer")
    assert {path: line["original"] for path, line in lines_of(layout, "summer").items()} == {
        "arch/IMG_1.jpg": "",
        "arch/IMG_1-2.jpg": "_originals/arch/IMG_1.HEIC",
    }
    assert (layout.data / "summer/arch/IMG_1.jpg").read_bytes() == jpeg.read_bytes()


def test_a_batch_without_such_photos_has_no_column_of_originals(layout: Layout, source: Path) -> None:
    put(source / "arch/a.jpg", 1)
    take_in(layout, source, "summer")
    header = (layout.data / "summer/photos.csv").read_text().splitlines()[0]
    assert header == "path,label,group,site,taken_at,mask,url,licence,author"


def test_the_same_files_are_the_same_batch_even_if_they_would_be_encoded_otherwise(
    layout: Layout, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(source / "arch/a.heic", 1)
    put(source / "vault/b.tif", 2)
    take_in(layout, source, "summer")
    before = sha256_by_file(layout.data)
    monkeypatch.setattr(converting, "_QUALITIES", (40,))
    assert [taken.is_new for taken in take_in(layout, source, "autumn").taken] == [False]
    assert sha256_by_file(layout.data) == before


def test_photos_seen_before_are_not_converted_again(
    layout: Layout, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(source / "arch/a.heic", 1)
    take_in(layout, source, "summer")
    monkeypatch.delattr(finishing, "convert_guarded")
    assert [taken.is_new for taken in take_in(layout, source, "autumn").taken] == [False]


def test_another_original_makes_another_batch(layout: Layout, source: Path) -> None:
    put(source / "arch/a.heic", 1)
    take_in(layout, source, "summer")
    put(source / "arch/a.heic", 2)
    assert [taken.is_new for taken in take_in(layout, source, "autumn").taken] == [True]


def test_a_converted_batch_can_be_brought_into_another_checkout(layout: Layout, source: Path, tmp_path: Path) -> None:
    put(source / "arch/a.heic", 1)
    put(source / "vault/b.jpg", 2)
    take_in(layout, source, "summer")
    other = Layout(tmp_path / "other")
    other.root.mkdir()
    assert take_in(other, layout.data / "summer", "summer").left_out == ()
    assert sha256_by_file(other.data) == sha256_by_file(layout.data)


def test_originals_that_no_table_names_are_left_out_and_named(layout: Layout, source: Path) -> None:
    put(source / "arch/a.jpg", 1)
    put(source / "_originals/arch/a.tif", 1)
    assert take_in(layout, source, "summer").left_out == ("_originals/arch/a.tif",)
    assert files_of(layout, "summer") == {"arch/a.jpg"}


def test_train_and_test_folders_may_bring_converted_photos(layout: Layout, source: Path) -> None:
    put(source / "train/arch/a.heic", 1)
    put(source / "test/arch/b.tif", 2)
    take_in(layout, source, "quake")
    assert files_of(layout, "quake-train") == {"arch/a.jpg", "_originals/arch/a.heic"}
    assert files_of(layout, "quake-test") == {"arch/b.jpg", "_originals/arch/b.tif"}


def test_a_file_that_cannot_be_converted_is_taken_as_it_came_and_told(layout: Layout, source: Path) -> None:
    put(source / "arch/a.jpg", 1)
    cut = put(source / "arch/b.tif", 2)
    cut.write_bytes(cut.read_bytes()[:1000])
    result = take_in(layout, source, "summer")
    assert files_of(layout, "summer") == {"arch/a.jpg", "arch/b.tif"}
    assert not (layout.data / "summer/_originals").exists()
    assert list(result.unconverted) == ["summer/arch/b.tif"]
    (said,) = result.in_words()
    assert said.startswith("1 files could not be converted, and will not train: summer/arch/b.tif: ")
    listing = list_files(layout, read_batches(layout.batches), PhotosParameters())
    errors = {file.path: read_photo(layout.root, file, PhotoLimits()).error for file in listing.files}
    assert errors["data/summer/arch/a.jpg"] == ""
    assert "not a photo" in errors["data/summer/arch/b.tif"]
    assert [taken.is_new for taken in take_in(layout, source, "autumn").taken] == [False]


def test_what_is_lost_of_a_file_is_told(layout: Layout, source: Path) -> None:
    path = put(source / "arch/a.tif", 1)
    drawn(1).save(path, "TIFF", save_all=True, append_images=[drawn(2)])
    assert take_in(layout, source, "summer").remarks == ("arch/a.tif was converted: the first of several pages",)


def test_a_decoder_that_dies_costs_its_photo_alone(
    layout: Layout, source: Path, processes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(source / "arch/a.heic", 1)
    put(source / "arch/b.tif", 2).write_bytes(dying_conversions.KILLER)
    put(source / "arch/c.tif", 3)
    monkeypatch.setattr(finishing, "convert_guarded", dying_conversions.convert_or_die)
    result = take_in(layout, source, "summer")
    assert files_of(layout, "summer") >= {"arch/a.jpg", "arch/b.tif", "arch/c.jpg"}
    assert result.unconverted == {"summer/arch/b.tif": "the process that decoded it was killed"}


def test_the_limits_of_a_photo_are_those_that_are_given(layout: Layout, source: Path) -> None:
    put(source / "arch/a.tif", 1)
    result = take_in(layout, source, "summer", limits=PhotoLimits(max_pixels=48 * 32 - 1))
    assert result.unconverted == {"summer/arch/a.tif": "48x32 pixels; at most 1,535 pixels are accepted"}


def test_of_many_remarks_the_first_are_said(layout: Layout, source: Path) -> None:
    for number in range(9):
        path = put(source / f"arch/{number}.tif", number)
        drawn(number).save(path, "TIFF", save_all=True, append_images=[drawn(20)])
    *first, last = take_in(layout, source, "summer").in_words()
    assert (len(first), last) == (5, "4 more remarks like these")


def masked(path: Path, size: tuple[int, int]) -> Path:
    """A mask that marks the upper left quarter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = Image.new("L", size)
    mask.paste(255, (0, 0, size[0] // 2, size[1] // 2))
    mask.save(path)
    return path


@pytest.mark.parametrize(
    ("size", "marked"),
    (
        ((48, 32), (24, 3)),  # made on the pixels as stored: turned with the photo, to the upper right
        ((32, 48), (7, 3)),  # made on the upright photo: left alone
    ),
)
def test_the_mask_of_a_photo_that_was_turned_fits_it(
    layout: Layout, source: Path, size: tuple[int, int], marked: tuple[int, int]
) -> None:
    put(source / "crack/a.tif", 1, orientation=6)
    masked(source / "_masks/a.png", size)
    (source / "photos.csv").write_text("path,mask\ncrack/a.tif,_masks/a.png\n")
    take_in(layout, source, "summer")
    line = lines_of(layout, "summer")["crack/a.jpg"]
    with Image.open(layout.data / "summer" / line["mask"]) as mask:
        assert mask.size == (32, 48)
        assert mask.getpixel(marked) == 255
        assert mask.getpixel((31 - marked[0], 40)) == 0
    assert take_in(layout, source, "again").taken[0].is_new is False


def test_a_mask_that_is_no_picture_stays_as_it_is(layout: Layout, source: Path) -> None:
    put(source / "crack/a.tif", 1, orientation=6)
    (source / "_masks").mkdir()
    (source / "_masks/a.png").write_bytes(b"no picture")
    (source / "photos.csv").write_text("path,mask\ncrack/a.tif,_masks/a.png\n")
    take_in(layout, source, "summer")
    assert (layout.data / "summer/_masks/a.png").read_bytes() == b"no picture"


def test_a_label_with_odd_names_of_files_keeps_them_apart(layout: Layout, source: Path) -> None:
    put(source / "arch/a.heic", 1)
    put(source / "arch/a.tif", 2)
    put(source / "arch" / os.fsdecode(b"caf\xe9.tif"), 3)
    take_in(layout, source, "summer")
    assert files_of(layout, "summer") == {
        "arch/a.jpg",
        "arch/a-2.jpg",
        "arch/caf%xe9.jpg",
        "_originals/arch/a.heic",
        "_originals/arch/a.tif",
        "_originals/arch/caf%xe9.tif",
    }


def test_an_original_that_is_not_there_is_refused(layout: Layout, source: Path) -> None:
    put(source / "arch/a.jpg", 1)
    (source / "photos.csv").write_text("path,original\narch/a.jpg,_originals/arch/a.heic\n")
    with pytest.raises(DataError, match=r"names 1 files that are not there: _originals/arch/a\.heic"):
        take_in(layout, source, "summer")


def test_an_original_elsewhere_is_a_column_like_any_other(layout: Layout, source: Path) -> None:
    put(source / "arch/a.jpg", 1)
    (source / "photos.csv").write_text("path,original\narch/a.jpg,on the old disk\n")
    take_in(layout, source, "summer")
    assert "original" not in lines_of(layout, "summer")["arch/a.jpg"]


def test_the_source_is_left_as_it_was(layout: Layout, source: Path) -> None:
    put(source / "arch/a.heic", 1)
    put(source / "arch/b.tif", 2).write_bytes(b"II*\0 cut")
    before = sha256_by_file(source)
    take_in(layout, source, "summer")
    assert sha256_by_file(source) == before
