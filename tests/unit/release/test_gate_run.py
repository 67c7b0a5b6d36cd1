"""The gate at work: which predictions it takes, what it writes, and who may override it."""

import io
import json

import numpy as np
import pytest
import yaml
from rich.console import Console

from pipeline.core.errors import GateRefused, ParameterError, ServingError
from pipeline.core.parameters import GateParameters
from pipeline.core.tables import read_rows, write_rows
from pipeline.evaluation import scoring
from pipeline.photos.records import SplitRow
from pipeline.release.gate import Verdict
from pipeline.release.gate_report import Override, gate_table, override_by, override_gate, read_gate
from pipeline.release.gate_run import run_gate
from pipeline.release.predictions import ANSWERS, GateAnswer
from pipeline.release.promotion import promote
from pipeline.release.registry import register

CLASSES = ("damaged", "sound")


class FakeScorer:
    """Says of every photo that it is sound."""

    classes = CLASSES
    thresholds = (0.5, 0.5)

    def predict_files(self, paths):
        return np.tile(np.array([0.2, 0.8], np.float32), (len(paths), 1))


@pytest.fixture
def scored_folders(monkeypatch) -> list[str]:
    """Which models were loaded for scoring."""
    folders: list[str] = []

    def load(folder, limits):
        folders.append(folder.name)
        return FakeScorer()

    monkeypatch.setattr(scoring, "load_scorer", load)
    return folders


def on_test_side(checkout, side: str = "test", **gate: float):
    """Put all photos on a side and set the gate's rules."""
    paths = sorted(p.relative_to(checkout.layout.root).as_posix() for p in checkout.layout.data.rglob("*.png"))
    rows = [
        SplitRow(path, "first", path.split("/")[2], f"{index:064x}", "keep", "", "", "", "", side)
        for index, path in enumerate(paths)
    ]
    write_rows(checkout.layout.artifacts("split") / "photos.parquet", SplitRow, rows)
    return checkout.parameters.model_copy(update={"gate": GateParameters(**gate)})


def test_evaluations_predictions_of_the_test_side_are_taken(checkout, scored_folders) -> None:
    parameters = on_test_side(checkout, min_accuracy=0.4)
    report = run_gate(checkout.layout, parameters)
    assert scored_folders == []
    assert (report.verdict, report.n, report.rules[0].value) == (Verdict.PASSED, 8, 0.5)
    assert (report.champion_version, report.data_hash, report.seed) == (None, "abc.dir", 7)
    assert read_gate(checkout.layout) == report
    answers = read_rows(checkout.layout.artifacts("gate") / ANSWERS, GateAnswer)
    assert (len(answers), {answer.champion for answer in answers}) == (8, {None})


@pytest.mark.parametrize("reason", ("other photos", "stale lock", "no lock"))
def test_the_gate_scores_the_test_photos_itself_where_evaluation_did_not(checkout, scored_folders, reason: str) -> None:
    parameters = on_test_side(checkout, min_accuracy=0.4)
    lock = checkout.layout.root / "dvc.lock"
    match reason:
        case "other photos":
            split = checkout.layout.artifacts("split") / "photos.parquet"
            write_rows(split, SplitRow, read_rows(split, SplitRow)[1:])
        case "stale lock":
            values = yaml.safe_load(lock.read_text())
            values["stages"]["evaluate"]["deps"][0]["md5"] = "0" * 32
            lock.write_text(yaml.safe_dump(values))
        case "no lock":
            lock.unlink()
    report = run_gate(checkout.layout, parameters)
    assert scored_folders == ["saved_model"]
    openings = (checkout.layout.state / "test_openings.jsonl").read_text().splitlines()
    assert json.loads(openings[0])["n"] == report.n


def test_the_champion_is_scored_on_the_same_photos(checkout, fake, scored_folders) -> None:
    parameters = on_test_side(checkout, min_accuracy=0.4, margin=0.5)
    register(checkout.layout, checkout.parameters)
    promote(checkout.layout, checkout.parameters, outside=fake.outside)
    report = run_gate(checkout.layout, parameters)
    assert scored_folders == ["1"]
    change = report.rules[-1]
    assert (report.champion_version, change.baseline, change.n) == (1, 0.5, 8)
    answers = read_rows(checkout.layout.artifacts("gate") / ANSWERS, GateAnswer)
    assert [(answer.label, answer.candidate, answer.champion) for answer in answers[3:5]] == [
        ("damaged", "damaged", "sound"),
        ("sound", "sound", "sound"),
    ]


def test_a_damaged_champion_is_an_error_and_no_verdict(checkout, fake, scored_folders) -> None:
    parameters = on_test_side(checkout, min_accuracy=0.4, margin=0.5)
    register(checkout.layout, checkout.parameters)
    promote(checkout.layout, checkout.parameters, outside=fake.outside)
    (checkout.line.version(1) / "saved_model.pb").write_text("{}")
    with pytest.raises(ServingError, match="differs from its manifest"):
        run_gate(checkout.layout, parameters)


def test_without_test_photos_the_candidate_is_not_judged(checkout, scored_folders) -> None:
    parameters = on_test_side(checkout, side="validation", min_accuracy=0.4, max_calibration_error=0.5)
    assert run_gate(checkout.layout, parameters).verdict is Verdict.NOT_JUDGED


def test_a_new_verdict_ends_an_override(checkout, scored_folders) -> None:
    parameters = on_test_side(checkout, min_accuracy=0.9)
    assert run_gate(checkout.layout, parameters).verdict is Verdict.REFUSED
    assert override_gate(checkout.layout, Override("Ada", "storm damage must be found today")).may_go_on
    assert read_gate(checkout.layout).in_words() == "refused, overridden by Ada: storm damage must be found today"
    assert not run_gate(checkout.layout, parameters).may_go_on


@pytest.mark.parametrize(("name", "reason"), (("", "because"), ("Ada", " ")))
def test_an_override_needs_a_name_and_a_reason(name: str, reason: str) -> None:
    with pytest.raises(ParameterError):
        override_by(name, reason)


@pytest.mark.parametrize("text", (None, "{", "{}", "[]"))
def test_a_missing_or_damaged_verdict_is_no_verdict(checkout, text: str | None) -> None:
    checkout.layout.gate.unlink()
    if text is not None:
        checkout.layout.gate.write_text(text)
    with pytest.raises(GateRefused, match="cannot be read"):
        read_gate(checkout.layout)


def test_the_table_shows_every_rule_with_its_grounds(checkout, scored_folders) -> None:
    parameters = on_test_side(checkout, min_accuracy=0.6, min_class_recall=0.1, margin=0.05)
    console = Console(file=io.StringIO(), width=160)
    console.print(gate_table(run_gate(checkout.layout, parameters)))
    shown = console.file.getvalue()
    for text in (
        "refused",
        "accuracy",
        " .500 ",
        " .600 ",
        "recall of damaged",
        "95 % Wilson interval .",
        "no champion",
    ):
        assert text in shown
