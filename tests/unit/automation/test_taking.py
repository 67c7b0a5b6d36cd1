"""Batches of an inbox: taken in whole, put aside with a report, and nothing lost on the way."""

import json
import os
import subprocess
import sys
import time
import zipfile

import pytest
from inboxes import alerts, drop, left_behind, recorded, taken, waiting
from PIL import Image
from small_homes import SmallHome

from pipeline.automation import arriving, clones
from pipeline.automation.taking import why_nothing_trains
from pipeline.core.errors import DataError, MachineError, ParameterError
from pipeline.core.parameters import PhotosParameters, ValidateParameters
from pipeline.core.paths import Layout
from pipeline.core.recipes import render
from pipeline.photos.batches import read_batches
from pipeline.photos.listing import FoundFile


def test_a_batch_is_taken_in_committed_and_moved_and_asked_again_gives_the_same_answer(
    home: SmallHome, processes: None
) -> None:
    drop(home, "survey-1", 1)
    one = taken(home, "survey-1")
    assert (one.batch, one.source, one.batches) == ("survey-1", "inbox/survey-1", ("survey-1",))
    assert (one.photos, one.labelled, one.is_new, one.trains) == (4, 4, True, True)
    clone = home.layout.photos_clone
    assert one.commit == home.run("git", "rev-parse", "heritage/photos", at=clone)
    assert one.data_hash in (clone / "data.dvc").read_text()
    message = home.run("git", "log", "-1", "--format=%B", at=clone)
    assert message.startswith("Take in survey-1\n\nSource: inbox/survey-1\nUpload: ")
    assert recorded(home) == [("survey-1", 4)]
    assert (home.root / "inbox/_taken/survey-1/sound/1.png").is_file()
    assert (waiting(home), left_behind(home), alerts(home)) == ([], [], [])
    assert taken(home, "survey-1") == one


def test_photos_that_came_before_are_no_news_under_any_name(fed: SmallHome) -> None:
    before = fed.run("git", "rev-parse", "heritage/photos", at=fed.layout.photos_clone)
    for name in ("first", "other"):
        drop(fed, name, 1)
        again = taken(fed, name)
        assert (again.is_new, again.commit) == (False, before)
        assert again.remarks == ("the same photos came before as first",)
    assert len(list((fed.root / "inbox/_taken").iterdir())) == 2
    assert recorded(fed) == [("first", 4)]


def test_an_archive_of_train_and_test_folders_becomes_two_batches(home: SmallHome) -> None:
    archive = home.root / "inbox" / "quake.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        for side, shade in (("train", 1), ("test", 2)):
            for photo in sorted(home.photos(side, shade).rglob("*.png")):
                packed.write(photo, f"{side}/{photo.parent.name}/{photo.name}")
    one = taken(home, "quake.zip")
    assert (one.batch, one.batches, one.photos) == ("quake", ("quake-train", "quake-test"), 8)
    assert [(batch.batch, batch.side) for batch in read_batches(Layout(home.layout.photos_clone).batches)] == [
        ("quake-train", ""),
        ("quake-test", "test"),
    ]
    assert left_behind(home) == []


def test_what_a_person_should_know_of_a_batch_is_said(home: SmallHome) -> None:
    home.layout.retrain_clone.mkdir(parents=True)
    place = drop(home, "survey-1", 1, count=9)
    (place / "sound/9.jpg").write_text("no photo")
    (place / "sound/.10.jpg").write_text("hidden")
    (place / "notes.txt").write_text("notes")
    remarks = taken(home, "survey-1").remarks
    assert [remark.split(":")[0] for remark in remarks] == [
        "1 files cannot be read, and will not train",
        "left out, neither photos nor tables",
        "left out, hidden by a leading dot",
    ]
    assert "_COMPLETE" not in " ".join(remarks)
    # Where the first stage of a retraining finds what was measured here.
    assert (home.layout.retrain_clone / ".heritage/measures.sqlite").is_file()


def file(batch: str, label: str | None) -> FoundFile:
    return FoundFile(f"data/{batch}/1.jpg", batch, label)


@pytest.mark.parametrize(
    ("files", "photos", "why"),
    (
        ([file("survey-1", "crack")], PhotosParameters(), ""),
        ([file("survey-1", None)], PhotosParameters(), "none of its photos has a label"),
        (
            [file("survey-1", "crack")],
            PhotosParameters(batches=("demo-*",)),
            r"its name is outside photos.batches (dem",
        ),
        ([file("survey-1", "crack")], PhotosParameters(classes=("intact",)), "none of its labels is among photos.cla"),
        (
            [file("a", "x"), file("b", "crack")],
            PhotosParameters(batches=("a",), classes=("crack",)),
            "none of its labels",
        ),
    ),
)
def test_why_nothing_trains_is_said(files: list[FoundFile], photos: PhotosParameters, why: str) -> None:
    said = why_nothing_trains(files, photos)
    assert said.startswith(why)
    assert bool(said) == bool(why)


def test_the_followed_branch_says_what_trains(home: SmallHome) -> None:
    demo = home.parameters.model_copy(update={"photos": PhotosParameters(batches=("demo-*",))})
    home.commit("only demo photos", params_yaml=render(demo))
    drop(home, "survey-1", 1)
    one = taken(home, "survey-1")
    assert (one.is_new, one.trains) == (True, False)
    assert one.remarks[-1].startswith("trains nothing: its name is outside photos.batches (demo-*)")


def test_followed_parameters_that_cannot_be_used_leave_the_batch_where_it_is(home: SmallHome) -> None:
    home.commit("broken", params_yaml="recipe: walls\nspeed: 9\n")
    drop(home, "survey-1", 1)
    with pytest.raises(ParameterError, match=r"params\.yaml of main has"):
        taken(home, "survey-1")
    assert waiting(home) == ["survey-1"]


def spoil(home: SmallHome, batch: str, kind: str) -> None:
    place = drop(home, batch, 1)
    if kind == "unreadable":
        for photo in place.rglob("*.png"):
            photo.write_bytes(photo.read_bytes()[:60])
    elif kind == "many-label":
        (place / "photos.csv").write_text("path,label\nsound/1.png,crack;salt\n")
    elif kind == "link":
        (place / "sound/5.png").symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    ("kind", "batch", "words"),
    (
        ("unreadable", "bad", "4 of 4 files cannot be read as photos"),
        ("many-label", "bad", "many-label"),
        ("link", "bad", "is a link or a device"),
        ("name", "two words", "BATCH=two words cannot be a batch's name"),
    ),
)
def test_a_bad_batch_is_put_aside_with_a_report_and_an_alert(
    home: SmallHome, kind: str, batch: str, words: str
) -> None:
    spoil(home, batch, kind)
    with pytest.raises(DataError, match=words) as told:
        taken(home, batch)
    (place,) = (home.root / "inbox/_quarantine").iterdir()
    assert place.name.startswith(f"{batch}-2")
    assert sorted(path.name for path in place.iterdir()) == sorted([batch, "report.html", "report.json"])
    facts = json.loads((place / "report.json").read_text())
    assert (facts["batch"], facts["came"], facts["expected"]) == (batch, facts["came"], told.value.expected)
    assert words in facts["came"]
    assert str(home.layout.automation) not in facts["came"]
    assert [(alert["kind"], alert["link"]) for alert in alerts(home)] == [("quarantine", str(place / "report.html"))]
    assert (waiting(home), left_behind(home)) == ([], [])
    with pytest.raises(DataError, match="was put aside"):
        taken(home, batch)


def test_a_report_shows_what_came(home: SmallHome, processes: None) -> None:
    place = drop(home, "bad", 1, count=5)
    (place / "sound/1.png").write_text("<script>no photo")
    (place / "sound/3.png").write_text("no photo")
    with pytest.raises(DataError, match="2 of 5 files"):
        taken(home, "bad")
    (page,) = (home.root / "inbox/_quarantine").glob("*/report.html")
    text = page.read_text()
    assert text.count("<img") == 3
    assert "bad/sound/1.png" in text
    assert "5 files" in text
    facts = json.loads(page.with_name("report.json").read_text())
    assert [line["path"] for line in facts["unreadable"]] == ["bad/sound/1.png", "bad/sound/3.png"]


def test_a_report_says_why_files_were_not_converted(home: SmallHome) -> None:
    place = drop(home, "bad", 1)
    for number in range(3):
        Image.new("F", (8, 8)).save(place / f"sound/{number}.tif")
    with pytest.raises(DataError, match="its pixels are F: numbers of which nothing says what is white"):
        taken(home, "bad")
    (report,) = (home.root / "inbox/_quarantine").glob("*/report.json")
    lines = json.loads(report.read_text())["unreadable"]
    assert [line["path"] for line in lines] == [f"bad/sound/{number}.tif" for number in range(3)]
    assert {line["error"].partition(":")[0] for line in lines} == {"its pixels are F"}


def test_the_followed_parameters_say_how_large_a_photo_may_be(home: SmallHome) -> None:
    small = home.parameters.model_copy(update={"validate_": ValidateParameters(max_pixels=1600)})
    home.commit("small photos only", params_yaml=render(small))
    place = drop(home, "survey-1", 1, count=9)
    Image.new("RGB", (41, 40)).save(place / "sound/large.tif")
    (said,) = taken(home, "survey-1").remarks
    assert said.endswith("survey-1/sound/large.tif: 41x40 pixels; at most 1,600 pixels are accepted")


def test_an_archive_that_cannot_be_unpacked_is_put_aside_as_it_is(home: SmallHome) -> None:
    (home.root / "inbox").mkdir()
    (home.root / "inbox/bad.zip").write_text("no zip")
    with pytest.raises(DataError, match=r"inbox/bad\.zip cannot be unpacked"):
        taken(home, "bad.zip")
    assert [path.name for path in (home.root / "inbox/_quarantine").rglob("bad.zip")] == ["bad.zip"]


def test_the_name_of_other_photos_is_refused_and_the_next_batch_is_not_held_up(fed: SmallHome) -> None:
    drop(fed, "first", 2)
    drop(fed, "second", 3)
    with pytest.raises(DataError, match=r"there is a data/first already, with other photos"):
        taken(fed, "first")
    taken(fed, "second")
    assert recorded(fed) == [("first", 4), ("second", 4)]


def test_a_batch_that_was_mended_is_taken_in(home: SmallHome) -> None:
    place = drop(home, "survey-1", 1)
    (place / "sound/9.jpg").write_text("no photo")
    (place / "sound/8.jpg").write_text("no photo")
    with pytest.raises(DataError) as told:
        taken(home, "survey-1")
    (aside,) = (home.root / "inbox/_quarantine").glob("*/survey-1")
    assert f"then move {aside.relative_to(home.root)} back into the inbox" in told.value.todo
    for number in (8, 9):
        (aside / f"sound/{number}.jpg").unlink()
    aside.rename(place)
    assert taken(home, "survey-1").is_new


def test_damage_of_the_record_is_not_the_batch_s_fault(fed: SmallHome) -> None:
    fed.lose_cache()
    drop(fed, "survey-1", 2)
    with pytest.raises(DataError, match=r"neither in DVC's cache nor"):
        taken(fed, "survey-1")
    assert (waiting(fed), alerts(fed)) == (["survey-1"], [])


def test_of_two_takes_at_once_one_is_told_to_come_again(home: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "_INSTANT_SECONDS", 0.0)
    monkeypatch.setattr(clones, "_PATIENCE_SECONDS", 0.0)
    drop(home, "survey-1", 1)
    for lock in (arriving.taking(home.layout, "inbox/survey-1"), clones.photos_lock(home.layout, "a test")):
        with lock, pytest.raises(MachineError, match="held by"):
            taken(home, "survey-1")
    assert taken(home, "survey-1").is_new


def test_a_batch_that_waits_for_its_photos_holds_up_no_other(home: SmallHome) -> None:
    drop(home, "survey-1", 1)
    drop(home, "survey-2", 2)
    command = [sys.executable, "-m", "pipeline", "inbox"]
    with arriving.taking(home.layout, "inbox/survey-1"):
        listed = subprocess.run(command, cwd=home.root, capture_output=True, text=True, check=True)
        assert [one["batch"] for one in json.loads(listed.stdout)] == ["survey-2"]
        assert taken(home, "survey-2").is_new
    assert waiting(home) == ["survey-1"]


def test_what_was_brought_near_goes_once_nobody_wants_it_any_more(home: SmallHome) -> None:
    drop(home, "survey-1", 1)
    place = home.layout.automation / "arriving"
    for name, days in (("fetched-now", 9), ("tried-of-late", 1), ("forgotten", 9), ("survey-1", 1)):
        note = place / name / "begun.json"
        note.parent.mkdir(parents=True)
        note.write_text(json.dumps({"source": f"inbox/{name}", "begun": "20260501T093000Z"}))
        os.utime(note, (time.time() - days * 86_400,) * 2)
    with arriving.taking(home.layout, "inbox/fetched-now"):
        taken(home, "survey-1")
    assert sorted(path.name for path in place.iterdir()) == ["fetched-now", "tried-of-late"]


@pytest.mark.long
def test_two_batches_taken_at_once_are_both_recorded(home: SmallHome) -> None:
    processes = []
    for number in (1, 2):
        drop(home, f"survey-{number}", number)
        command = [sys.executable, "-m", "pipeline", "take", f"inbox/survey-{number}"]
        processes.append(subprocess.Popen(command, cwd=home.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    answers = [process.communicate()[0] for process in processes]
    codes = [process.returncode for process in processes]
    assert codes == [0, 0]
    assert [json.loads(answer)["batch"] for answer in answers] == ["survey-1", "survey-2"]
    assert sorted(recorded(home)) == [("survey-1", 4), ("survey-2", 4)]


def test_photos_that_come_while_a_batch_is_read_are_not_lost(home: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    place = drop(home, "survey-1", 1)
    from pipeline.intake import taking as intake

    make = intake.copy_batch

    def slow(*arguments: object) -> object:
        made = make(*arguments)  # type: ignore[arg-type]
        (place / "sound/late.png").write_bytes((place / "sound/1.png").read_bytes() + b" ")
        return made

    monkeypatch.setattr(intake, "copy_batch", slow)
    with pytest.raises(MachineError, match="changed while it was taken in"):
        taken(home, "survey-1")
    monkeypatch.undo()
    assert taken(home, "survey-1").photos == 5


DYING_TAKE = """
import importlib, os, signal, sys
from pathlib import Path
from pipeline.automation.taking import take
from pipeline.core.parameters import load_parameters
from pipeline.core.paths import Layout
from pipeline.core.recipes import render

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

root, source, when, place, name = sys.argv[1:]
module, _, owner = place.partition(":")
target = importlib.import_module(module)
target = getattr(target, owner) if owner else target
do = getattr(target, name)

def die_after(*arguments, **more):
    do(*arguments, **more)
    die()

setattr(target, name, die if when == "before" else die_after)
layout = Layout(Path(root))
take(layout, load_parameters(layout.parameters), source)
"""


def die_in_take(home: SmallHome, batch: str, when: str, place: str, name: str) -> None:
    """Take a batch in, in a process that is killed before or after a step."""
    command = [sys.executable, "-c", DYING_TAKE, str(home.root), f"inbox/{batch}", when, place, name]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -9


@pytest.mark.parametrize(
    ("when", "place", "name"),
    (
        pytest.param("before", "pipeline.automation.taking", "open_photos_clone", marks=pytest.mark.long),
        pytest.param("before", "pipeline.intake.taking", "_move_in", marks=pytest.mark.long),
        pytest.param("before", "pipeline.intake.taking", "add_data", marks=pytest.mark.long),
        pytest.param("before", "pipeline.automation.taking", "commit_photos", marks=pytest.mark.long),
        ("after", "pipeline.automation.taking", "commit_photos"),
        pytest.param("before", "pipeline.intake.folder_inbox", "_move", marks=pytest.mark.long),
        pytest.param("after", "pipeline.intake.folder_inbox", "_move", marks=pytest.mark.long),
        pytest.param("after", "pipeline.intake.folder_inbox:FolderInbox", "settle_taken", marks=pytest.mark.long),
    ),
)
def test_a_take_killed_at_any_step_is_finished_by_the_next(home: SmallHome, when: str, place: str, name: str) -> None:
    drop(home, "survey-1", 1)
    die_in_take(home, "survey-1", when, place, name)
    one = taken(home, "survey-1")
    assert (one.is_new, one.photos, one.trains) == (True, 4, True)
    assert recorded(home) == [("survey-1", 4)]
    assert one.commit == home.run("git", "rev-parse", "heritage/photos", at=home.layout.photos_clone)
    assert sorted(path.name for path in (home.root / "inbox").iterdir()) == ["_taken"]
    assert left_behind(home) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("when", "place", "name"),
    (
        ("before", "pipeline.intake.folder_inbox:FolderInbox", "_note"),
        ("before", "pipeline.intake.folder_inbox", "_move"),
        ("before", "pipeline.automation.taking", "send"),
        ("after", "pipeline.automation.taking", "send"),
    ),
)
def test_a_batch_is_put_aside_once_whenever_that_is_killed(home: SmallHome, when: str, place: str, name: str) -> None:
    spoil(home, "bad", "unreadable")
    die_in_take(home, "bad", when, place, name)
    with pytest.raises(DataError, match="4 of 4 files cannot be read"):
        taken(home, "bad")
    (aside,) = (home.root / "inbox/_quarantine").iterdir()
    assert sorted(path.name for path in aside.iterdir()) == ["bad", "report.html", "report.json"]
    assert sorted(path.name for path in (home.root / "inbox").iterdir()) == ["_quarantine"]
    assert {alert["kind"] for alert in alerts(home)} == {"quarantine"}
