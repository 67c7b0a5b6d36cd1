"""Thumbnails of a run's photos: made once, of their pixels alone, and empty where there is no photo."""

import base64
from pathlib import Path

from learning_checkouts import photo
from PIL import Image

from pipeline.report.photos import Thumbnails
from serving.contract import PhotoLimits


def test_a_photo_is_read_once(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg", "red", 1)
    pictures = Thumbnails(tmp_path, PhotoLimits())
    first = pictures("a.jpg")
    (tmp_path / "a.jpg").unlink()
    assert first.startswith("data:image/jpeg;base64,")
    assert pictures("a.jpg") == first


def test_a_photo_that_is_gone_unreadable_or_too_large_has_no_picture(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no photo")
    photo(tmp_path / "large.jpg", "red", 1)
    pictures = Thumbnails(tmp_path, PhotoLimits(max_pixels=100))
    assert [pictures(name) for name in ("gone.jpg", "text.jpg", "large.jpg")] == ["", "", ""]


def test_what_a_file_says_beside_its_pixels_does_not_travel(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x013B] = "the owner's name"
    Image.new("RGB", (400, 300)).save(tmp_path / "a.jpg", comment=b"the owner's address", exif=exif)
    picture = base64.b64decode(Thumbnails(tmp_path, PhotoLimits())("a.jpg").partition(",")[2])
    assert b"owner" in (tmp_path / "a.jpg").read_bytes()
    assert b"owner" not in picture
