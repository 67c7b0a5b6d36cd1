"""The commands that change what serves: their answers for programs, other lines of models, and alerts."""

import json
from functools import partial
from typing import Any

import pytest
from releasable_checkouts import Checkout, FakeOutside
from typer.testing import CliRunner, Result

from pipeline.cli import app
from pipeline.core.errors import ParameterError, ServingError
from pipeline.release import promotion, reconcile, rollback
from pipeline.release.mlflow_client import connected
from pipeline.release.registry import CHAMPION, Registry


@pytest.fixture
def here(checkout: Checkout, fake: FakeOutside, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """The checkout is the current folder, and model servers need no TensorFlow."""
    monkeypatch.chdir(checkout.layout.root)
    for module, name in ((promotion, "promote"), (rollback, "rollback")):
        monkeypatch.setattr(module, name, partial(getattr(module, name), outside=fake.outside))
    real = reconcile.reconcile
    monkeypatch.setattr(reconcile, "reconcile", lambda *given: real(*given[:3], fake.outside))
    return checkout


def give(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def answer(*arguments: str) -> dict[str, Any]:
    result = give(*arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def alerts(checkout: Checkout) -> list[tuple[str, str]]:
    path = checkout.layout.state / "alerts.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(line["kind"], line["subject"]) for line in map(json.loads, lines)]


def move_champion(checkout: Checkout, name: str, version: int) -> None:
    with connected(checkout.layout, checkout.parameters) as client:
        Registry(client, name).set_alias(CHAMPION, version)


def test_a_registered_version_says_what_it_was_made_from_and_whether_it_was_tried(here: Checkout) -> None:
    first = answer("register")
    assert {name: first[name] for name in ("model", "version", "data_hash", "batches", "tried", "approval")} == {
        "model": "walls",
        "version": 1,
        "data_hash": "abc.dir",
        "batches": [],
        "tried": False,
        "approval": "automatic",
    }
    assert answer("promote", "--model", "walls", "--version", "1") == {
        "model": "walls",
        "version": 1,
        "before": None,
        "changed": True,
    }
    assert answer("register")["tried"]


def test_a_rollback_is_told_and_one_that_changes_nothing_is_not(here: Checkout) -> None:
    for name in ("first", "second"):
        here.make_candidate(name)
        answer("register")
        answer("promote")
    assert answer("rollback", "--reason", "blurred maps")["version"] == 1
    assert not answer("rollback", "--version", "1")["changed"]
    assert alerts(here) == [("rollback", "walls went back from version 2 to version 1")]


def test_every_line_with_a_history_is_reconciled_whatever_another_comes_to(here: Checkout) -> None:
    answer("register")
    answer("promote")
    broken = here.line.served / "roofs" / "promotions.jsonl"
    broken.parent.mkdir()
    broken.write_text("no history\n")
    result = give("reconcile")
    assert isinstance(result.exception, ServingError)
    assert "roofs" in str(result.exception)
    assert [line["model"] for line in json.loads(result.stdout.splitlines()[-1])["models"]] == ["walls"]
    broken.unlink()
    assert answer("reconcile")["models"] == [
        {"model": "walls", "version": 1, "outcome": "in agreement", "reason": ""},
    ]
    assert alerts(here) == []


def test_an_alias_that_is_put_back_or_moved_to_an_earlier_version_is_told(here: Checkout) -> None:
    for name in ("first", "second"):
        here.make_candidate(name)
        answer("register")
        answer("promote")
    move_champion(here, "walls", 1)
    assert answer("reconcile", "--model", "walls")["models"][0]["outcome"] == "served what the alias names"
    here.make_candidate("third", answers_differ=True)
    answer("register")
    move_champion(here, "walls", 3)
    assert answer("reconcile")["models"][0]["outcome"] == "put back"
    assert answer("reconcile")["models"][0]["outcome"] == "in agreement"
    assert alerts(here) == [
        ("rollback", "walls went back to version 1"),
        ("rollback", "walls: the alias champion was put back; version 1 serves"),
    ]


@pytest.mark.parametrize("command", ("promote", "rollback", "reconcile"))
def test_a_line_of_models_that_cannot_be_is_refused(here: Checkout, command: str) -> None:
    assert isinstance(give(command, "--model", "../walls").exception, ParameterError)
