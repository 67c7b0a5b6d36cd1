import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from alert_places import HOST, Hook, MailServer, free_port, hook, mail_server, silent_server

from pipeline.alerts.book import DELIVERIES, Entry
from pipeline.alerts.delivery import _shown, deliver
from pipeline.alerts.sending import ENTRY as ENTRY_VARIABLE
from pipeline.alerts.sending import TARGET
from pipeline.core.alert_targets import Mail, Webhook

ENTRY = Entry("2026-11-21T04:00:00+00:00", "failure", "retrain failed", "", "", 0)
AT_ONCE = (0.0, 0.0)


def mail_to(port: int) -> Mail:
    return Mail(HOST, port, "heritage@example.org", ("ada@example.org",))


def test_a_target_that_is_down_for_a_moment_is_tried_again() -> None:
    with hook(Hook([503, 500])) as taken:
        outcome = deliver(ENTRY, Webhook(f"http://{HOST}:{taken.port}/geheim"), "", AT_ONCE)
    assert outcome == f"delivered to http://{HOST}:{taken.port}/..."
    assert len(taken.requests) == 3


def test_mail_that_is_put_off_is_tried_again() -> None:
    with mail_server(MailServer(refusals=[b"451 later"])) as server:
        assert deliver(ENTRY, mail_to(server.port), "", AT_ONCE).startswith("delivered to ada@example.org by")
    assert len(server.mails) == 1


def test_a_target_that_stays_down_is_told_with_the_reason() -> None:
    outcome = deliver(ENTRY, Webhook(f"http://{HOST}:{free_port()}/geheim"), "", AT_ONCE)
    assert outcome.startswith(f"not delivered to http://{HOST}:")
    assert "in 3 attempts" in outcome
    assert "refused" in outcome
    assert "geheim" not in outcome


def test_what_a_server_says_back_gives_no_secrets_away() -> None:
    with mail_server(MailServer(refusals=[b"554 geheim\x1b is no word for a mail"] * 3)) as server:
        outcome = deliver(ENTRY, mail_to(server.port), "geheim", AT_ONCE)
    assert outcome.endswith(": 554 ... is no word for a mail")
    assert "geheim" not in outcome


def test_a_server_that_repeats_its_address_gives_no_secrets_away() -> None:
    target = Webhook("https://hooks.example.org/T0/geheim?token=versteckt")
    assert _shown("404 no /T0/geheim with token=versteckt", target, "") == "404 no ... with ..."


def test_what_speaks_another_language_is_told() -> None:
    with mail_server(MailServer()) as server:
        assert "BadStatusLine" in deliver(ENTRY, Webhook(f"http://{HOST}:{server.port}/"), "", AT_ONCE)


WITH_A_LIMIT = """
import sys
from pipeline.alerts import delivery
delivery.LIMIT_SECONDS = float(sys.argv.pop())
delivery.main()
"""


def started(folder: Path, port: int, limit: float) -> subprocess.Popen[bytes]:
    environment = {**os.environ, ENTRY_VARIABLE: ENTRY.line, TARGET: f"http://{HOST}:{port}/geheim"}
    return subprocess.Popen([sys.executable, "-c", WITH_A_LIMIT, str(folder), str(limit)], env=environment)


def test_a_target_that_never_answers_is_left_at_the_limit(tmp_path: Path) -> None:
    with silent_server() as port:
        assert started(tmp_path, port, 0.2).wait(timeout=10) == 0
    note = (tmp_path / DELIVERIES).read_text(encoding="utf-8")
    assert f"not delivered to http://{HOST}:{port}/...: no end within 0 s: failure: retrain failed\n" in note


def test_a_delivery_that_is_stopped_says_so(tmp_path: Path) -> None:
    with silent_server() as port:
        delivery = started(tmp_path, port, 50)
        deadline = time.monotonic() + 20
        while not psutil.Process(delivery.pid).net_connections():
            assert time.monotonic() < deadline, "it never called its target"
            time.sleep(0.02)
        delivery.send_signal(signal.SIGTERM)
        assert delivery.wait(timeout=10) == 0
    assert "stopped before its end" in (tmp_path / DELIVERIES).read_text(encoding="utf-8")


@pytest.mark.parametrize("pauses", ((), (0.0,)))
def test_there_is_one_attempt_more_than_pauses(pauses: tuple[float, ...]) -> None:
    with hook(Hook([500] * 5)) as taken:
        deliver(ENTRY, Webhook(f"http://{HOST}:{taken.port}/"), "", pauses)
    assert len(taken.requests) == len(pauses) + 1
