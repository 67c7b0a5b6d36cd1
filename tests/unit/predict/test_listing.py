"""Which files are asked about, and in which order."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.predict.listing import list_photos


def problems(source: Path) -> dict[str, str]:
    return {file.path: file.problem for file in list_photos(source)}


def test_every_file_is_listed_in_the_order_of_the_paths(tmp_path: Path, put_photos: Callable[..., Path]) -> None:
    put_photos(tmp_path, "b/a.jpg", "a.jpg", "ä.png", "a/z.jpg")
    (tmp_path / "notes.txt").write_text("x")

    assert list(problems(tmp_path)) == ["a.jpg", "a/z.jpg", "b/a.jpg", "notes.txt", "ä.png"]
    assert not any(problems(tmp_path).values())


def test_hidden_files_masks_originals_and_the_table_of_a_batch_are_not_seen(
    tmp_path: Path, put_photos: Callable[..., Path]
) -> None:
    put_photos(tmp_path, "wall/a.jpg", "_masks/a.png", "_originals/wall/a.heic", ".thumbnails/a.jpg", "wall/.a.jpg")
    (tmp_path / "photos.csv").write_text("path\nwall/a.jpg\n")

    assert list(problems(tmp_path)) == ["wall/a.jpg"]


def test_links_are_followed_to_files_inside_the_folder_alone(tmp_path: Path, put_photos: Callable[..., Path]) -> None:
    folder = put_photos(tmp_path / "photos", "a.jpg", "sub/b.jpg")
    put_photos(tmp_path, "outside.jpg")
    (folder / "inside.jpg").symlink_to("sub/b.jpg")
    (folder / "out.jpg").symlink_to(tmp_path / "outside.jpg")
    (folder / "away").symlink_to(tmp_path)
    (folder / "again").symlink_to("sub")
    (folder / "circle").symlink_to("circle")

    assert problems(folder) == {
        "a.jpg": "",
        "again": "a link to a folder",
        "away": "a link that leads out of the folder",
        "circle": "",
        "inside.jpg": "",
        "out.jpg": "a link that leads out of the folder",
        "sub/b.jpg": "",
    }


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")

    assert problems(tmp_path) == {"pipe.jpg": "not a regular file"}


def test_a_name_that_is_not_utf8_is_spelt_out(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/wall-\xe9.jpg")).write_bytes(b"x")

    assert problems(tmp_path) == {"wall-\\xe9.jpg": "the file's name is not UTF-8"}


def test_a_folder_that_cannot_be_listed_is_a_line_of_its_own(
    tmp_path: Path, put_photos: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_photos(tmp_path, "a.jpg", "shut/b.jpg")
    listing = os.scandir

    def refusing(place: Any) -> Any:  # rights do not bind root, who may run the tests
        if Path(place).name == "shut":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))
        return listing(place)

    monkeypatch.setattr(os, "scandir", refusing)

    assert problems(tmp_path) == {"a.jpg": "", "shut": "a folder that cannot be read: Permission denied"}


def test_a_single_file_is_the_only_one(tmp_path: Path, put_photos: Callable[..., Path]) -> None:
    put_photos(tmp_path, "a.jpg", "b.jpg")

    assert problems(tmp_path / "a.jpg") == {"a.jpg": ""}
