"""Intake: every layout, every refusal, and batches that arrive whole or not at all."""

import csv
import errno
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from dvc.fs import localfs
from dvc.rwlock import rwlock

from pipeline.core.errors import DataError, MachineError, ParameterError, PipelineError
from pipeline.core.locks import held_lock
from pipeline.core.parameters import PhotosParameters
from pipeline.core.paths import Layout
from pipeline.intake import batch_folders
from pipeline.intake.taking import bring_photos, take_in, version_data
from pipeline.photos.batches import read_batches
from pipeline.photos.listing import list_files


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    root = tmp_path / "checkout"
    root.mkdir()
    return Layout(root)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def put(folder: Path, *files: str, table: str = "", name: str = "photos.csv") -> Path:
    """Files whose content is their own path, and a table."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    if table:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(table, encoding="utf-8")
    return folder


def files_in(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def photos_of(layout: Layout, batch: str) -> dict[str, str]:
    """Content by path of a batch, its table left out."""
    return {path: text for path, text in files_in(layout.data / batch).items() if path != "photos.csv"}


def lines_of(layout: Layout, batch: str) -> dict[str, dict[str, str]]:
    with (layout.data / batch / "photos.csv").open(encoding="utf-8", newline="") as stream:
        return {line["path"]: line for line in csv.DictReader(stream)}


def recorded(layout: Layout) -> list[tuple[str, str, int]]:
    return [(batch.batch, batch.side, batch.photos) for batch in read_batches(layout.batches)]


def left_behind(layout: Layout) -> list[str]:
    return [path.name for path in (layout.state / "intake").rglob("*")] if (layout.state / "intake").exists() else []


def test_class_folders_become_a_batch_with_a_table(layout: Layout, source: Path) -> None:
    put(source, "arch/1.jpg", "vault/1.jpg", ".DS_Store", "arch/._1.jpg")
    result = take_in(layout, source, "summer")
    assert photos_of(layout, "summer") == {"arch/1.jpg": "arch/1.jpg", "vault/1.jpg": "vault/1.jpg"}
    assert {path: line["label"] for path, line in lines_of(layout, "summer").items()} == {
        "arch/1.jpg": "arch",
        "vault/1.jpg": "vault",
    }
    assert recorded(layout) == [("summer", "", 2)]
    assert [taken.is_new for taken in result.taken] == [True]
    assert left_behind(layout) == []


def test_a_source_is_left_as_it_was(layout: Layout, source: Path) -> None:
    put(source, "arch/1.jpg", "vault/1.jpg")
    before = files_in(source)
    take_in(layout, source, "summer")
    assert files_in(source) == before


def test_a_batch_can_be_pinned_to_the_test_side(layout: Layout, source: Path) -> None:
    take_in(layout, put(source, "arch/1.jpg", "vault/1.jpg"), "published", "test")
    assert recorded(layout) == [("published", "test", 2)]


def test_train_and_test_folders_become_two_batches_and_test_is_pinned(layout: Layout, source: Path) -> None:
    put(source, "train/arch/1.jpg", "train/vault/1.jpg", "test/arch/2.jpg", "README.md")
    take_in(layout, source, "quake")
    assert recorded(layout) == [("quake-train", "", 2), ("quake-test", "test", 1)]
    assert photos_of(layout, "quake-test") == {"arch/2.jpg": "test/arch/2.jpg"}


@pytest.mark.parametrize("table", ("train/photos.csv", "photos.csv"))
def test_train_and_test_folders_may_bring_a_table_inside_or_above(layout: Layout, source: Path, table: str) -> None:
    prefix = "" if "/" in table else "train/"
    text = f"path,site,mask\n{prefix}arch/1.jpg,Split,{prefix}_masks/1.png\n"
    put(source, "train/arch/1.jpg", "train/_masks/1.png", "test/arch/2.jpg", table=text, name=table)
    take_in(layout, source, "quake")
    line = lines_of(layout, "quake-train")["arch/1.jpg"]
    assert (line["label"], line["site"], line["mask"]) == ("arch", "Split", "_masks/1.png")


def test_folders_beside_train_and_test_are_refused(layout: Layout, source: Path) -> None:
    with pytest.raises(DataError, match="holds the folders test, train, val"):
        take_in(layout, put(source, "train/arch/1.jpg", "test/arch/2.jpg", "val/arch/3.jpg"), "quake")


def test_side_and_train_and_test_folders_exclude_each_other(layout: Layout, source: Path) -> None:
    with pytest.raises(ParameterError, match="SIDE=test was given"):
        take_in(layout, put(source, "train/arch/1.jpg", "test/arch/2.jpg"), "quake", "test")


@pytest.mark.parametrize("name", ("photos.csv", "labels.csv"))
@pytest.mark.parametrize("header", ("path,label,group,licence", "file,class,group,license"))
def test_a_table_gives_labels_and_facts(layout: Layout, source: Path, name: str, header: str) -> None:
    put(source, "images/1.jpg", "images/2.jpg", table=f"{header}\nimages/1.jpg,crack,wall,CC0\nimages/2.jpg,sound,,\n")
    (source / "photos.csv").rename(source / name)
    take_in(layout, source, "patches")
    assert photos_of(layout, "patches") == {"crack/1.jpg": "images/1.jpg", "sound/2.jpg": "images/2.jpg"}
    line = lines_of(layout, "patches")["crack/1.jpg"]
    assert (line["group"], line["licence"]) == ("wall", "CC0")


def test_a_table_without_labels_adds_facts_to_class_folders(layout: Layout, source: Path) -> None:
    put(source, "arch/1.jpg", "vault/2.jpg", table="path,site\narch/1.jpg,Split\n")
    take_in(layout, source, "summer")
    assert {path: (line["label"], line["site"]) for path, line in lines_of(layout, "summer").items()} == {
        "arch/1.jpg": ("arch", "Split"),
        "vault/2.jpg": ("vault", ""),
    }


def test_masks_are_kept_apart_from_photos(layout: Layout, source: Path) -> None:
    table = "path,label,mask\nimages/1.jpg,crack,masks/1.jpg\n"
    put(source, "images/1.jpg", "masks/1.jpg", "_masks/extra.png", table=table)
    take_in(layout, source, "patches")
    assert set(photos_of(layout, "patches")) == {"crack/1.jpg", "_masks/masks/1.jpg", "_masks/extra.png"}
    assert lines_of(layout, "patches")["crack/1.jpg"]["mask"] == "_masks/masks/1.jpg"
    assert recorded(layout) == [("patches", "", 1)]


def test_unlabelled_photos_come_by_folder_or_by_an_empty_label(layout: Layout, source: Path) -> None:
    put(source, "a/1.jpg", "a/2.jpg", "_unlabelled/3.jpg", table="path,label\na/1.jpg,crack\na/2.jpg,\n")
    take_in(layout, source, "mixed")
    assert set(photos_of(layout, "mixed")) == {"crack/1.jpg", "_unlabelled/2.jpg", "_unlabelled/3.jpg"}


def test_a_batch_can_be_brought_into_another_checkout(layout: Layout, source: Path, tmp_path: Path) -> None:
    put(source, "i/1.jpg", "i/m.png", "i/2.jpg", table="path,label,mask\ni/1.jpg,crack,i/m.png\ni/2.jpg,,\n")
    take_in(layout, source, "patches")
    other = Layout(tmp_path / "other")
    other.root.mkdir()
    take_in(other, layout.data / "patches", "patches")
    assert files_in(other.data) == files_in(layout.data)


def test_files_of_one_name_are_kept_apart(layout: Layout, source: Path) -> None:
    table = "path,label\na/1.jpg,crack\nb/1.jpg,crack\nb/1-2.jpg,crack\n"
    take_in(layout, put(source, "a/1.jpg", "b/1.jpg", "b/1-2.jpg", table=table), "patches")
    assert photos_of(layout, "patches") == {
        "crack/1.jpg": "a/1.jpg",
        "crack/1-2.jpg": "b/1-2.jpg",
        "crack/1-3.jpg": "b/1.jpg",
    }


def test_a_folder_that_only_wraps_is_unwrapped(layout: Layout, source: Path) -> None:
    put(source, "download/dataset/arch/1.jpg", "download/dataset/vault/1.jpg", "download/LICENSE", "README.md")
    take_in(layout, source, "summer")
    assert set(photos_of(layout, "summer")) == {"arch/1.jpg", "vault/1.jpg"}


def test_a_single_class_folder_is_not_taken_for_a_wrapper(layout: Layout, source: Path) -> None:
    take_in(layout, put(source, "arch/1.jpg", "arch/2.jpg"), "summer")
    assert set(photos_of(layout, "summer")) == {"arch/1.jpg", "arch/2.jpg"}


def test_files_that_are_no_photos_are_left_out_and_named(layout: Layout, source: Path) -> None:
    result = take_in(layout, put(source, "arch/1.jpg", "vault/1.jpg", "LICENSE", "notes.txt", "_COMPLETE"), "summer")
    assert result.left_out == ("LICENSE", "notes.txt")


def test_a_photo_hidden_by_its_name_is_left_out_and_named(layout: Layout, source: Path) -> None:
    result = take_in(
        layout, put(source, "arch/1.jpg", "arch/.jpg", "arch/._1.jpg", "arch/.note", ".git/2.jpg"), "summer"
    )
    assert set(photos_of(layout, "summer")) == {"arch/1.jpg"}
    assert result.hidden == ("arch/.jpg",)


def test_whatever_lies_in_a_class_folder_is_taken_byte_for_byte(layout: Layout, source: Path) -> None:
    put(source, "arch/broken.jpg", "arch/notes.txt", "vault/1.jpg")
    take_in(layout, source, "summer")
    assert set(photos_of(layout, "summer")) == {"arch/broken.jpg", "arch/notes.txt", "vault/1.jpg"}


def test_names_that_are_not_ascii_are_kept_and_those_that_are_no_text_are_spelt_out(
    layout: Layout, source: Path
) -> None:
    put(source, "çeşme/é.jpg")
    (source / "çeşme" / os.fsdecode(b"caf\xe9.jpg")).write_text("x")
    take_in(layout, source, "summer")
    assert set(photos_of(layout, "summer")) == {"çeşme/é.jpg", "çeşme/caf%xe9.jpg"}
    assert set(lines_of(layout, "summer")) == {"çeşme/é.jpg", "çeşme/caf%xe9.jpg"}


def test_names_and_facts_that_would_end_a_line_of_the_table_do_not(layout: Layout, source: Path) -> None:
    table = 'path,author,licence\nwall/e.jpg,"Ada\r\n  Lovelace","CC\rBY"\n'
    put(source, "wall/a\rb.jpg", "wall/c\nd.jpg", "wall/e.jpg")
    (source / "photos.csv").write_text(table, encoding="utf-8", newline="")
    take_in(layout, source, "summer")
    batches = read_batches(layout.batches)
    files = {file.path: file for file in list_files(layout, batches, PhotosParameters()).files}
    assert set(files) == {f"data/summer/wall/{name}.jpg" for name in ("a%x0db", "c%x0ad", "e")}
    found = files["data/summer/wall/e.jpg"]
    assert (found.author, found.licence) == ("Ada Lovelace", "CC BY")


def test_a_table_finds_names_whose_accents_are_composed_differently(layout: Layout, source: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "é.jpg")
    put(source, f"i/{decomposed}", table="path,label\ni/" + unicodedata.normalize("NFC", "é.jpg") + ",crack\n")
    take_in(layout, source, "summer")
    assert set(photos_of(layout, "summer")) == {f"crack/{decomposed}"}


def test_photos_seen_before_are_no_new_batch_whatever_their_names(layout: Layout, source: Path, tmp_path: Path) -> None:
    take_in(layout, put(source, "arch/1.jpg", "vault/1.jpg"), "summer")
    renamed = tmp_path / "renamed"
    shutil.copytree(source, renamed)
    (renamed / "arch/1.jpg").rename(renamed / "arch/other.jpg")
    before = files_in(layout.data)
    result = take_in(layout, renamed, "autumn")
    assert [(taken.batch.batch, taken.is_new) for taken in result.taken] == [("summer", False)]
    assert files_in(layout.data) == before


def test_the_same_photos_under_other_labels_are_a_new_batch(layout: Layout, source: Path, tmp_path: Path) -> None:
    take_in(layout, put(source, "arch/1.jpg", "vault/1.jpg"), "summer")
    (source / "arch").rename(source / "apse")
    take_in(layout, source, "autumn")
    assert [name for name, _, _ in recorded(layout)] == ["summer", "autumn"]


def test_a_name_belongs_to_its_photos_for_good(layout: Layout, source: Path) -> None:
    take_in(layout, put(source, "arch/1.jpg", "vault/1.jpg"), "summer")
    before = files_in(layout.data)
    with pytest.raises(DataError, match="already, with other photos"):
        take_in(layout, put(source, "arch/2.jpg"), "summer")
    assert files_in(layout.data) == before


def test_a_batch_cannot_change_its_side(layout: Layout, source: Path) -> None:
    take_in(layout, put(source, "arch/1.jpg", "vault/1.jpg"), "summer")
    with pytest.raises(DataError, match="came before as batch summer, not pinned"):
        take_in(layout, source, "summer", "test")


def test_of_two_parts_only_the_new_one_is_taken(layout: Layout, source: Path) -> None:
    take_in(layout, put(source / "train", "arch/1.jpg", "vault/1.jpg"), "earlier")
    result = take_in(layout, put(source, "test/arch/2.jpg"), "quake")
    assert [(taken.batch.batch, taken.is_new) for taken in result.taken] == [("earlier", False), ("quake-test", True)]


@pytest.mark.parametrize(
    ("files", "table", "words"),
    (
        ((), "", "holds no photos"),
        (("README.md",), "", "holds no photos, but README.md"),
        (("1.jpg", "2.jpg"), "", "holds 2 photos without labels, in no class folder: 1.jpg, 2.jpg"),
        (("1.jpg",), "path,site\n1.jpg,Split\n", "photos without labels"),
        (("a/1.jpg", "a/2.jpg"), "path,label\na/1.jpg,crack\n", "not in the table that gives the labels: a/2.jpg"),
        (("a/1.jpg",), "path,label\na/1.jpg,crack\na/1.jpg,stain\n", "many-label"),
        (("a/1.jpg",), "path,label\na/1.jpg,crack;stain\n", "many-label"),
        (("a/1.jpg",), "path,label\na/1.jpg,crack|stain\n", "many-label"),
        (("a/1.jpg",), "path,label\na/9.jpg,crack\n", r"names 1 files that are not there: a/9\.jpg"),
        (("a/1.jpg",), "path,label\n../a/1.jpg,crack\n", "names 1 files that are not there"),
        (("a/1.jpg",), "path;label\na/1.jpg;crack\n", "has the columns path;label"),
        (("a/1.jpg",), "path,label\na/1.jpg,../up\n", r"the class '\.\./up'"),
        (("a/1.jpg",), "path,label\na/1.jpg,_private\n", "the class '_private'"),
        (("images/1.png", "masks/1.png"), "", "has a folder images, which does not say what"),
        (("arch/2021/1.jpg", "vault/1.jpg"), "", "in a folder inside the class folder arch"),
        (("arch/1.jpg", "_old/1.jpg"), "", "the class '_old'"),
    ),
)
def test_a_source_that_cannot_be_understood_is_refused_and_leaves_nothing(
    layout: Layout, source: Path, files: tuple[str, ...], table: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        take_in(layout, put(source, *files, table=table), "summer")
    assert left_behind(layout) == []
    assert files_in(layout.data) == {}


def test_a_table_that_is_not_utf8_is_refused(layout: Layout, source: Path) -> None:
    put(source, "a/1.jpg")
    (source / "photos.csv").write_bytes("path,label\na/1.jpg,fêlé\n".encode("latin-1"))
    with pytest.raises(DataError, match="cannot be read: 'utf-8' codec"):
        take_in(layout, source, "summer")


def test_a_table_with_an_endless_cell_is_refused(layout: Layout, source: Path) -> None:
    with pytest.raises(DataError, match=r"photos\.csv cannot be read: field larger"):
        take_in(layout, put(source, "a/1.jpg", table=f"path,label\na/1.jpg,{'x' * 200_000}\n"), "summer")


def test_two_tables_are_refused(layout: Layout, source: Path) -> None:
    put(source, "a/1.jpg", table="path,label\na/1.jpg,crack\n", name="labels.csv")
    with pytest.raises(DataError, match=r"holds photos\.csv and labels\.csv"):
        take_in(layout, put(source, table="path,label\na/1.jpg,crack\n"), "summer")


def test_links_in_a_folder_are_refused(layout: Layout, source: Path) -> None:
    put(source, "arch/1.jpg")
    (source / "arch/2.jpg").symlink_to("/etc/passwd")
    with pytest.raises(DataError, match=r"2\.jpg is a link or a device"):
        take_in(layout, source, "summer")


@pytest.mark.parametrize("batch", ("", "../up", "a/b", ".hidden", "two words", "batches.csv"))
def test_a_name_that_no_batch_can_have_is_refused(layout: Layout, source: Path, batch: str) -> None:
    with pytest.raises(ParameterError):
        take_in(layout, put(source, "arch/1.jpg"), batch)


def test_a_side_that_cannot_be_pinned_is_refused(layout: Layout, source: Path) -> None:
    with pytest.raises(ParameterError, match="SIDE=train"):
        take_in(layout, put(source, "arch/1.jpg"), "summer", "train")


def test_a_source_that_is_not_there_is_refused(layout: Layout, source: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        take_in(layout, source / "nowhere", "summer")


DYING_INTAKE = """
import os, sys
from pathlib import Path
from pipeline.core.paths import Layout
from pipeline.intake import taking

def die(*_):
    os._exit(9)

layout, source, after = Layout(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]
write = taking.write_batches
if after == "copy":
    taking._move_in = die
else:
    taking.write_batches = lambda path, batches: die() if path == layout.batches else write(path, batches)
taking.take_in(layout, source, "summer")
"""


def die_in_intake(layout: Layout, source: Path, after: str) -> None:
    """Take photos in as `summer` in a process that ends, as by `kill -9`, after a step of the intake."""
    command = [sys.executable, "-c", DYING_INTAKE, str(layout.root), str(source), after]
    assert subprocess.run(command, check=False).returncode == 9


@pytest.mark.parametrize("after", ("copy", "rename"))
def test_a_crash_is_repaired_by_the_next_intake(layout: Layout, source: Path, after: str) -> None:
    put(source, "arch/1.jpg", "vault/1.jpg")
    die_in_intake(layout, source, after)
    assert (layout.data / "summer").exists() == (after == "rename")
    assert recorded(layout) == []
    result = take_in(layout, source, "summer")
    assert [taken.is_new for taken in result.taken] == [after == "copy"]
    assert recorded(layout) == [("summer", "", 2)]
    assert left_behind(layout) == []


def test_a_crash_is_repaired_by_the_intake_of_other_photos_too(layout: Layout, source: Path, tmp_path: Path) -> None:
    put(source, "arch/1.jpg", "vault/1.jpg")
    die_in_intake(layout, source, "rename")
    take_in(layout, put(tmp_path / "more", "arch/2.jpg", "vault/2.jpg"), "autumn")
    assert recorded(layout) == [("summer", "", 2), ("autumn", "", 2)]


def test_nothing_is_taken_in_before_dvc_has_recorded_the_stage_that_read(layout: Layout, source: Path) -> None:
    put(source, "arch/1.jpg")
    notes = layout.root / ".dvc" / "tmp"
    notes.mkdir(parents=True)
    data = str(layout.data.resolve() / "batches.csv")
    with rwlock(str(notes), localfs, "dvc repro", [data], [], False), pytest.raises(MachineError, match="`dvc repro`"):
        take_in(layout, source, "first")
    assert not layout.data.exists()
    assert take_in(layout, source, "first").taken[0].is_new


def test_a_reader_that_was_killed_stops_no_intake(layout: Layout, source: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    note = layout.root / ".dvc" / "tmp" / "rwlock"
    note.parent.mkdir(parents=True)
    reader = {"pid": int(gone.stdout), "cmd": "dvc repro"}
    note.write_text(json.dumps({"read": {str(layout.data.resolve()): [reader]}, "write": {}}))
    assert take_in(layout, put(source, "arch/1.jpg"), "first").taken[0].is_new


def test_nothing_is_taken_in_while_the_lock_is_held(layout: Layout, source: Path) -> None:
    put(source, "arch/1.jpg")
    with held_lock(layout.run_lock, "a run"), pytest.raises(MachineError, match="is held by a run"):
        take_in(layout, source, "summer")
    assert not layout.data.exists()


def test_a_full_disk_is_told_and_leaves_nothing(layout: Layout, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(source, "arch/1.jpg", "arch/2.jpg")
    take_in(layout, put(source.parent / "before", "arch/0.jpg"), "before")
    before = files_in(layout.data)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(batch_folders.shutil, "copyfile", full)
    with pytest.raises(MachineError, match="No space left on device") as told:
        take_in(layout, source, "summer")
    assert told.value.exit_code == 6
    assert "free some space" in told.value.todo
    assert left_behind(layout) == []
    assert files_in(layout.data) == before


def test_dvc_versions_what_came_in(layout: Layout, source: Path) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "-q"], cwd=layout.root, check=True)
    bring_photos(layout, put(source, "arch/1.jpg", "vault/1.jpg"), "summer")
    assert "md5:" in (layout.root / "data.dvc").read_text()


def test_the_words_of_dvc_reach_the_person(layout: Layout) -> None:
    with pytest.raises(MachineError, match=r"(?i)dvc could not version data/: .*not inside of a dvc repository"):
        version_data(layout)


def test_every_refusal_is_one_that_a_person_can_mend(layout: Layout, source: Path) -> None:
    with pytest.raises(PipelineError) as told:
        take_in(layout, source, "summer")
    assert told.value.expected
    assert told.value.todo
