import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from alert_places import HOST, Hook, MailServer, free_port, hook, mail_server, silent_server

from pipeline.alerts.alert import Alert, Kind
from pipeline.alerts.book import ALERTS, DELIVERIES
from pipeline.alerts.sending import PASSWORD, TARGET, chosen_target, send
from pipeline.core.alert_targets import parse_target
from pipeline.core.errors import ParameterError

REFUSAL = Alert(Kind.REFUSAL, "demo is worse", "by a point", "reports/report.html")
AT_ONCE = 0.3
"""Seconds that a sender may be kept."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A book of alerts; what still delivers its alerts at the end of the test is stopped."""
    yield tmp_path / "state"
    for process in deliveries(tmp_path):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def deliveries(folder: Path) -> list[psutil.Process]:
    words = ["pipeline.alerts.delivery", str(folder / "state")]
    return [process for process in psutil.process_iter(["cmdline"]) if (process.info["cmdline"] or [])[-2:] == words]


def outcome(folder: Path, seconds: float = 20) -> str:
    """What the log of deliveries says once it says something."""
    deadline = time.monotonic() + seconds
    said = ""
    while not said.endswith("\n"):
        assert time.monotonic() < deadline, "no delivery came to an end"
        time.sleep(0.02)
        said = (folder / DELIVERIES).read_text(encoding="utf-8") if (folder / DELIVERIES).exists() else ""
    return said


def test_an_alert_is_kept_and_sent_nowhere_by_default(folder: Path, tmp_path: Path) -> None:
    assert send(REFUSAL, "log", folder)
    assert json.loads((folder / ALERTS).read_text(encoding="utf-8"))["subject"] == "demo is worse"
    assert not deliveries(tmp_path)
    assert not (folder / DELIVERIES).exists()


def test_a_webhook_hears_of_it(folder: Path) -> None:
    with hook(Hook()) as taken:
        send(REFUSAL, f"http://{HOST}:{taken.port}/T0/geheim", folder)
        said = outcome(folder)
    assert json.loads(taken.requests[0][2])["text"] == "refusal: demo is worse\nby a point\n\nreports/report.html"
    assert f"delivered to http://{HOST}:{taken.port}/...: refusal: demo is worse\n" in said


def test_the_longest_text_of_any_language_arrives(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    with hook(Hook()) as taken:
        send(Alert(Kind.DRIFT, "拱顶", "𠀀" * 20_000, "𠀀" * 2_000), f"http://{HOST}:{taken.port}/", folder)
        assert "delivered" in outcome(folder)
    assert json.loads(taken.requests[0][2])["text"].startswith("drift: 拱顶\n" + "𠀀" * 7_990)


def test_people_get_mail(folder: Path) -> None:
    with mail_server(MailServer()) as server:
        send(REFUSAL, f"smtp://{HOST}:{server.port}/?from=heritage@b.org&to=ada@b.org", folder)
        assert "delivered to ada@b.org by" in outcome(folder)
    assert server.mails[0]["Subject"] == "[heritage] refusal: demo is worse"


def test_the_environment_goes_before_the_parameter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hook(Hook()) as other, hook(Hook()) as taken:
        monkeypatch.setenv(TARGET, f"http://{HOST}:{taken.port}/")
        send(REFUSAL, f"http://{HOST}:{other.port}/", folder)
        outcome(folder)
    assert (len(taken.requests), len(other.requests)) == (1, 0)


def test_the_same_alert_is_sent_once(folder: Path) -> None:
    with hook(Hook()) as taken:
        sent = [send(REFUSAL, f"http://{HOST}:{taken.port}/", folder) for _ in range(5)]
        outcome(folder)
    assert sent == [True, False, False, False, False]
    assert len(taken.requests) == 1


def test_a_burst_starts_no_more_than_ten_deliveries(folder: Path, tmp_path: Path) -> None:
    with silent_server() as port:
        sent = [send(Alert(Kind.FAILURE, f"run {run}"), f"http://{HOST}:{port}/", folder) for run in range(15)]
        assert sum(sent) == 10
        assert len(deliveries(tmp_path)) == 10


@pytest.mark.parametrize("scheme", ("http://{0}/", "smtp://{0}/?from=a@b.org&to=c@d.org"))
def test_a_target_that_hangs_delays_nothing(folder: Path, scheme: str) -> None:
    with silent_server() as port:
        started = time.monotonic()
        send(REFUSAL, scheme.format(f"{HOST}:{port}"), folder)
        assert time.monotonic() - started < AT_ONCE


def test_secrets_stand_in_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "geheim")
    with hook(Hook()) as taken, mail_server(MailServer(accounts={"ada": "geheim"})) as server:
        send(REFUSAL, f"http://{HOST}:{taken.port}/T0/geheim", folder / "hook")
        send(REFUSAL, f"smtp://ada@{HOST}:{server.port}/?from=a@b.org&to=c@d.org", folder / "mail")
        outcome(folder / "hook")
        outcome(folder / "mail")
    assert server.logins == ["ada"]
    assert not [path for path in folder.rglob("*.*") if "geheim" in path.read_text(encoding="utf-8")]


def test_flags_that_everybody_can_read_hold_no_secrets(folder: Path, tmp_path: Path) -> None:
    with silent_server() as port:
        send(REFUSAL, f"http://{HOST}:{port}/T0/geheim", folder)
        (delivery,) = deliveries(tmp_path)
        assert "geheim" not in " ".join(delivery.cmdline())


SENDER = """
import sys, time
from pathlib import Path
from pipeline.alerts.alert import Alert, Kind
from pipeline.alerts.sending import send
send(Alert(Kind.FAILURE, "a task failed"), sys.argv[2], Path(sys.argv[1]))
print("sent", flush=True)
time.sleep(20)
"""


def test_a_delivery_outlives_the_sender_and_its_process_group(folder: Path, tmp_path: Path) -> None:
    with silent_server() as port:
        command = [sys.executable, "-c", SENDER, str(folder), f"http://{HOST}:{port}/"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as sender:
            assert sender.stdout is not None
            assert sender.stdout.readline() == b"sent\n"
            (delivery,) = deliveries(tmp_path)
            assert delivery not in psutil.Process(sender.pid).children(recursive=True)
            os.killpg(sender.pid, signal.SIGKILL)
            assert sender.stdout.read() == b""  # nobody else holds the pipe
        time.sleep(0.2)
        assert delivery.status() != psutil.STATUS_ZOMBIE
        assert os.getsid(delivery.pid) != sender.pid


def test_a_sender_that_runs_on_keeps_no_ended_processes(folder: Path) -> None:
    before = set(psutil.Process().children())
    with hook(Hook()) as taken:
        send(REFUSAL, f"http://{HOST}:{taken.port}/", folder)
        outcome(folder)
    assert set(psutil.Process().children()) == before


def test_nothing_is_raised_once_the_deed_is_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TARGET, "https://ada:geheim@hooks.example.org/")
    send(REFUSAL, "log", folder)
    said = outcome(folder)
    assert "not sent: refusal: demo is worse: HERITAGE_NOTIFY is no place for alerts" in said
    assert "geheim" not in said
    assert (folder / ALERTS).exists()


def test_a_disk_that_takes_nothing_stops_no_alert(folder: Path) -> None:
    folder.write_text("no folder, so nothing can be written below it", encoding="utf-8")
    with hook(Hook()) as taken:
        assert send(REFUSAL, f"http://{HOST}:{taken.port}/", folder)
        deadline = time.monotonic() + 20
        while not taken.requests:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_where_alerts_go_is_told() -> None:
    hook_address, mail = "https://a.b/c", "smtp://ada@mail/?from=a@b.org&to=c@d.org"
    assert chosen_target("log", {}) is None
    assert chosen_target("log", {TARGET: hook_address}) == parse_target(hook_address)
    assert chosen_target(hook_address, {TARGET: ""}) == parse_target(hook_address)
    assert chosen_target(hook_address, {TARGET: "log"}) is None
    assert chosen_target(mail, {PASSWORD: "x"}) == parse_target(mail)


@pytest.mark.parametrize(
    ("environment", "problem"),
    (
        ({TARGET: "lgo"}, "HERITAGE_NOTIFY is no place"),
        ({}, "names the mail user 'ada', who has no password"),
    ),
)
def test_a_target_that_cannot_be_used_is_told(environment: dict[str, str], problem: str) -> None:
    with pytest.raises(ParameterError, match=problem):
        chosen_target("smtp://ada@mail/?from=a@b.org&to=c@d.org", environment)


@pytest.mark.long
def test_a_target_that_is_down_is_noted(folder: Path) -> None:
    send(REFUSAL, f"http://{HOST}:{free_port()}/", folder)
    assert "in 3 attempts: URLError" in outcome(folder)
