import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.alerts import book
from pipeline.alerts.alert import Alert, Kind
from pipeline.alerts.book import ALERTS, DELIVERIES, keep, note_delivery

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
REFUSAL = Alert(Kind.REFUSAL, "demo is worse", "by a point", "reports/report.html")


def kept(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / ALERTS).read_text(encoding="utf-8").splitlines()]


def test_an_alert_is_a_line(tmp_path: Path) -> None:
    assert keep(REFUSAL, tmp_path / "new", NOW) is not None
    assert kept(tmp_path / "new") == [
        {
            "time": "2026-11-21T04:00:00+00:00",
            "kind": "refusal",
            "subject": "demo is worse",
            "text": "by a point",
            "link": "reports/report.html",
            "repeated": 0,
            "held_back": False,
        }
    ]


def test_the_same_alert_is_sent_once_an_hour_and_counted(tmp_path: Path) -> None:
    sent = [keep(REFUSAL, tmp_path, NOW + timedelta(minutes=minute)) for minute in range(120)]
    assert [entry.repeated for entry in sent if entry] == [0, 59]
    assert len(kept(tmp_path)) == 2


def test_another_kind_or_subject_is_another_alert(tmp_path: Path) -> None:
    assert keep(REFUSAL, tmp_path, NOW)
    assert keep(Alert(Kind.FAILURE, REFUSAL.subject), tmp_path, NOW)
    assert keep(Alert(REFUSAL.kind, "masonry is worse"), tmp_path, NOW)
    assert not keep(Alert(REFUSAL.kind, REFUSAL.subject, "by two points"), tmp_path, NOW)


def test_of_a_burst_the_first_ten_are_sent_and_all_are_kept(tmp_path: Path) -> None:
    burst = [Alert(Kind.QUARANTINE, f"batch {number}") for number in range(200)]
    entries = [keep(alert, tmp_path, NOW + timedelta(seconds=number / 10)) for number, alert in enumerate(burst)]
    assert [entry.subject for entry in entries if not entry.held_back] == [alert.subject for alert in burst[:10]]
    assert len(kept(tmp_path)) == 200
    assert keep(burst[-1], tmp_path, NOW + timedelta(seconds=21)) is None
    again = keep(burst[-1], tmp_path, NOW + timedelta(minutes=2))
    assert (again.held_back, again.repeated) == (False, 1)


def test_a_clock_that_was_set_back_silences_nothing(tmp_path: Path) -> None:
    assert keep(REFUSAL, tmp_path, NOW)
    assert keep(REFUSAL, tmp_path, NOW - timedelta(days=3))
    assert not keep(REFUSAL, tmp_path, NOW - timedelta(days=3, seconds=1))  # a sender that had to wait for the lock


def test_old_alerts_are_forgotten(tmp_path: Path) -> None:
    for day in range(5):
        keep(Alert(Kind.FAILURE, f"run {day}"), tmp_path, NOW + timedelta(days=day))
    assert "run 3" not in (tmp_path / "alerts-recent.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ("", '{"refusal demo is wor', "[]", '{"refusal demo is worse": 1}', "null"))
def test_a_record_cut_off_by_a_crash_stops_no_alert(tmp_path: Path, text: str) -> None:
    (tmp_path / "alerts-recent.json").write_text(text, encoding="utf-8")
    assert keep(REFUSAL, tmp_path, NOW)
    assert not keep(REFUSAL, tmp_path, NOW)


def test_files_do_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "_MAX_BYTES", 2_000)
    for number in range(100):
        keep(Alert(Kind.FAILURE, f"run {number}"), tmp_path, NOW)
        note_delivery(tmp_path, NOW, f"delivered: run {number}, to everybody who might want to know")
    for name in (ALERTS, DELIVERIES):
        assert sorted(path.name for path in tmp_path.glob(f"{name}*")) == [name, f"{name}.1"]
        assert sum(path.stat().st_size for path in tmp_path.glob(f"{name}*")) < 4_500
    assert kept(tmp_path)[-1]["subject"] == "run 99"


SENDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pipeline.alerts.alert import Alert, Kind
from pipeline.alerts.book import keep
for number in range(200):
    keep(Alert(Kind.FAILURE, f"run {number}", "grounds " * 100), Path(sys.argv[1]), datetime.now(UTC))
"""


def test_of_senders_at_once_one_sends_and_no_line_is_torn(tmp_path: Path) -> None:
    senders = [subprocess.Popen([sys.executable, "-c", SENDER, str(tmp_path)]) for _ in range(4)]
    assert [sender.wait(timeout=60) for sender in senders] == [0] * 4
    subjects = [line["subject"] for line in kept(tmp_path)]
    assert len(subjects) == 200
    assert set(subjects) == {f"run {number}" for number in range(200)}
