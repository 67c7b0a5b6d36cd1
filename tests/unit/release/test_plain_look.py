"""A look at an alias over HTTP, at a page that answers as MLflow 3.17 does, or in other ways."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipeline.core.errors import ServingError
from pipeline.release import reconcile as module
from pipeline.release.plain_look import champion_is
from pipeline.release.promotion import promote
from pipeline.release.reconcile import Outcome, reconcile
from pipeline.release.registry import register

Answers = Callable[[int, Any], str]


@pytest.fixture
def mlflow() -> Iterator[Answers]:
    """`mlflow(status, content)`: let MLflow answer so; gives its address."""
    answers: list[tuple[int, bytes]] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = answers[-1]
            known = self.path == "/api/2.0/mlflow/registered-models/get?name=walls"
            self.send_response(status if known else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        def answer(status: int, content: Any) -> str:
            answers.append((status, json.dumps(content).encode()))
            return f"http://127.0.0.1:{server.server_address[1]}"

        yield answer
        server.shutdown()
        thread.join()


def a_model(champion: int | None, followed: int | None) -> dict[str, Any]:
    """A registered model as MLflow tells of it; what is missing is left out."""
    return {
        "registered_model": {"name": "walls"}
        | ({"aliases": [{"alias": "champion", "version": str(champion)}]} if champion else {})
        | ({"tags": [{"key": "pipeline.served", "value": str(followed)}]} if followed else {})
    }


@pytest.mark.parametrize(
    ("champion", "followed", "agrees"),
    ((2, 2, True), (3, 2, False), (3, 3, False), (2, 1, False), (2, None, False), (None, 2, False)),
)
def test_alias_and_note_must_both_name_the_version(
    mlflow: Answers, champion: int | None, followed: int | None, agrees: bool
) -> None:
    assert champion_is(2, "walls", mlflow(200, a_model(champion, followed))) is agrees


@pytest.mark.parametrize(
    ("status", "content"), ((401, a_model(2, 2)), (404, {}), (500, ""), (200, "<html>"), (200, {"registered_model": 1}))
)
def test_another_answer_says_nothing(mlflow: Answers, status: int, content: Any) -> None:
    assert not champion_is(2, "walls", mlflow(status, content))


@pytest.mark.parametrize("uri", ("sqlite:////tmp/mlflow.db", "http://127.0.0.1:9", "https://user:secret@[", "http://"))
def test_where_nobody_answers_nothing_is_known(uri: str) -> None:
    assert not champion_is(2, "walls", uri)


def test_a_reconciliation_asks_mlflows_client_only_where_the_look_finds_a_difference(
    checkout, fake, mlflow: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(checkout.layout, checkout.parameters)
    promote(checkout.layout, checkout.parameters, outside=fake.outside)

    def asked(*_: object) -> None:
        raise ServingError("the client was asked", expected="", todo="")

    monkeypatch.setattr(module, "connected", asked)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow(200, a_model(1, 1)))
    assert reconcile(checkout.layout, checkout.parameters, outside=fake.outside).outcome is Outcome.IN_AGREEMENT
    mlflow(200, a_model(2, 1))
    with pytest.raises(ServingError, match="the client was asked"):
        reconcile(checkout.layout, checkout.parameters, outside=fake.outside)
