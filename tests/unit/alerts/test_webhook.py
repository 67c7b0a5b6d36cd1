import json
from pathlib import Path
from urllib.error import URLError

import pytest
from alert_places import HOST, Hook, hook

from pipeline.alerts.book import Entry
from pipeline.alerts.webhook import post
from pipeline.core.alert_targets import Webhook

ENTRY = Entry("2026-11-21T04:00:00+00:00", "quarantine", "Gewölbe-2", "17 photos\ncannot be read", "report.html", 3)


def test_a_hook_gets_json_whose_text_says_everything() -> None:
    with hook(Hook()) as taken:
        assert post(ENTRY, Webhook(f"http://{HOST}:{taken.port}/T0/geheim?a=b")) == ""
    ((method, path, body),) = taken.requests
    assert (method, path) == ("POST", "/T0/geheim?a=b")
    content = json.loads(body)
    assert content.pop("text") == (
        "quarantine: Gewölbe-2\n17 photos\ncannot be read\n\nreport.html\n\n"
        "(the same came 3 times more since it was sent the last time)"
    )
    assert content == {"kind": "quarantine", "subject": "Gewölbe-2", "link": "report.html", "time": ENTRY.time}


@pytest.mark.parametrize("status", (200, 201, 202, 204))
def test_every_kind_of_yes_is_one(status: int) -> None:
    with hook(Hook([status])) as taken:
        post(ENTRY, Webhook(f"http://{HOST}:{taken.port}/"))


@pytest.mark.parametrize("status", (301, 302, 307, 400, 403, 404, 429, 500, 503))
def test_everything_else_is_a_no_and_no_redirect_is_followed(status: int) -> None:
    with (
        hook(Hook()) as other,
        hook(Hook([status], f"http://{HOST}:{other.port}/")) as taken,
        pytest.raises(ConnectionError, match=f"it answered {status}"),
    ):
        post(ENTRY, Webhook(f"http://{HOST}:{taken.port}/"))
    assert len(taken.requests) == 1
    assert not other.requests


def test_https_wants_a_certificate_that_is_trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hook(Hook(certificate=certificate)) as taken:
        target = Webhook(f"https://{HOST}:{taken.port}/")
        with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
            post(ENTRY, target)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        post(ENTRY, target)
    assert len(taken.requests) == 1


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with hook(Hook()) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{HOST}:{proxy.port}")
        post(ENTRY, Webhook("http://hooks.example.org/T0"))
    assert proxy.requests[0][1] == "http://hooks.example.org/T0"
