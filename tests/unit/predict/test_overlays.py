"""Overlays: where they lie, how large they are, and what does not travel in them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.predict.overlays import MAX_SIDE, overlay_path, shrunk, write_overlay

HALF = np.full((4, 4), 0.5, dtype=np.float32)
NAMES = st.lists(st.sampled_from(("a", "a.jpg", "a.jpg_", "a.jpg__", "a.png", "ä", "x" * 252)), min_size=1, max_size=3)


def test_overlays_mirror_the_folder() -> None:
    assert overlay_path("nord/Wand é.png") == "overlays/nord/Wand é.png.jpg"


@given(st.sets(NAMES.map("/".join), min_size=2))
def test_no_two_photos_share_a_place_and_no_overlay_is_a_folder(paths: set[str]) -> None:
    # Not both a file and a folder among the photos, as on a disk.
    files = {path for path in paths if not any(other.startswith(f"{path}/") for other in paths)}
    places = {overlay_path(path) for path in files}

    assert len(places) == len(files)
    assert not any(other.startswith(f"{place}/") for place in places for other in places)


@pytest.mark.parametrize("name", ("x" * 255, "é" * 127, f"{'x' * 251}.jpg/a"))
def test_the_longest_names_still_fit(name: str, tmp_path: Path) -> None:
    write_overlay(tmp_path / overlay_path(name), Image.new("RGB", (8, 6)), HALF)


def test_a_large_photo_is_shrunk_and_a_small_one_stays() -> None:
    assert shrunk(Image.new("RGB", (3000, 1500))).size == (MAX_SIDE, MAX_SIDE // 2)
    assert shrunk(Image.new("RGB", (300, 150))).size == (300, 150)


def test_place_and_comments_do_not_travel(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 30.0)})
    exif[0x010E] = "secret garden"
    comment = b"secret garden"
    Image.new("RGB", (80, 60), "red").save(tmp_path / "a.jpg", exif=exif, comment=comment, xmp=b"<x>secret garden</x>")
    assert (tmp_path / "a.jpg").read_bytes().count(comment) == 3

    with Image.open(tmp_path / "a.jpg") as photo:
        write_overlay(tmp_path / "b.jpg", shrunk(photo), HALF)

    with Image.open(tmp_path / "b.jpg") as overlay:
        assert not overlay.getexif()
        assert set(overlay.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert comment not in (tmp_path / "b.jpg").read_bytes()


def test_an_overlay_is_never_written_over_another(tmp_path: Path) -> None:
    write_overlay(tmp_path / "a.jpg", Image.new("RGB", (8, 6)), HALF)

    with pytest.raises(FileExistsError):
        write_overlay(tmp_path / "a.jpg", Image.new("RGB", (8, 6)), HALF)
