"""Thumbnails of a run's photos: made once, and empty where there is no photo."""

from pathlib import Path

from learning_checkouts import photo

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
