"""Batches from a bucket, and photos that a batch only lists: over real HTTP, with services that go away."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from buckets import BUCKET, Bucket, running_bucket
from inboxes import alerts, left_behind, recorded, waiting
from PIL import Image
from small_homes import SmallHome
from web_hosts import PHOTOS, Web, make_certificates, photo, reply, web_of_hosts

from pipeline.automation.taking import take
from pipeline.core.errors import DataError, ServingError
from pipeline.core.operation_parameters import IntakeParameters
from pipeline.core.recipes import render

ADDRESS = "s3://photos/inbox/"


@pytest.fixture(scope="module")
def service() -> Iterator[Bucket]:
    with pytest.MonkeyPatch.context() as monkeypatch, running_bucket(monkeypatch) as running:
        yield running


@pytest.fixture
def bucket(service: Bucket) -> Iterator[Bucket]:
    yield service
    service.empty()


@pytest.fixture
def far_home(home: SmallHome) -> SmallHome:
    """A checkout whose batches come to a bucket."""
    intake = IntakeParameters(s3_prefix=ADDRESS)
    home.parameters = home.parameters.model_copy(update={"intake": intake})
    return home


def upload(bucket: Bucket, home: SmallHome, batch: str, shade: int) -> str:
    folder = home.photos(batch, shade)
    for path in sorted(folder.rglob("*.png")):
        bucket.put(f"inbox/{batch}/{path.relative_to(folder).as_posix()}", content=path.read_bytes())
    bucket.put(f"inbox/{batch}/_COMPLETE")
    return f"{ADDRESS}{batch}/"


def test_a_batch_of_a_bucket_is_taken_in_and_noted_there(far_home: SmallHome, bucket: Bucket) -> None:
    source = upload(bucket, far_home, "survey-1", 1)
    assert waiting(far_home) == ["survey-1"]
    one = take(far_home.layout, far_home.parameters, source)
    assert (one.source, one.photos, one.is_new) == (source, 4, True)
    assert (recorded(far_home), waiting(far_home), left_behind(far_home)) == ([("survey-1", 4)], [], [])
    (record,) = bucket.listed("inbox/_taken/survey-1/")
    content = bucket.client.get_object(Bucket=BUCKET, Key=record)["Body"].read()
    assert json.loads(content)["answer"]["commit"] == one.commit
    assert take(far_home.layout, far_home.parameters, source) == one


def test_a_bad_batch_of_a_bucket_is_noted_with_its_report_and_tried_again_once_corrected(
    far_home: SmallHome, bucket: Bucket
) -> None:
    source = upload(bucket, far_home, "survey-1", 1)
    bucket.put("inbox/survey-1/sound/bad.png", "inbox/survey-1/sound/worse.png")
    for _ in range(2):
        with pytest.raises(DataError, match=r"2 of 6 files cannot be read.*") as told:
            take(far_home.layout, far_home.parameters, source)
    assert "then upload it again" in told.value.todo
    assert {key.rpartition("/")[2] for key in bucket.listed("inbox/_quarantine/") if "report" in key} == {
        "report.html",
        "report.json",
    }
    assert {alert["link"].rpartition("/")[2] for alert in alerts(far_home)} == {"report.html"}
    assert (waiting(far_home), left_behind(far_home)) == ([], [])
    for name in ("bad", "worse"):
        bucket.client.delete_object(Bucket=BUCKET, Key=f"inbox/survey-1/sound/{name}.png")
    assert waiting(far_home) == ["survey-1"]
    assert take(far_home.layout, far_home.parameters, source).is_new


def test_while_the_bucket_is_away_a_batch_stays_and_is_taken_in_afterwards(far_home: SmallHome, bucket: Bucket) -> None:
    source = upload(bucket, far_home, "survey-1", 1)
    (far_home.root / "params.yaml").write_text(render(far_home.parameters))
    bucket.go_away()
    try:
        with pytest.raises(ServingError, match="does not answer as agreed"):
            take(far_home.layout, far_home.parameters, source)
        command = [sys.executable, "-m", "pipeline", "inbox"]
        done = subprocess.run(command, cwd=far_home.root, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (5, "")
    finally:
        bucket.come_back()
    assert take(far_home.layout, far_home.parameters, source).is_new


@pytest.mark.long
def test_a_bucket_that_goes_away_before_a_batch_is_noted_costs_nothing(
    far_home: SmallHome, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.automation import taking

    source = upload(bucket, far_home, "survey-1", 1)
    commit = taking.commit_photos

    def commit_and_lose(*arguments: object) -> str:
        bucket.go_away()
        return commit(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(taking, "commit_photos", commit_and_lose)
    try:
        with pytest.raises(ServingError, match="does not answer"):
            take(far_home.layout, far_home.parameters, source)
    finally:
        bucket.come_back()
    monkeypatch.setattr(taking, "commit_photos", commit)
    assert take(far_home.layout, far_home.parameters, source).is_new
    assert recorded(far_home) == [("survey-1", 4)]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def web(certificates: Path) -> Iterator[Web]:
    with web_of_hosts(certificates) as web:
        yield web


def listing(home: SmallHome, folder: str, *hosts: str) -> None:
    """Put a batch into the inbox that lists three photos."""
    place = home.root / "inbox" / folder
    place.mkdir(parents=True)
    lines = [f"https://{PHOTOS}/{number}.jpg,dome,a page,CC0" for number in range(3)]
    (home.root / "inbox" / Path(folder).parts[0] / "_COMPLETE").touch()
    (place / "urls.csv").write_text("\n".join(["url,label,source,licence", *lines]) + "\n")
    intake = IntakeParameters(hosts=hosts, seconds_between_requests=0)
    home.parameters = home.parameters.model_copy(update={"intake": intake})


def picture(home: SmallHome, shade: int) -> bytes:
    place = home.root.parent / f"{shade}.jpg"
    Image.new("RGB", (60, 40), (shade, 90, 20)).save(place)
    return place.read_bytes()


def test_listed_photos_are_fetched_and_those_that_were_not_are_said(home: SmallHome, web: Web) -> None:
    listing(home, "survey-1", PHOTOS)
    web.answers = {f"{PHOTOS}/{number}.jpg": photo(picture(home, number)) for number in (0, 1)}
    before = (home.root / "inbox/survey-1/urls.csv").read_bytes()
    one = take(home.layout, home.parameters, "inbox/survey-1", web.network)
    assert (one.photos, one.labelled, one.is_new) == (2, 2, True)
    assert one.remarks[0].startswith("2 of 3 listed photos are here; not fetched: 1 x ")
    assert "a page" in (home.layout.photos_clone / "data/survey-1/photos.csv").read_text()
    kept = home.root / "inbox/_taken/survey-1"
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == {"_COMPLETE": b"", "urls.csv": before}
    assert (home.layout.automation / "listed/survey-1.csv").read_text().count("\n") == 4


def test_while_hosts_are_away_a_list_stays_and_what_was_fetched_is_kept(home: SmallHome, web: Web) -> None:
    listing(home, "survey-1", PHOTOS)
    web.answers = {f"{PHOTOS}/{number}.jpg": photo(picture(home, number)) for number in (0, 1)}
    web.answers[f"{PHOTOS}/2.jpg"] = reply(status=503, Retry_After="3600")
    with pytest.raises(ServingError, match=r"1 of 3 photos of .*inbox/survey-1"):
        take(home.layout, home.parameters, "inbox/survey-1", web.network)
    assert waiting(home) == ["survey-1"]
    web.answers[f"{PHOTOS}/2.jpg"] = photo(picture(home, 2))
    web.asked.clear()
    assert take(home.layout, home.parameters, "inbox/survey-1", web.network).photos == 3
    assert web.photos_asked == [f"{PHOTOS}/2.jpg"]


def test_a_list_of_which_nothing_may_be_fetched_is_put_aside_line_by_line(home: SmallHome, web: Web) -> None:
    listing(home, "survey-1/wrapped")
    with pytest.raises(DataError, match=r"no photo of inbox/survey-1/wrapped/urls\.csv could be fetched"):
        take(home.layout, home.parameters, "inbox/survey-1", web.network)
    (place,) = (home.root / "inbox/_quarantine").iterdir()
    assert sorted(path.name for path in place.iterdir()) == [
        "report.html",
        "report.json",
        "scrape-report.csv",
        "survey-1",
    ]
    assert web.connected == []
