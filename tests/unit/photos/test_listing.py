import errno
import os
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import DataError
from pipeline.core.parameters import PhotosParameters
from pipeline.core.paths import Layout
from pipeline.intake.source_tables import Facts, PhotoLine, read_source_table, write_photos_csv
from pipeline.photos.listing import FoundFile, Listing, list_files
from pipeline.photos.records import Batch

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20).map(
    lambda text: " ".join(text.split())
)
FACTS = st.builds(
    Facts, **{field.name: CELLS for field in fields(Facts)} | {"mask": st.just(""), "original": st.just("")}
)


def batches(*names: str) -> list[Batch]:
    return [Batch(name, "", "0" * 64, 1) for name in names]


def put(root: Path, *paths: str, text: str = "x") -> None:
    for path in paths:
        (root / "data" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "data" / path).write_text(text, encoding="utf-8")


def listed(root: Path, *names: str, **photos: tuple[str, ...]) -> Listing:
    return list_files(Layout(root), batches(*names), PhotosParameters(**photos))


def labels(listing: Listing) -> dict[str, str | None]:
    return {file.path: file.label for file in listing.files}


def test_every_file_is_listed_but_masks_originals_the_table_and_hidden_files(tmp_path: Path) -> None:
    put(tmp_path, "one/wall/b.jpg", "one/wall/a.jpg", "one/arch/readme.txt", "one/wall/deep/c.png", "one/loose.jpg")
    put(
        tmp_path,
        "one/_unlabelled/d.jpg",
        "one/_masks/a.png",
        "one/_originals/wall/a.heic",
        "one/.DS_Store",
        "one/wall/.hidden",
        "one/.git/x.jpg",
    )
    put(tmp_path, "one/photos.csv", text="path,url\nwall/a.jpg,https://example.org/a\n")
    listing = listed(tmp_path, "one")
    assert labels(listing) == {
        "data/one/_unlabelled/d.jpg": None,
        "data/one/arch/readme.txt": "arch",
        "data/one/loose.jpg": None,
        "data/one/wall/a.jpg": "wall",
        "data/one/wall/b.jpg": "wall",
        "data/one/wall/deep/c.png": "wall",
    }
    assert [file.path for file in listing.files] == sorted(file.path for file in listing.files)
    assert listing.warnings == ()


def test_the_table_of_a_batch_gives_label_group_mask_and_origin(tmp_path: Path) -> None:
    put(tmp_path, "one/wall/a.jpg", "one/_unlabelled/b.jpg", "one/_masks/a.png")
    put(
        tmp_path,
        "one/photos.csv",
        text="path,label,group,site,taken_at,mask,url,licence,author\n"
        "wall/a.jpg,arch,north,abbey,2024-05-01,_masks/a.png,https://example.org/a,CC0,Ada\n"
        "_unlabelled/b.jpg,tower,,abbey,,,,,\n",
    )
    first, second = (listed(tmp_path, "one").files[number] for number in (1, 0))
    assert first == FoundFile(
        path="data/one/wall/a.jpg",
        batch="one",
        label="arch",
        group="north",
        mask="data/one/_masks/a.png",
        url="https://example.org/a",
        licence="CC0",
        author="Ada",
        taken_at="2024-05-01",
        site="abbey",
    )
    assert (second.label, second.group, second.site) == ("tower", "abbey", "abbey")


def test_lines_that_name_what_is_not_there_and_folders_of_no_batch_are_warned_of(tmp_path: Path) -> None:
    put(tmp_path, "one/wall/a.jpg", "two/wall/a.jpg")
    put(tmp_path, "one/photos.csv", text="path,mask\nwall/a.jpg,../../secret.png\nwall/gone.jpg,\n")
    listing = listed(tmp_path, "one")
    assert len(listing.warnings) == 3
    assert listing.files[0].mask == ""
    assert any("wall/gone.jpg is not there" in warning for warning in listing.warnings)
    assert any("data/two is left out" in warning for warning in listing.warnings)


def test_links_out_of_the_data_pipes_and_odd_names_are_listed_with_a_problem(tmp_path: Path) -> None:
    put(tmp_path, "one/wall/a.jpg", "two/wall/b.jpg")
    (tmp_path / "secret.jpg").write_text("x")
    folder = tmp_path / "data" / "one" / "wall"
    (folder / "inside.jpg").symlink_to(tmp_path / "data" / "two" / "wall" / "b.jpg")
    (folder / "outside.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "folder").symlink_to(tmp_path / "data" / "two")
    os.mkfifo(folder / "pipe.jpg")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.jpg")).write_text("x")
    problems = {Path(file.path).name: file.problem for file in listed(tmp_path, "one").files}
    assert problems == {
        "a.jpg": "",
        "inside.jpg": "",
        "outside.jpg": "a link that leads out of data/",
        "folder": "a link to a folder",
        "pipe.jpg": "not a regular file",
        "\\xff.jpg": "the file's name is not UTF-8",
    }


def test_links_that_lead_in_circles_or_nowhere_hold_nobody_up(tmp_path: Path) -> None:
    put(tmp_path, "one/wall/a.jpg")
    folder = tmp_path / "data" / "one" / "wall"
    (folder / "itself.jpg").symlink_to("itself.jpg")
    (folder / "there.jpg").symlink_to("back.jpg")
    (folder / "back.jpg").symlink_to("there.jpg")
    (folder / "up").symlink_to(folder.parent)
    (folder / "gone.jpg").symlink_to("missing.jpg")
    problems = {Path(file.path).name: file.problem for file in listed(tmp_path, "one").files}
    circle = "a link that leads in a circle"
    assert problems == {
        "a.jpg": "",
        "itself.jpg": circle,
        "there.jpg": circle,
        "back.jpg": circle,
        "up": "a link to a folder",
        "gone.jpg": "",
    }


def test_a_folder_that_cannot_be_looked_into_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "one/wall/a.jpg", "one/arch/b.jpg")
    look = os.scandir

    def refuse(place: str) -> Iterator[os.DirEntry[str]]:
        if str(place).endswith("arch"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)
        return look(place)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = listed(tmp_path, "one")
    assert labels(listing) == {"data/one/wall/a.jpg": "wall"}
    assert ["cannot be looked into: Permission denied" in warning for warning in listing.warnings] == [True]


def test_a_folder_of_twenty_thousand_files_is_listed_whole(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "one" / "wall"
    folder.mkdir(parents=True)
    for number in range(20_000):
        (folder / f"{number}.jpg").touch()
    files = listed(tmp_path, "one").files
    assert len(files) == 20_000
    assert [file.path for file in files] == sorted(file.path for file in files)


def test_globs_choose_batches_and_classes_choose_labels_but_keep_the_unlabelled(tmp_path: Path) -> None:
    put(tmp_path, "ahe-1/wall/a.jpg", "ahe-2/arch/b.jpg", "ahe-2/_unlabelled/c.jpg", "demo/wall/d.jpg")
    all_three = listed(tmp_path, "ahe-1", "ahe-2", "demo", batches=("ahe-*",))
    assert labels(all_three).keys() == {
        "data/ahe-1/wall/a.jpg",
        "data/ahe-2/arch/b.jpg",
        "data/ahe-2/_unlabelled/c.jpg",
    }
    arches = listed(tmp_path, "ahe-1", "ahe-2", "demo", batches=("ahe-*",), classes=("arch",))
    assert labels(arches) == {"data/ahe-2/arch/b.jpg": "arch", "data/ahe-2/_unlabelled/c.jpg": None}


@pytest.mark.parametrize(
    ("names", "photos", "came"),
    (
        ((), {}, "names no batch"),
        (("one",), {"batches": ("ahe-*",)}, "matches no batch"),
        (("gone",), {}, "gone is missing"),
        (("one",), {"classes": ("wal",)}, "names wal, of which there is no file"),
        (("empty",), {}, "hold no file"),
        (("table",), {}, "more cells than the header"),
        (("outside",), {}, "leads out"),
    ),
)
def test_what_cannot_be_listed_is_refused_with_what_came_and_what_to_do(
    tmp_path: Path, names: tuple[str, ...], photos: dict[str, tuple[str, ...]], came: str
) -> None:
    put(tmp_path, "one/wall/a.jpg", "table/wall/a.jpg")
    put(tmp_path, "table/photos.csv", text="path\nwall/a.jpg,wall\n")
    (tmp_path / "data" / "empty").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data" / "outside").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=came) as caught:
        listed(tmp_path, *names, **photos)
    assert caught.value.expected
    assert caught.value.todo


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["a.jpg", "b, c.jpg", 'd "e".jpg', "façade.jpg"]), FACTS, max_size=4))
def test_what_is_written_of_photos_is_what_is_read_of_them(told: dict[str, Facts]) -> None:
    lines = [PhotoLine(f"wall/{name}", "wall", facts) for name, facts in told.items()]
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), *(f"one/{line.path}" for line in lines), "one/wall/z.jpg")
        write_photos_csv(Path(folder) / "data" / "one" / "photos.csv", lines)
        files = {Path(file.path).name: file for file in listed(Path(folder), "one").files}
        names = [line.path for line in lines] + ["photos.csv"]
        again = read_source_table(Path(folder) / "data" / "one", names).lines
    assert files.pop("z.jpg") == FoundFile("data/one/wall/z.jpg", "one", "wall")
    assert {Path(path).name: line.facts for path, line in again.items()} == told
    for name, facts in told.items():
        found = files[name]
        for column in ("site", "taken_at", "url", "licence", "author"):
            assert getattr(found, column) == getattr(facts, column)
        assert found.group == (facts.group or facts.site)
