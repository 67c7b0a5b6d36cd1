from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.alerts import book
from pipeline.alerts.alert import Alert, Kind
from pipeline.alerts.book import ALERTS, keep, note_delivery
from pipeline.alerts.reading import News, latest

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)


def fail(folder: Path, number: int) -> None:
    keep(Alert(Kind.FAILURE, f"run {number}", link="a.html" if number == 1 else ""), folder, NOW)


def test_news_are_what_came_since_the_last_look(tmp_path: Path) -> None:
    fail(tmp_path, 0)
    news = News(tmp_path)
    assert news.lines() == []
    fail(tmp_path, 1)
    fail(tmp_path, 2)
    assert news.lines() == ["failure: run 1; see a.html", "failure: run 2"]
    assert news.lines() == []


def test_news_may_be_asked_before_there_ever_was_an_alert(tmp_path: Path) -> None:
    news = News(tmp_path / "state")
    assert news.lines() == []
    fail(tmp_path / "state", 2)
    assert news.lines() == ["failure: run 2"]


def test_what_did_not_reach_its_target_is_news_too(tmp_path: Path) -> None:
    news = News(tmp_path)
    note_delivery(tmp_path, NOW, "delivered to ada@b.org: failure: run 1")
    note_delivery(tmp_path, NOW, "not delivered to ada@b.org: no answer: failure: run 2")
    note_delivery(tmp_path, NOW, "not sent: failure: run 3")
    assert news.lines() == ["not delivered to ada@b.org: no answer: failure: run 2", "not sent: failure: run 3"]


def test_files_that_cannot_be_read_hold_no_news(tmp_path: Path) -> None:
    fail(tmp_path, 0)
    news, path = News(tmp_path), tmp_path / ALERTS
    path.unlink()
    assert news.lines() == []
    path.mkdir()
    (path / "a").mkdir()
    assert news.lines() == []


def test_half_a_line_is_news_once_it_is_whole(tmp_path: Path) -> None:
    fail(tmp_path, 0)
    news, path = News(tmp_path), tmp_path / ALERTS
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    assert news.lines() == []
    path.write_bytes(whole * 2)
    assert news.lines() == ["failure: run 0"]


def test_a_line_that_is_no_alert_is_passed_over(tmp_path: Path) -> None:
    news = News(tmp_path)
    (tmp_path / ALERTS).write_bytes(b'{"kind": "failure"}\nnull\n\xff\n')
    fail(tmp_path, 1)
    assert news.lines() == ["failure: run 1; see a.html"]
    assert len(latest(tmp_path, 9)) == 1


def test_a_file_that_was_replaced_is_read_from_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "_MAX_BYTES", 300)
    news, seen = News(tmp_path), []
    for number in range(2, 30):
        fail(tmp_path, number)
        seen += news.lines()
    assert seen == [f"failure: run {number}" for number in range(2, 30)]


def test_a_file_that_grew_beyond_the_one_before_is_read_whole(tmp_path: Path) -> None:
    fail(tmp_path, 0)
    news = News(tmp_path)
    (tmp_path / ALERTS).replace(tmp_path / f"{ALERTS}.1")
    for number in (2, 3, 4):
        fail(tmp_path, number)
    assert news.lines() == ["failure: run 2", "failure: run 3", "failure: run 4"]


def test_the_latest_are_told_oldest_first_over_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert latest(tmp_path, 3) == []
    monkeypatch.setattr(book, "_MAX_BYTES", 300)
    for number in range(7):
        keep(Alert(Kind.DRIFT, f"day {number}"), tmp_path, NOW + timedelta(days=number))
    assert [entry.subject for entry in latest(tmp_path, 3)] == ["day 4", "day 5", "day 6"]
