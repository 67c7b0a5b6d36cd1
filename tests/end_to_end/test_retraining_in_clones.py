"""A retraining by its commands: in a clone, recorded, released, walked back, and brought back from its commit."""

import json
from pathlib import Path
from typing import Any

import pytest
from checkouts import PHOTOS_PER_BATCH, Checkout, make_checkout

pytestmark = pytest.mark.long

RETRAIN = Path(".heritage/automation/retrain")


def answer(checkout: Checkout, *arguments: str) -> dict[str, Any]:
    """The JSON line of a command."""
    lines = checkout.pipeline(*arguments).splitlines()
    found: dict[str, Any] = json.loads(next(line for line in lines if line.startswith("{")))
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with one committed batch."""
    made = make_checkout(tmp_path_factory.mktemp("home"))
    made.pipeline("sample", "--batches", "demo-1", "--photos", str(PHOTOS_PER_BATCH))
    made.run("git", "commit", "--quiet", "--all", "--message=photos")
    return made


@pytest.fixture(scope="module")
def clone(home: Checkout) -> Checkout:
    """The retrain clone; it is there once `pin` has run."""
    return Checkout(home.root / RETRAIN, home.environment)


@pytest.fixture(scope="module")
def released(home: Checkout, clone: Checkout) -> dict[str, Any]:
    """What `register` says of the first model."""
    assert answer(home, "pin")["is_new"]
    clone.run("dvc", "repro")
    recorded = answer(clone, "record")["commit"]
    clone.pipeline("track")
    clone.pipeline("gate")
    registered = answer(clone, "register")
    answer(home, "finish")
    answer(home, "promote", "--model", registered["model"], "--version", str(registered["version"]))
    assert registered["commit"] == recorded
    return registered


def test_nothing_of_the_checkout_was_touched_but_what_serves(home: Checkout, released: dict[str, Any]) -> None:
    assert home.run("git", "status", "--porcelain") == ""
    assert not (home.root / "artifacts").exists()
    assert (home.root / "served" / "tiny" / "promotions.jsonl").is_file()
    assert (home.root / "mlflow.db").is_file()
    assert not (home.root / RETRAIN / "mlflow.db").exists()


def test_lineage_leads_from_what_serves_to_its_batches(home: Checkout, released: dict[str, Any]) -> None:
    found = answer(home, "lineage")
    assert (found["version"], found["serves"], found["missing"]) == (1, True, [])
    assert (found["commit"], found["run_id"]) == (released["commit"], released["run_id"])
    assert [(batch["batch"], batch["photos"]) for batch in found["batches"]] == [("demo-1", PHOTOS_PER_BATCH)]
    assert found["batches"][0]["taken_at"]


def test_the_same_again_is_nothing_new_and_runs_no_stage(
    home: Checkout, clone: Checkout, released: dict[str, Any]
) -> None:
    assert not answer(home, "pin")["is_new"]
    assert "up to date" in clone.run("dvc", "repro")
    assert answer(clone, "record")["commit"] == released["commit"]


def test_other_code_of_the_followed_branch_runs_only_what_it_changes(
    home: Checkout, clone: Checkout, released: dict[str, Any]
) -> None:
    home.set_parameters(evaluate={"side": "test", "bootstrap_samples": 300})
    home.run("git", "commit", "--quiet", "--all", "--message=more samples")
    assert answer(home, "pin")["is_new"]
    printed = clone.run("dvc", "repro")
    assert "Running stage 'evaluate'" in printed
    assert "Running stage 'train'" not in printed


def test_a_commit_brings_its_run_back_in_the_checkout(home: Checkout, released: dict[str, Any]) -> None:
    assert "heritage/retrain to the checkout" in answer(home, "push")["pushed"]
    home.run("git", "checkout", "--quiet", released["commit"])
    home.run("dvc", "checkout", "--force")
    # The pages of `validate` are the one output that DVC keeps no copy of.
    differences = [line.split() for line in home.run("dvc", "status").splitlines() if line.startswith("\t\t")]
    assert differences == [["deleted:", "reports/validate/data_docs"]]
    assert (home.root / "artifacts/export/saved_model/saved_model.pb").is_file()
    home.run("git", "checkout", "--quiet", "main")
