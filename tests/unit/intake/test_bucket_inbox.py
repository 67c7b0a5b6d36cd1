"""The inbox in a bucket, over real HTTP."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from buckets import BUCKET, Bucket, running_bucket

from pipeline.core.errors import DataError, MachineError, ServingError
from pipeline.core.operation_parameters import IntakeParameters
from pipeline.core.paths import Layout
from pipeline.intake.archives import ArchiveCaps
from pipeline.intake.bucket_inbox import BucketInbox
from pipeline.intake.inbox import Arrival, PutAside, Settled
from pipeline.intake.inboxes import inbox_with, inboxes_of, look

ADDRESS = "s3://photos/team/inbox/"
PREFIX = "team/inbox/"
QUIET = 600.0


@pytest.fixture(scope="module")
def service() -> Iterator[Bucket]:
    with pytest.MonkeyPatch.context() as monkeypatch, running_bucket(monkeypatch) as running:
        yield running


@pytest.fixture
def bucket(service: Bucket) -> Iterator[Bucket]:
    yield service
    service.empty()


@pytest.fixture
def inbox() -> BucketInbox:
    return BucketInbox(ADDRESS, QUIET)


def put(bucket: Bucket, *names: str) -> None:
    bucket.put(*(PREFIX + name for name in names))


def sources(inbox: BucketInbox, seconds: float = 5) -> list[str]:
    """What waits, so many seconds from now."""
    return sorted(waiting.source.removeprefix(ADDRESS) for waiting in inbox.waiting(time.time() + seconds))


def found(inbox: BucketInbox, name: str) -> Arrival:
    arrival = inbox.find(ADDRESS + name)
    assert isinstance(arrival, Arrival)
    return arrival


def test_marked_batches_are_complete_at_once_and_others_after_the_quiet_time(
    bucket: Bucket, inbox: BucketInbox
) -> None:
    put(bucket, "one/arch/1.jpg", "one/_COMPLETE", "two/arch/1.jpg", "three.zip", "three.zip._COMPLETE", "four.tar")
    assert sources(inbox) == ["one/", "three.zip"]
    assert sources(inbox, QUIET + 5) == ["four.tar", "one/", "three.zip", "two/"]


def test_only_batches_below_the_prefix_wait(bucket: Bucket, inbox: BucketInbox) -> None:
    bucket.put("team/other/one/1.jpg", "team/inbox.zip", "team/inbox/", "team/inbox/empty/")
    put(bucket, "photo.jpg", "_taken/one/1.jpg", ".hidden/1.jpg", "later.zip._COMPLETE", "folder/")
    assert sources(inbox, QUIET + 5) == []


def test_a_batch_is_fetched_whole_and_an_archive_as_it_is(bucket: Bucket, inbox: BucketInbox, tmp_path: Path) -> None:
    put(bucket, "one/arch/1.jpg", "one/arch/ü 2.jpg", "one/photos.csv", "one/arch/", "one/_COMPLETE", "two.zip")
    place = inbox.fetch(found(inbox, "one/"), tmp_path)
    assert {path.relative_to(place).as_posix(): path.read_text() for path in place.rglob("*") if path.is_file()} == {
        "arch/1.jpg": "team/inbox/one/arch/1.jpg",
        "arch/ü 2.jpg": "team/inbox/one/arch/ü 2.jpg",
        "photos.csv": "team/inbox/one/photos.csv",
    }
    assert inbox.fetch(found(inbox, "two.zip"), tmp_path).read_text() == "team/inbox/two.zip"


def test_more_objects_than_a_page_lists_are_all_found(bucket: Bucket) -> None:
    inbox = BucketInbox(ADDRESS, QUIET)
    inbox._client.meta.events.register(
        "before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.update(MaxKeys=2)
    )
    put(bucket, *(f"one/arch/{number}.jpg" for number in range(5)))
    assert len(found(inbox, "one").files) == 5


@pytest.mark.parametrize("key", ("../../escape", "a//1.jpg", "a/./1.jpg", "a\\..\\1.jpg", "a/\x7f1.jpg", "a" * 300))
def test_keys_that_are_no_plain_paths_are_refused(bucket: Bucket, inbox: BucketInbox, tmp_path: Path, key: str) -> None:
    put(bucket, f"one/{key}")
    with pytest.raises(DataError, match="holds the key"):
        inbox.fetch(found(inbox, "one"), tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_key_that_is_a_file_and_a_folder_is_refused(bucket: Bucket, inbox: BucketInbox, tmp_path: Path) -> None:
    put(bucket, "one/arch", "one/arch/1.jpg")
    with pytest.raises(DataError, match="a file and a folder"):
        inbox.fetch(found(inbox, "one"), tmp_path)


@pytest.mark.parametrize("caps", (ArchiveCaps(max_files=1), ArchiveCaps(max_bytes=40)))
def test_more_than_a_batch_may_be_is_not_fetched(bucket: Bucket, tmp_path: Path, caps: ArchiveCaps) -> None:
    inbox = BucketInbox(ADDRESS, QUIET, caps)
    put(bucket, "one/arch/1.jpg", "one/arch/2.jpg")
    with pytest.raises(DataError, match="2 objects of 50 bytes"):
        inbox.fetch(found(inbox, "one"), tmp_path)


def test_an_object_that_changed_since_it_was_listed_is_not_mixed_in(
    bucket: Bucket, inbox: BucketInbox, tmp_path: Path
) -> None:
    put(bucket, "one/arch/1.jpg")
    arrival = found(inbox, "one")
    bucket.put(f"{PREFIX}one/arch/1.jpg", content=b"other")
    with pytest.raises(MachineError, match="changed while it was fetched"):
        inbox.fetch(arrival, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_fetch_goes_on_where_a_killed_one_ended(bucket: Bucket, inbox: BucketInbox, tmp_path: Path) -> None:
    put(bucket, "one/arch/1.jpg", "one/arch/2.jpg")
    arrival = found(inbox, "one")
    place = inbox.fetch(arrival, tmp_path)
    (place / "arch/1.jpg").unlink()
    (place / "arch/2.jpg").write_text("kept")
    inbox.fetch(arrival, tmp_path)
    assert [(place / f"arch/{number}.jpg").read_text() for number in (1, 2)] == ["team/inbox/one/arch/1.jpg", "kept"]


def asked_of(inbox: BucketInbox) -> list[str]:
    """A list to which the service's operations are added as it is asked."""
    asked: list[str] = []
    inbox._client.meta.events.register("before-call.s3", lambda model, **_: asked.append(model.name))
    return asked


def test_a_look_costs_no_more_for_what_was_settled_long_ago(bucket: Bucket, inbox: BucketInbox) -> None:
    for number in range(5):
        put(bucket, f"old-{number}/arch/1.jpg", f"old-{number}/_COMPLETE", f"old-{number}.zip")
        inbox.settle_taken(found(inbox, f"old-{number}/"), {})
        inbox.settle_taken(found(inbox, f"old-{number}.zip"), {})
    put(bucket, "new/arch/1.jpg", "new/_COMPLETE")
    asked = asked_of(inbox)
    costs = []
    for _ in range(3):
        assert sources(inbox, QUIET) == ["new/"]
        costs.append(len(asked))
        asked.clear()
    assert costs == [8, 3, 3]  # the top, the notes, the new batch, and at first each of the old ones


def test_a_batch_is_found_by_a_look_at_it_alone(bucket: Bucket, inbox: BucketInbox) -> None:
    put(bucket, "one/arch/1.jpg", *(f"other-{number}/1.jpg" for number in range(5)))
    asked = asked_of(inbox)
    assert [file.path for file in found(inbox, "one").files] == ["arch/1.jpg"]
    assert len(asked) == 3


def test_an_archive_and_a_folder_of_one_name_are_told_apart(bucket: Bucket, inbox: BucketInbox) -> None:
    put(bucket, "one.zip", "one.zip/arch/1.jpg", "one.zip.part")
    assert [found(inbox, name).batch for name in ("one.zip", "one.zip/")] == ["one", "one.zip"]
    assert sources(inbox, QUIET + 5) == ["one.zip", "one.zip/"]


def test_a_settled_upload_waits_no_more_and_another_one_does(bucket: Bucket, inbox: BucketInbox) -> None:
    put(bucket, "one/arch/1.jpg", "one/_COMPLETE")
    inbox.settle_taken(found(inbox, "one"), {"photos": 1})
    assert sources(inbox) == []
    assert inbox.find(f"{ADDRESS}one/") == Settled(answer={"photos": 1})
    assert f"{PREFIX}one/arch/1.jpg" in bucket.listed()
    bucket.client.delete_object(Bucket=BUCKET, Key=f"{PREFIX}one/_COMPLETE")
    assert sources(inbox, QUIET + 5) == []
    put(bucket, "one/arch/2.jpg")
    assert sources(BucketInbox(ADDRESS, QUIET), QUIET + 5) == ["one/"]
    assert sources(inbox, 2 * QUIET) == ["one/"]


def test_a_batch_that_is_put_aside_gets_its_report_and_is_tried_again_once_corrected(
    bucket: Bucket, inbox: BucketInbox, tmp_path: Path
) -> None:
    put(bucket, "one/arch/1.jpg", "one/arch/2.jpg", "one/_COMPLETE")
    arrival = found(inbox, "one")
    (tmp_path / "report.html").write_text("why")
    place = inbox.quarantine_place(arrival, "20260501T093000Z")
    aside = PutAside("one", arrival.source, "came", "expected", "todo", place)
    inbox.settle_quarantined(arrival, aside, tmp_path)
    page = bucket.client.get_object(Bucket=BUCKET, Key=f"{place.removeprefix('s3://photos/')}report.html")
    assert (page["Body"].read(), page["ContentType"]) == (b"why", "text/html; charset=utf-8")
    assert inbox.find(arrival.source) == Settled(put_aside=aside)
    assert sources(inbox) == []
    bucket.client.delete_object(Bucket=BUCKET, Key=f"{PREFIX}one/arch/2.jpg")
    assert sources(inbox, QUIET) == ["one/"]


def test_what_is_no_batch_is_not_found(bucket: Bucket, inbox: BucketInbox) -> None:
    put(bucket, "one.zip", "photo.jpg")
    for name in ("one", "two/", "photo.jpg", ""):
        with pytest.raises(DataError, match="is no batch in s3://photos/team/inbox/"):
            inbox.find(ADDRESS + name)


def test_a_service_that_is_away_is_told_and_found_again(bucket: Bucket, inbox: BucketInbox) -> None:
    put(bucket, "one/_COMPLETE")
    bucket.go_away()
    try:
        with pytest.raises(ServingError, match=r"s3://photos/team/inbox/ does not answer.*Could not connect") as told:
            inbox.waiting(time.time())
        assert told.value.exit_code == 5
    finally:
        bucket.come_back()
    assert sources(inbox) == ["one/"]


def test_a_bucket_that_is_not_there_is_told(bucket: Bucket) -> None:
    with pytest.raises(ServingError, match="NoSuchBucket"):
        BucketInbox("s3://nowhere/", QUIET).waiting(time.time())


def test_the_folder_is_looked_into_while_the_bucket_is_away(tmp_path: Path, bucket: Bucket) -> None:
    for name in ("second", "first"):
        (tmp_path / "inbox" / name).mkdir(parents=True)
        (tmp_path / "inbox" / name / "_COMPLETE").touch()
        time.sleep(0.02)
    put(bucket, "third/_COMPLETE")
    inboxes = inboxes_of(Layout(tmp_path), IntakeParameters(s3_prefix=ADDRESS))
    seen = look(inboxes, time.time() + 5)
    assert [one.batch for one in seen.waiting if one.batch != "third"] == ["second", "first"]
    assert (len(seen.waiting), seen.away) == (3, ())
    bucket.go_away()
    try:
        seen = look(inboxes, time.time() + 5)
    finally:
        bucket.come_back()
    assert [one.batch for one in seen.waiting] == ["second", "first"]
    assert [error.exit_code for error in seen.away] == [5]
    assert inbox_with(f"{ADDRESS}third/", inboxes) is inboxes[1]
