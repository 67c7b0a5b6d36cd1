"""The inbox folder: what waits there, when it is complete, and where it goes."""

import os
import shutil
import time
from pathlib import Path

import pytest

from pipeline.core.errors import DataError, MachineError
from pipeline.intake.folder_inbox import FolderInbox
from pipeline.intake.inbox import Arrival, PutAside, Settled

QUIET = 600.0
YEAR = 31_536_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "inbox"
    place.mkdir()
    return place


@pytest.fixture
def inbox(tmp_path: Path) -> FolderInbox:
    return FolderInbox(tmp_path, "inbox", tmp_path / "records", QUIET)


def put(place: Path, *files: str) -> Path:
    for file in files:
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(file)
    return place


def inside(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def names(inbox: FolderInbox, now: float) -> list[str]:
    return sorted(waiting.source for waiting in inbox.waiting(now))


def at_once() -> float:
    return time.time() + 1


def later() -> float:
    return time.time() + QUIET + 1


def found(inbox: FolderInbox, source: str) -> Arrival:
    arrival = inbox.find(source)
    assert isinstance(arrival, Arrival)
    return arrival


def test_a_marked_folder_is_complete_at_once_and_another_after_the_quiet_time(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "marked/arch/1.jpg", "marked/_COMPLETE", "other/arch/1.jpg")
    assert names(inbox, at_once()) == ["inbox/marked"]
    assert names(inbox, later()) == ["inbox/marked", "inbox/other"]


def test_an_archive_is_called_without_its_ending_and_its_marker_lies_beside_it(
    folder: Path, inbox: FolderInbox
) -> None:
    put(folder, "one.zip", "one.zip._COMPLETE", "two.TAR.gz", "photo.jpg", "notes.txt", "three.zip.part")
    assert names(inbox, at_once()) == ["inbox/one.zip"]
    assert {one.batch: one.source for one in inbox.waiting(later())} == {
        "one": "inbox/one.zip",
        "two": "inbox/two.TAR.gz",
    }


def test_names_of_the_inbox_itself_are_no_batches(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "_taken/old/1.jpg", "_quarantine/bad/1.jpg", ".copying/1.jpg", ".zip", "one._COMPLETE")
    assert names(inbox, later()) == []


def test_an_inbox_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert FolderInbox(tmp_path, "nowhere", tmp_path, QUIET).waiting(later()) == []


def test_an_empty_folder_waits_for_its_photos(folder: Path, inbox: FolderInbox) -> None:
    (folder / "empty" / "arch").mkdir(parents=True)
    put(folder, "hidden/.DS_Store")
    assert names(inbox, later()) == []
    put(folder, "empty/_COMPLETE")
    assert names(inbox, at_once()) == ["inbox/empty"]


def test_a_copy_that_keeps_times_is_not_taken_for_an_old_one(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "old/arch/1.jpg")
    for path in (folder / "old/arch/1.jpg", folder / "old/arch", folder / "old"):
        os.utime(path, (0, 0))
    assert names(inbox, at_once()) == []


def test_a_photo_from_a_camera_whose_clock_is_ahead_does_not_wait_until_then(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "ahead/arch/1.jpg")
    os.utime(folder / "ahead/arch/1.jpg", (time.time() + YEAR,) * 2)
    assert names(inbox, at_once()) == []
    assert names(inbox, later()) == ["inbox/ahead"]


def test_after_a_clock_was_set_back_a_batch_waits_for_its_marker(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "ahead/arch/1.jpg")
    assert names(inbox, time.time() - YEAR) == []
    put(folder, "ahead/_COMPLETE")
    (waiting,) = inbox.waiting(time.time() - YEAR)
    assert waiting.changed < time.time() - YEAR + 1


def test_a_file_that_went_is_a_change(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "batch/arch/1.jpg", "batch/arch/2.jpg")
    time.sleep(0.05)
    before = time.time()
    time.sleep(0.05)
    (folder / "batch/arch/2.jpg").unlink()
    (waiting,) = inbox.waiting(later())
    assert waiting.changed > before


def test_a_name_that_is_no_text_waits_under_its_bytes_and_is_found_again(folder: Path, inbox: FolderInbox) -> None:
    place = Path(os.fsdecode(os.fsencode(folder) + b"/fa\xe7ade"))
    put(place, "arch/1.jpg")
    assert names(inbox, later()) == ["inbox/fa\\xe7ade"]
    assert found(inbox, "inbox/fa\\xe7ade").batch == "fa\\xe7ade"
    assert inbox.fetch(found(inbox, "inbox/fa\\xe7ade"), folder) == place


@pytest.mark.parametrize("source", ("inbox/nothing", "inbox", "elsewhere/one", "inbox/_taken", "inbox/..", ""))
def test_what_is_no_batch_of_the_inbox_is_not_found(folder: Path, inbox: FolderInbox, source: str) -> None:
    put(folder.parent / "elsewhere/one", "1.jpg")
    put(folder, "_taken/1.jpg")
    with pytest.raises(DataError, match="is no batch in inbox"):
        inbox.find(source)


def test_a_batch_is_found_by_any_path_to_it(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "one/arch/1.jpg")
    assert found(inbox, str(folder / "one")) == found(inbox, "inbox/one/")


def test_a_fingerprint_tells_uploads_apart(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "one/arch/1.jpg")
    first = found(inbox, "inbox/one")
    put(folder, "one/_COMPLETE")
    assert found(inbox, "inbox/one").fingerprint == first.fingerprint
    put(folder, "two/arch/1.jpg")
    assert found(inbox, "inbox/two").fingerprint != first.fingerprint
    time.sleep(0.02)
    put(folder, "one/arch/1.jpg")
    os.utime(folder / "one/arch/1.jpg", ns=(0, int(first.files[0].version.split()[0])))
    assert found(inbox, "inbox/one").fingerprint != first.fingerprint
    with pytest.raises(MachineError, match="changed while it was taken in"):
        inbox.check_unchanged(first)


@pytest.mark.parametrize("kind", ("link", "pipe"))
def test_only_photos_themselves_are_fetched(folder: Path, inbox: FolderInbox, kind: str) -> None:
    if kind == "link":
        (folder / "one.zip").symlink_to("/etc")
    else:
        os.mkfifo(folder / "one.zip")
    (waiting,) = inbox.waiting(later())
    with pytest.raises(DataError, match="is a link or a device"):
        inbox.fetch(found(inbox, waiting.source), folder)


def test_a_taken_batch_moves_and_its_answer_stays(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "one/arch/1.jpg", "one/_COMPLETE")
    inbox.settle_taken(found(inbox, "inbox/one"), {"photos": 1})
    assert (folder / "_taken/one/arch/1.jpg").is_file()
    assert not (folder / "one").exists()
    assert inbox.find("inbox/one") == Settled(answer={"photos": 1})


def test_of_equal_names_both_are_kept(folder: Path, inbox: FolderInbox) -> None:
    for text in ("first", "second"):
        (folder / "one.zip").write_text(text)
        put(folder, "one.zip._COMPLETE")
        inbox.settle_taken(found(inbox, "inbox/one.zip"), {})
    kept = sorted((folder / "_taken").iterdir(), key=lambda path: len(path.name))
    assert [path.read_text() for path in kept] == ["first", "second"]
    assert inside(folder) == ["_taken"]


def test_a_photo_that_comes_at_the_last_moment_is_not_lost(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "one/arch/1.jpg")
    arrival = found(inbox, "inbox/one")
    put(folder, "one/arch/2.jpg")
    with pytest.raises(MachineError, match="changed while it was taken in"):
        inbox.settle_taken(arrival, {})
    assert inside(folder / "one/arch") == ["1.jpg", "2.jpg"]
    assert isinstance(inbox.find("inbox/one"), Arrival)


def test_a_batch_that_is_put_aside_lies_beside_its_report(folder: Path, inbox: FolderInbox, tmp_path: Path) -> None:
    put(folder, "one.zip", "one.zip._COMPLETE")
    report = put(tmp_path / "report", "report.html", "report.json")
    arrival = found(inbox, "inbox/one.zip")
    place = inbox.quarantine_place(arrival, "20260501T093000Z")
    aside = PutAside("one", "inbox/one.zip", "came", "expected", "todo", place)
    inbox.settle_quarantined(arrival, aside, report)
    assert place == "inbox/_quarantine/one.zip-20260501T093000Z"
    assert inside(tmp_path / place) == ["one.zip", "report.html", "report.json"]
    assert inside(folder) == ["_quarantine"]
    assert inbox.find("inbox/one.zip") == Settled(put_aside=aside)


def test_a_name_as_long_as_the_file_system_takes_can_be_put_aside(folder: Path, inbox: FolderInbox) -> None:
    name = "é" * 127
    put(folder / name, "1.jpg")
    arrival = found(inbox, f"inbox/{name}")
    place = inbox.quarantine_place(arrival, "20260501T093000Z")
    report = put(folder.parent / "report", "report.html")
    inbox.settle_quarantined(arrival, PutAside(name, arrival.source, "", "", "", place), report)
    assert (folder.parent / place / name / "1.jpg").is_file()


def test_a_corrected_batch_is_found_anew(folder: Path, inbox: FolderInbox) -> None:
    put(folder, "one/arch/1.jpg")
    inbox.settle_taken(found(inbox, "inbox/one"), {})
    shutil.move(folder / "_taken/one", folder / "one")
    assert isinstance(inbox.find("inbox/one"), Arrival)
