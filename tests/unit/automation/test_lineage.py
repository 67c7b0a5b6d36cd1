"""The way back from a served version to its photos."""

import json
import shutil
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

import pytest
from releasable_checkouts import Checkout, FakeOutside
from rich.console import Console
from small_homes import SmallHome

from pipeline.automation.lineage import Lineage, lineage
from pipeline.automation.lineage_table import lineage_tables
from pipeline.automation.pinning import Pinned, finish, pin
from pipeline.automation.recording import record
from pipeline.core.errors import DataError, ServingError
from pipeline.core.paths import Layout
from pipeline.release.promotion import promote
from pipeline.release.registry import ModelVersion, register

NOBODY = "http://127.0.0.1:9"
"""Where no MLflow answers."""


@dataclass
class Retrained:
    """A checkout whose clone made a model that serves."""

    home: SmallHome
    pinned: Pinned
    recorded: str
    version: ModelVersion

    def lineage(self, version: int | None = None) -> Lineage:
        return lineage(self.home.layout, self.home.parameters, version)


def _retrain(home: SmallHome, name: str) -> Retrained:
    """What the tasks of a retraining do, with a model that needs no training."""
    pinned = pin(home.layout, home.parameters, home.warnings.append)
    clone = Layout.of(home.layout.retrain_clone)
    Checkout(clone, home.parameters).make_candidate(name)
    recorded = record(home.layout)
    version = register(clone, home.parameters)
    finish(home.layout)
    return Retrained(home, pinned, recorded, version)


@pytest.fixture
def retrained(fed: SmallHome, empty_registry: Path, monkeypatch: pytest.MonkeyPatch) -> Retrained:
    """Version 1, made from the batch `first`, serves."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copyfile(empty_registry, fed.root / "mlflow.db")
    done = _retrain(fed, "first")
    promote(fed.layout, fed.parameters, who="Ada", outside=FakeOutside().outside)
    return done


def test_from_what_serves_to_run_commit_photos_and_batches_and_long_after_to_the_same(retrained: Retrained) -> None:
    home = retrained.home
    found = retrained.lineage()
    assert (found.model, found.version, found.serves, found.who, found.gate) == ("walls", 1, True, "Ada", "passed")
    assert (found.run_id, found.commit) == (retrained.version.run_id, retrained.recorded)
    assert found.data_hash == retrained.pinned.data_hash == retrained.version.data_hash
    ((batch, photos, side, taken_at, source),) = (asdict(origin).values() for origin in found.batches)
    assert (batch, photos, side, source) == ("first", 4, "", "inbox/first")
    assert taken_at.startswith("20")
    assert found.missing == ()

    home.take("second", 2)
    later = _retrain(home, "second")
    assert [known.batch for known in retrained.lineage(2).batches] == ["first", "second"] == list(later.version.batches)
    assert retrained.lineage() == found
    clone = home.layout.retrain_clone
    home.run("git", "checkout", "--quiet", found.commit, at=clone)
    home.run("dvc", "checkout", "--force", "data.dvc", at=clone)
    assert sorted(path.name for path in (clone / "data").iterdir()) == ["batches.csv", "first"]


def test_without_mlflow_the_history_and_the_branch_say_most_of_it(
    retrained: Retrained, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = retrained.lineage()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    found = retrained.lineage()
    assert (found.commit, found.data_hash, found.batches) == (known.commit, known.data_hash, known.batches)
    assert (found.run_id, found.gate, found.since) == (known.run_id, known.gate, known.since)
    assert "from the history alone" in found.missing[0]
    with pytest.raises(ServingError, match=NOBODY):
        retrained.lineage(7)


def test_without_cache_and_clones_the_run_in_mlflow_says_most_of_it(retrained: Retrained) -> None:
    retrained.home.lose_cache()
    shutil.rmtree(retrained.home.layout.automation)
    found = retrained.lineage()
    assert (found.commit, [batch.batch for batch in found.batches]) == (retrained.recorded, ["first"])
    assert f"commit {found.commit} is in no repository" in found.missing[0]


def test_where_nothing_serves_that_is_said(fed: SmallHome) -> None:
    with pytest.raises(ServingError, match="no version of walls serves"):
        lineage(fed.layout, fed.parameters)


def test_people_see_facts_and_batches(retrained: Retrained) -> None:
    page = StringIO()
    Console(width=118, file=page).print(*lineage_tables(retrained.lineage()))
    for shown in ("walls 1, which serves now", "by Ada", retrained.recorded, "inbox/first", "passed"):
        assert shown in page.getvalue()
    assert json.dumps(asdict(retrained.lineage()))


def test_a_run_waits_out_an_mlflow_that_is_gone_for_a_while(fed: SmallHome, empty_registry: Path, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOBODY)
    with pytest.raises(ServingError, match=NOBODY) as away:
        _retrain(fed, "first")
    assert away.value.exit_code == 5
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    shutil.copyfile(empty_registry, fed.root / "mlflow.db")
    assert register(Layout.of(fed.layout.retrain_clone), fed.parameters).version == 1


def test_what_was_changed_by_hand_in_the_clone_is_not_recorded(fed: SmallHome) -> None:
    pin(fed.layout, fed.parameters, fed.warnings.append)
    clone = fed.layout.retrain_clone
    with pytest.raises(DataError, match=r"dvc\.lock cannot be read"):
        record(fed.layout)
    Checkout(Layout.of(clone), fed.parameters).make_candidate("first")
    (clone / "dvc.yaml").write_text("stages: {}  # by hand\n")
    with pytest.raises(DataError, match=r"changed by hand(.|\n)*pipeline pin"):
        record(fed.layout)
    fed.run("git", "checkout", "dvc.yaml", at=clone)
    commit = record(Layout.of(clone))
    assert record(fed.layout) == commit
    assert "Manifest: " in fed.run("git", "show", "--no-patch", commit, at=clone)


def test_without_a_pinned_commit_there_is_nothing_to_record(fed: SmallHome) -> None:
    with pytest.raises(DataError, match="not at a pinned commit"):
        record(fed.layout)
