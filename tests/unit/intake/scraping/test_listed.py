"""A whole table: what is fetched, what is said of the rest, and what a second try does."""

import csv
import errno
import hashlib
import time
from pathlib import Path

import pytest
from web_hosts import ARCHIVE, JPEG, MIRROR, PHOTOS, Web, photo, reply

from pipeline.core.errors import DataError, ServingError
from pipeline.core.operation_parameters import IntakeParameters
from pipeline.intake.scraping import listed
from pipeline.intake.scraping.listed import fetch_listed
from pipeline.intake.scraping.scrape_report import SCRAPE_REPORT, ScrapeReport
from pipeline.intake.scraping.visiting import FetchLimits
from pipeline.intake.sources import read_source

INTAKE = IntakeParameters(hosts=(PHOTOS, ARCHIVE, MIRROR), seconds_between_requests=0.0)
LIMITS = FetchLimits(max_bytes=2000, seconds=0.5, seconds_per_read=0.3, seconds_before_retry=0.0, max_failures=3)


def listing(folder: Path, *lines: str) -> Path:
    table = folder / "urls.csv"
    table.write_text("\n".join(("url,label,source,licence,author", *lines)), encoding="utf-8")
    return table


def fetch(web: Web, table: Path, intake: IntakeParameters = INTAKE) -> ScrapeReport:
    return fetch_listed(table, table.parent / "fetched", intake, LIMITS, web.network)


def reported(table: Path) -> list[dict[str, str]]:
    with (table.parent / "fetched" / SCRAPE_REPORT).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def numbered(number: int) -> bytes:
    return JPEG + str(number).encode()


def test_listed_photos_become_a_batch_that_intake_understands(tmp_path: Path, web: Web) -> None:
    web.answers[f"{PHOTOS}/x/Dome%20of%20g%C3%BCl.JPEG?w=9"] = photo()
    web.answers[f"{ARCHIVE}/2"] = reply(b"\x89PNG\r\n\x1a\n", Content_Type="image/png")
    table = listing(
        tmp_path,
        f"https://{PHOTOS}/x/Dome%20of%20g%C3%BCl.JPEG?w=9,dome,https://{PHOTOS}/page,CC BY 4.0,Sébah",
        f"https://{ARCHIVE}/2,,Pervititch maps,CC0,",
    )
    report = fetch(web, table)
    understood = read_source(report.folder)
    first, second = understood.parts[0].photos
    assert (first.label, first.facts.licence, first.facts.url) == (None, "CC0", f"https://{ARCHIVE}/2")
    assert first.facts.source == "Pervititch maps"
    assert first.path.startswith("_unlabelled/2-")
    assert (second.label, second.facts.licence, second.facts.author) == ("dome", "CC BY 4.0", "Sébah")
    assert second.path.startswith("dome/Dome_of_gül-")
    assert second.path.endswith(".jpg")
    assert (report.folder / second.path).read_bytes() == JPEG
    assert understood.parts[0].left_out == ()
    assert report.in_words() == "2 of 2 listed photos are here"


def test_the_report_says_what_became_of_each_line(tmp_path: Path, web: Web) -> None:
    web.answers[f"{PHOTOS}/1.jpg"] = photo()
    table = listing(
        tmp_path,
        f"https://{PHOTOS}/1.jpg,dome,,CC0,",
        f"https://{PHOTOS}/gone.jpg,dome,,CC0,",
        f"https://{PHOTOS}/2.jpg,dome,,,",
        "https://elsewhere.example/3.jpg,dome,,CC0,",
        f"http://{PHOTOS}/4.jpg,dome,,CC0,",
        f"https://{PHOTOS}/1.jpg,dome,,CC0,",
    )
    report = fetch(web, table)
    assert [(line["line"], line["outcome"], line["reason"]) for line in reported(table)] == [
        ("2", "fetched", ""),
        ("3", "refused", "its host answers 404"),
        ("4", "refused", "no licence"),
        ("5", "refused", "host not named in intake.hosts: elsewhere.example"),
        ("6", "refused", "no address of the form https://host/path"),
        ("7", "refused", "listed before: in line 2"),
    ]
    assert reported(table)[0]["sha256"] == hashlib.sha256(JPEG).hexdigest()
    assert reported(table)[0]["bytes"] == str(len(JPEG))
    assert report.in_words().startswith("1 of 6 listed photos are here; not fetched: 1 x ")
    assert web.photos_asked == [f"{PHOTOS}/1.jpg", f"{PHOTOS}/gone.jpg"]


def test_a_second_try_asks_only_for_what_is_not_here(tmp_path: Path, web: Web) -> None:
    web.answers |= {f"{PHOTOS}/{number}.jpg": photo(numbered(number)) for number in (1, 2)}
    table = listing(tmp_path, f"https://{PHOTOS}/1.jpg,dome,,CC0,", f"https://{ARCHIVE}/2.jpg,dome,,CC0,")
    web.answers[f"{ARCHIVE}/robots.txt"] = reply(status=500)
    with pytest.raises(ServingError, match="1 of 2 photos") as caught:
        fetch(web, table)
    assert "1 photos are kept" in caught.value.todo
    assert [line["outcome"] for line in reported(table)] == ["fetched", "host away"]
    web.answers |= {f"{ARCHIVE}/robots.txt": reply(status=404), f"{ARCHIVE}/2.jpg": photo()}
    web.asked.clear()
    report = fetch(web, table)
    assert web.photos_asked == [f"{ARCHIVE}/2.jpg"]
    assert [line["outcome"] for line in reported(table)] == ["fetched before", "fetched"]
    assert len(report.here) == 2
    web.asked.clear()
    fetch(web, table)
    assert web.asked == []


def test_photos_that_are_listed_no_more_go(tmp_path: Path, web: Web) -> None:
    web.answers |= {f"{PHOTOS}/{number}.jpg": photo() for number in (1, 2)}
    fetch(web, listing(tmp_path, *(f"https://{PHOTOS}/{number}.jpg,dome,,CC0," for number in (1, 2))))
    report = fetch(web, listing(tmp_path, f"https://{PHOTOS}/2.jpg,arch,,CC0,"))
    assert files_below(report.folder) == {report.here[0].path, "photos.csv"}
    assert report.here[0].path.startswith("arch/2-")


def test_one_bad_photo_costs_no_other(tmp_path: Path, web: Web) -> None:
    web.answers |= {f"{PHOTOS}/{number}.jpg": photo(numbered(number)) for number in range(4)}
    web.answers[f"{PHOTOS}/1.jpg"] = reply(status=500)
    web.answers[f"{PHOTOS}/2.jpg"] = photo(Content_Length="1999")
    report = fetch(web, listing(tmp_path, *(f"https://{PHOTOS}/{number}.jpg,dome,,CC0," for number in range(4))))
    assert [line.outcome for line in report.photos] == ["fetched", "refused", "refused", "fetched"]
    assert web.asked.count(f"{PHOTOS}/1.jpg") == 2


def test_what_failed_once_may_come_at_the_second_asking(tmp_path: Path, web: Web) -> None:
    web.answers[f"{PHOTOS}/1.jpg"] = [reply(status=502), photo()]
    assert len(fetch(web, listing(tmp_path, f"https://{PHOTOS}/1.jpg,dome,,CC0,")).here) == 1


def test_a_host_that_is_away_is_not_asked_for_each_of_its_photos(tmp_path: Path, web: Web) -> None:
    web.addresses[PHOTOS] = [["93.184.215.15"]]
    web.down.add("93.184.215.15")
    web.answers |= {f"{ARCHIVE}/{number}.jpg": photo() for number in range(9)}
    away = (f"https://{PHOTOS}/{number}.jpg,dome,,CC0," for number in range(9))
    here = (f"https://{ARCHIVE}/{number}.jpg,dome,,CC0," for number in range(9))
    table = listing(tmp_path, *away, *here)
    with pytest.raises(ServingError, match=r"9 of 18 photos .*9 x robots.txt cannot be read: photos\."):
        fetch(web, table)
    assert web.connected.count("93.184.215.15") == 3
    assert [line["outcome"] for line in reported(table)] == ["host away"] * 9 + ["fetched"] * 9


def test_a_host_that_asks_for_long_patience_is_left_for_the_next_try(tmp_path: Path, web: Web) -> None:
    web.answers |= {f"{PHOTOS}/{number}.jpg": photo() for number in range(3)}
    web.answers[f"{PHOTOS}/1.jpg"] = reply(status=429, Retry_After="3600")
    table = listing(tmp_path, *(f"https://{PHOTOS}/{number}.jpg,dome,,CC0," for number in range(3)))
    with pytest.raises(ServingError, match="busy, or away: answers 429"):
        fetch(web, table)
    assert web.photos_asked == [f"{PHOTOS}/0.jpg", f"{PHOTOS}/1.jpg"]


def test_a_short_wait_that_a_host_asks_for_is_kept(tmp_path: Path, web: Web) -> None:
    web.answers |= {f"{PHOTOS}/1.jpg": [reply(status=429, Retry_After="1"), photo()], f"{PHOTOS}/2.jpg": photo()}
    report = fetch(web, listing(tmp_path, *(f"https://{PHOTOS}/{number}.jpg,dome,,CC0," for number in (1, 2))))
    assert len(report.here) == 2
    second, third = web.at[PHOTOS][2:4]
    assert third - second >= 1.0


def test_a_table_of_which_nothing_may_be_fetched_is_refused(tmp_path: Path, web: Web) -> None:
    table = listing(tmp_path, f"https://{PHOTOS}/1.jpg,dome,,CC0,", f"https://{PHOTOS}/2.jpg,dome,,,")
    with pytest.raises(DataError, match=r"no photo of .*1 x host not named.*; 1 x no licence") as caught:
        fetch(web, table, IntakeParameters())
    assert "none so far" in caught.value.expected
    assert web.connected == []
    assert len(reported(table)) == 2
    assert not (tmp_path / "fetched" / "batch" / "photos.csv").exists()


def test_a_host_gets_one_request_at_a_time_and_several_hosts_are_asked_at_once(tmp_path: Path, web: Web) -> None:
    def slowly(stream: object) -> None:
        time.sleep(0.1)
        stream.write(photo())  # type: ignore[attr-defined]

    places = [f"{host}/{number}.jpg" for host in (PHOTOS, ARCHIVE, MIRROR) for number in range(4)]
    web.answers |= dict.fromkeys(places, slowly)
    started = time.monotonic()
    report = fetch(web, listing(tmp_path, *(f"https://{place},dome,,CC0," for place in places)))
    assert len(report.here) == 12
    assert time.monotonic() - started < 1.0
    assert set(web.most_at_once.values()) == {1}


def test_a_full_disk_ends_the_fetching_and_leaves_nothing_half(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.answers |= {f"{PHOTOS}/{number}.jpg": photo() for number in range(3)}
    written = listed._written

    def full(batch: Path, one: listed.ListedPhoto, body: bytes) -> listed.ScrapedPhoto:
        if one.line == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(batch, one, body)

    monkeypatch.setattr(listed, "_written", full)
    table = listing(tmp_path, *(f"https://{PHOTOS}/{number}.jpg,dome,,CC0," for number in range(3)))
    with pytest.raises(OSError, match="No space"):
        fetch(web, table)
    monkeypatch.undo()
    web.asked.clear()
    assert len(fetch(web, table).here) == 3
    assert f"{PHOTOS}/0.jpg" not in web.asked
