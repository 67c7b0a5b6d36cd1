"""A run that is followed through a page that plays Airflow over HTTP; `tests/serving/test_up.py` asks the true one."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.errors import GateRefused, ServingError
from pipeline.core.paths import Layout
from pipeline.services import airflow_api, retraining
from pipeline.services.airflow import AirflowHome, configure
from pipeline.services.retraining import RunFailed, retrain

GONE = 503


@dataclass
class PlayedAirflow:
    """What a page answers: each look at the run sees the next of its states, and the last for ever."""

    password: str
    starts: list[int] = field(default_factory=lambda: [200])
    """Statuses of the tries to start a run."""
    looks: list[tuple[str, dict[str, str]] | int] = field(default_factory=list)
    """State of the run with those of its tasks, or the status of a refusal."""
    reason: str | None = None
    """Why the tasks that failed did so."""
    tokens_last: int = 1000
    """Requests for which a token is good."""
    logins: int = 0
    asked: int = 0
    conf: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: dict[str, Any], token: str) -> tuple[int, dict[str, Any]]:
        if path == "/auth/token":
            return self._log_in(body)
        self.asked += 1
        if token != f"Bearer {self.logins}" or self.asked > self.tokens_last:
            return 401, {"detail": "the token is too old"}
        if method == "POST":
            self.conf = body["conf"]
            status = self.starts.pop(0)
            return status, {"dag_run_id": body["dag_run_id"], "detail": f"refused with {status}"}
        return self._look(path)

    def _log_in(self, login: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if login != {"username": "heritage", "password": self.password}:
            return 401, {"detail": "Invalid credentials"}
        self.logins += 1
        self.asked = 0
        return 201, {"access_token": str(self.logins)}

    def _look(self, path: str) -> tuple[int, dict[str, Any]]:
        if "/logs/" in path:
            detail = [{"exc_type": "CommandRefused", "exc_value": self.reason}] if self.reason else None
            return 200, {"content": [{"event": "::group::"}, {"event": "failed", "error_detail": detail}]}
        if "/taskInstances" in path:
            return 200, {"task_instances": [self._task(name, state) for name, state in self.tasks.items()]}
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, int):
            return look, {"detail": "not now"}
        state, self.tasks = look
        return 200, {"state": state}

    def _task(self, name: str, state: str) -> dict[str, Any]:
        return {"task_id": name, "try_number": 1, "state": state, "duration": 2.5}


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedAirflow]:
    """A page that plays Airflow where the checkout at `tmp_path` looks for its own."""
    monkeypatch.setattr(retraining, "_TICK_SECONDS", 0.01)
    monkeypatch.setattr(airflow_api, "_PAUSES", (0.01, 0.01, 0.01))
    airflow: PlayedAirflow

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "{}")
            status, answer = airflow.answer(self.command, self.path, body, self.headers.get("Authorization", ""))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        configure(AirflowHome.of(Layout(tmp_path)), server.server_address[1])
        airflow = PlayedAirflow(AirflowHome.of(Layout(tmp_path)).login().password)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield airflow
        server.shutdown()
        thread.join()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """The lines that were printed for people since the last call."""

    def lines() -> list[str]:
        return capsys.readouterr().err.splitlines()

    return lines


def test_each_change_of_a_task_is_told_once(
    played: PlayedAirflow, tmp_path: Path, said: Callable[[], list[str]]
) -> None:
    played.looks = [
        ("queued", {"train": "scheduled"}),
        ("running", {"train": "running"}),
        ("running", {"train": "running"}),
        ("running", {"train": "success", "register": "running"}),
        ("success", {"train": "success", "register": "success"}),
    ]
    retrain(Layout(tmp_path), "")
    first, *rest = said()
    assert first.startswith("retrain started: http://127.0.0.1:")
    assert rest == [
        "  train: runs",
        "  train: done in 2.5 s",
        "  register: runs",
        "  register: done in 2.5 s",
        "the model was registered; the run `release` lets it serve",
    ]
    assert played.conf == {}


def test_the_batch_is_handed_on(played: PlayedAirflow, tmp_path: Path) -> None:
    played.looks = [("success", {})]
    retrain(Layout(tmp_path), "survey-2")
    assert played.conf == {"batch": "survey-2"}


@pytest.mark.parametrize(
    ("tasks", "last"),
    (
        ({"train": "skipped", "register": "skipped"}, "nothing to train"),
        ({"train": "success", "register": "skipped", "announce": "skipped"}, "no model was to be released"),
        ({"train": "success", "register": "success", "announce": "skipped"}, "a model that was released before"),
    ),
)
def test_a_run_without_a_new_model_says_why(
    tasks: dict[str, str], last: str, played: PlayedAirflow, tmp_path: Path, said: Callable[[], list[str]]
) -> None:
    played.looks = [("success", tasks)]
    retrain(Layout(tmp_path), "")
    assert last in said()[-1]


def test_a_refusal_gives_its_grounds_and_another_exit_code_than_a_failure(
    played: PlayedAirflow, tmp_path: Path, said: Callable[[], list[str]]
) -> None:
    played.reason = "the gate's verdict: refused\nmin_accuracy: NOT MET"
    played.looks = [("failed", {"gate": "success", "refused": "failed", "register": "upstream_failed"})]
    with pytest.raises(GateRefused):
        retrain(Layout(tmp_path), "")
    assert "  refused | min_accuracy: NOT MET" in said()


def test_a_failed_task_is_named_also_when_its_log_tells_nothing(played: PlayedAirflow, tmp_path: Path) -> None:
    played.looks = [("failed", {"train": "failed", "export": "upstream_failed"})]
    with pytest.raises(RunFailed, match=r"^train failed\n") as caught:
        retrain(Layout(tmp_path), "")
    assert caught.value.exit_code == 1


def test_a_run_that_waits_for_another_says_so_once(
    played: PlayedAirflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]
) -> None:
    monkeypatch.setattr(retraining, "_QUEUED_SECONDS", 0.0)
    played.looks = [("queued", {}), ("queued", {}), ("queued", {}), ("success", {})]
    retrain(Layout(tmp_path), "")
    assert said().count("waits until the run before it has ended") == 1


def test_a_page_that_is_away_for_a_moment_is_waited_for(played: PlayedAirflow, tmp_path: Path) -> None:
    played.looks = [("running", {}), GONE, GONE, ("success", {})]
    retrain(Layout(tmp_path), "")


def test_a_page_that_stays_away_ends_the_following(
    played: PlayedAirflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retraining, "_ABSENCE_SECONDS", 0.1)
    played.looks = [("running", {}), GONE]
    with pytest.raises(ServingError, match="503"):
        retrain(Layout(tmp_path), "")


def test_a_run_that_lasts_longer_than_a_token_is_followed_with_another(played: PlayedAirflow, tmp_path: Path) -> None:
    played.tokens_last = 2
    played.looks = [*([("running", {})] * 4), ("success", {})]
    retrain(Layout(tmp_path), "")
    assert played.logins > 2


def test_a_busy_database_is_asked_again_and_no_run_is_started_twice(played: PlayedAirflow, tmp_path: Path) -> None:
    played.starts = [500, 500, 409]
    played.looks = [("success", {})]
    retrain(Layout(tmp_path), "")
    assert played.starts == []


def test_a_database_that_stays_busy_is_told(played: PlayedAirflow, tmp_path: Path) -> None:
    played.starts = [500] * 4
    with pytest.raises(ServingError, match=r"Airflow answers 500 .* refused with 500"):
        retrain(Layout(tmp_path), "")


def test_a_login_that_airflow_does_not_know_is_told(played: PlayedAirflow, tmp_path: Path) -> None:
    played.password = "another"
    with pytest.raises(ServingError, match=r"Airflow answers 401 .*: Invalid credentials"):
        retrain(Layout(tmp_path), "")


def test_airflow_that_does_not_run_is_told_with_the_way_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match="never run") as caught:
        retrain(Layout(tmp_path), "")
    assert "make up" in caught.value.todo
    configure(AirflowHome.of(Layout(tmp_path)), 9)  # the discard port, where nothing listens
    with pytest.raises(ServingError, match=r"does not answer at http://127.0.0.1:9: .*refused") as caught:
        retrain(Layout(tmp_path), "")
    assert caught.value.exit_code == 5
