"""Whom the sidecar answers, and what its page may load."""

import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sidecars import listening

import serving.sidecar
from serving import contract
from serving.client import ModelClient
from serving.sidecar.app import ExplainedModel, create_app
from serving.sidecar.guard import LOOPBACK_NAMES

PAGE = Path(serving.sidecar.__file__).parent / "page"


@pytest.fixture
def explainer(fake_server: Any) -> Iterator[httpx.Client]:
    with ModelClient(fake_server.address, deadline=10) as client:
        limits = contract.PhotoLimits(max_bytes=300_000)
        with listening(create_app(client, ExplainedModel("demo"), limits, LOOPBACK_NAMES)) as asking:
            yield asking


def test_a_program_that_names_no_site_is_served(explainer: httpx.Client, photo: bytes) -> None:
    assert explainer.post("/v1/explain", content=photo).status_code == 200


@pytest.mark.parametrize(
    "headers",
    (
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost:8502", "Host": "localhost:8502"},
        {"Origin": "http://[::1]:8502", "Host": "[::1]:8502"},
    ),
)
def test_the_sidecars_own_page_is_served(explainer: httpx.Client, photo: bytes, headers: dict[str, str]) -> None:
    assert explainer.post("/v1/explain", content=photo, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:9000"},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9000", "Host": "localhost:8502"},
    ),
)
def test_a_page_of_another_site_sends_no_photos(
    explainer: httpx.Client, fake_server: Any, photo: bytes, headers: dict[str, str]
) -> None:
    answer = explainer.post("/v1/explain", content=photo, headers=headers)
    assert answer.status_code == 403
    assert set(answer.json()["error"]) == {"came", "expected", "to_do"}
    assert not fake_server.requests


def test_a_link_on_another_site_opens_the_page(explainer: httpx.Client) -> None:
    assert explainer.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("host", ("elsewhere.example", "elsewhere.example:8502", "[::1", "127.0.0.1.elsewhere.example"))
def test_a_name_that_was_pointed_at_this_machine_is_refused(explainer: httpx.Client, host: str) -> None:
    answer = explainer.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert host in answer.json()["error"]["came"]


def test_a_sidecar_that_listens_to_the_network_goes_by_any_name(fake_server: Any) -> None:
    with ModelClient(fake_server.address) as client, listening(create_app(client, ExplainedModel("demo"))) as explainer:
        assert explainer.get("/healthz", headers={"Host": "explainer.svc:8502"}).status_code == 200


@pytest.mark.parametrize("path", ("/", "/page/page.js", "/healthz", "/nowhere"))
def test_every_answer_holds_the_browser_to_the_sidecars_own_files(explainer: httpx.Client, path: str) -> None:
    headers = explainer.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_files_of_the_page_have_their_type_and_are_sent_again_only_when_they_change(explainer: httpx.Client) -> None:
    for file in PAGE.iterdir():
        path = "/" if file.name == "index.html" else f"/page/{file.name}"
        answer = explainer.get(path)
        assert answer.content == file.read_bytes()
        assert answer.headers["Content-Type"].partition(";")[0] == mimetypes.guess_type(file.name)[0]
        assert answer.headers["Cache-Control"] == "no-cache"
        assert explainer.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
        assert explainer.head(path).status_code == 200


def test_the_page_learns_the_limits_and_the_colours_of_the_overlay(explainer: httpx.Client) -> None:
    settings = explainer.get("/page/settings.json")
    assert settings.headers["Cache-Control"] == "no-store"
    assert settings.json()["max_bytes"] == 300_000
    assert settings.json()["formats"] == ["JPEG", "PNG", "WEBP"]
    colours = settings.json()["colours"]
    assert len(colours) == 256
    assert sum(colours[0]) < 10
    assert sum(colours[-1]) > 600


def test_no_file_beside_the_page_is_served(explainer: httpx.Client) -> None:
    for path in ("/page/", "/page/../app.py", "/page/%2e%2e/app.py", "/page/nowhere.js"):
        assert explainer.get(path).status_code == 404
