"""Where answers may go, and that they replace an earlier run's answers alone and at once."""

from pathlib import Path

import pytest

from pipeline.core.errors import ParameterError
from pipeline.predict.output import check_place, replacing_folder


def make_answers(folder: Path, text: str = "old") -> Path:
    (folder / "overlays").mkdir(parents=True)
    (folder / "index.html").write_text(text)
    (folder / "predictions.csv").write_text(text)
    return folder


def test_answers_never_go_into_the_photos_or_around_them(tmp_path: Path) -> None:
    photos = tmp_path / "out" / "photos"
    photos.mkdir(parents=True)
    for place in (photos, photos / "answers", tmp_path / "out", tmp_path / "out" / "photos" / ".." / "photos"):
        with pytest.raises(ParameterError, match="neither lies inside"):
            check_place(place, photos)


def test_a_link_does_not_hide_that_the_place_lies_among_the_photos(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to("photos")

    with pytest.raises(ParameterError, match="neither lies inside"):
        check_place(tmp_path / "link" / "answers", tmp_path / "photos")


def test_answers_about_a_single_photo_may_lie_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")

    check_place(tmp_path / "answers", tmp_path / "a.jpg")


def test_nothing_but_answers_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "new", make_answers(tmp_path / "answers")):
        check_place(place, tmp_path / "photos")

    make_answers(tmp_path / "mixed").joinpath("thesis.txt").write_text("years of work")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("somebody's")
    (tmp_path / "file").write_text("x")
    for name in ("mixed", "page", "file"):
        with pytest.raises(ParameterError, match="other things"):
            check_place(tmp_path / name, tmp_path / "photos")


def test_new_answers_take_the_place_of_old_ones_at_the_end(tmp_path: Path) -> None:
    place = make_answers(tmp_path / "answers")
    (place / "overlays" / "stale.jpg").write_bytes(b"x")

    with replacing_folder(place) as unfinished:
        (unfinished / "index.html").write_text("new")
        assert (place / "index.html").read_text() == "old"

    assert (place / "index.html").read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["answers"]
    assert [entry.name for entry in place.iterdir()] == ["index.html"]


def test_a_failure_leaves_the_old_answers_and_no_rest(tmp_path: Path) -> None:
    place = make_answers(tmp_path / "answers")

    with pytest.raises(RuntimeError), replacing_folder(place):
        raise RuntimeError

    assert (place / "index.html").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["answers"]


def test_what_a_killed_run_left_does_not_come_along(tmp_path: Path) -> None:
    make_answers(tmp_path / ".answers.unfinished")
    make_answers(tmp_path / ".answers.earlier")

    with replacing_folder(tmp_path / "answers") as unfinished:
        assert not list(unfinished.iterdir())

    assert [entry.name for entry in tmp_path.iterdir()] == ["answers"]
