"""Runs and versions in MLflow: found or made by what was run."""

import copy
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline.core.errors import DataError, GateRefused, ServingError
from pipeline.release import registry, tracking
from pipeline.release.gate import Verdict
from pipeline.release.gate_report import Override, override_gate
from pipeline.release.golden import golden_photos, read_golden, write_golden
from pipeline.release.mlflow_client import connected, run_page, tracking_uri
from pipeline.release.registry import register
from pipeline.release.tracking import (
    RunReference,
    flattened,
    hash_of_run,
    log_report,
    read_lock,
    track,
    tracked_run,
)
from serving.contract import PhotoLimits

LOCK = {
    "split": {"cmd": "pipeline split", "deps": [{"path": "data", "md5": "a"}], "outs": [{"path": "side", "md5": "b"}]},
    "train": {"cmd": "pipeline train", "deps": [{"path": "side", "md5": "b"}], "params": {"params.yaml": {"seed": 7}}},
}


def run_of(checkout, run_id: str):
    with connected(checkout.layout, checkout.parameters) as client:
        return client.get_run(run_id)


def artifacts_of(checkout, run_id: str) -> set[str]:
    folder = Path(run_of(checkout, run_id).info.artifact_uri.removeprefix("file://"))
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_run_holds_parameters_figures_epochs_tags_and_the_model(checkout) -> None:
    reference = track(checkout.layout, checkout.parameters)
    run = run_of(checkout, reference.run_id)
    assert reference.created
    assert run.info.status == "FINISHED"
    assert run.data.params["clean.min_side"] == "32"
    assert run.data.params["train.phases.0.epochs"] == "1"
    assert {name: run.data.metrics[name] for name in ("accuracy", "n", "classes.a b")} == {
        "accuracy": 0.9,
        "n": 8,
        "classes.a b": 1,
    }
    with connected(checkout.layout, checkout.parameters) as client:
        history = client.get_metric_history(reference.run_id, "epoch.loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.7), (2, 0.5)]
    assert run.data.tags["pipeline.data_hash"] == "abc.dir"
    assert run.data.tags["pipeline.seed"] == "7"
    assert run.data.tags["version.tensorflow"]
    assert artifacts_of(checkout, reference.run_id) == {
        "params.yaml",
        "dvc.lock",
        "manifest.json",
        "reports/evaluate/metrics.json",
        "savedmodel/saved_model.pb",
        "savedmodel/variables/variables.index",
        "savedmodel/assets.extra/labels.json",
    }


@pytest.mark.parametrize("folder", ("watch/demo/label_next", "predict/mine"))
def test_photos_that_people_asked_about_are_not_logged(checkout, folder) -> None:
    (checkout.layout.reports(folder)).mkdir(parents=True)
    (checkout.layout.reports(folder) / "index.html").write_text("a picture of somebody's house")
    run_id = track(checkout.layout, checkout.parameters).run_id
    assert not [path for path in artifacts_of(checkout, run_id) if "index.html" in path]


def test_the_same_work_is_found_and_logged_once(checkout) -> None:
    first = track(checkout.layout, checkout.parameters)
    again = track(checkout.layout, checkout.parameters)
    assert again == RunReference(first.run_id, created=False)
    checkout.make_candidate("second")
    assert track(checkout.layout, checkout.parameters).run_id != first.run_id


def test_a_run_that_broke_off_is_logged_anew(checkout, monkeypatch) -> None:
    def broken(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tracking, "_log", broken)
    with pytest.raises(KeyboardInterrupt):
        track(checkout.layout, checkout.parameters)
    monkeypatch.undo()
    reference = track(checkout.layout, checkout.parameters)
    assert reference.created
    assert "accuracy" in run_of(checkout, reference.run_id).data.metrics


def test_the_run_of_just_this_work_is_known_without_asking_mlflow(checkout) -> None:
    assert tracked_run(checkout.layout) is None
    reference = track(checkout.layout, checkout.parameters)
    known = tracked_run(checkout.layout)
    assert (known.run_id, known.page) == (reference.run_id, "")
    checkout.make_candidate("second")
    assert tracked_run(checkout.layout) is None


def test_verdict_and_report_are_added_to_the_tracked_run_and_replace_those_before(checkout) -> None:
    checkout.layout.report.write_text("first")
    assert log_report(checkout.layout, checkout.parameters) is None
    run_id = track(checkout.layout, checkout.parameters).run_id
    assert log_report(checkout.layout, checkout.parameters) == run_id
    checkout.layout.report.write_text("second")
    log_report(checkout.layout, checkout.parameters)
    assert {"reports/gate.json", "reports/report.html"} <= artifacts_of(checkout, run_id)
    folder = Path(run_of(checkout, run_id).info.artifact_uri.removeprefix("file://"))
    assert (folder / "reports" / "report.html").read_text() == "second"


def test_a_verdict_on_another_model_is_not_added_to_the_run(checkout) -> None:
    judged = checkout.layout.gate.read_bytes()
    checkout.make_candidate("second")
    checkout.layout.gate.write_bytes(judged)
    checkout.layout.report.write_text("not judged yet")
    run_id = track(checkout.layout, checkout.parameters).run_id
    log_report(checkout.layout, checkout.parameters)
    assert {path for path in artifacts_of(checkout, run_id) if path.startswith("reports/")} & {
        "reports/gate.json",
        "reports/report.html",
    } == {"reports/report.html"}


def test_a_runs_page_bears_no_password(checkout, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://user:word@mlflow.example.org/")
    page = run_page(checkout.layout, checkout.parameters, "4", "run17")
    assert page == "https://mlflow.example.org/#/experiments/4/runs/run17"


def test_without_a_lock_file_the_next_step_is_dvc_repro(checkout) -> None:
    (checkout.layout.root / "dvc.lock").unlink()
    with pytest.raises(DataError) as caught:
        track(checkout.layout, checkout.parameters)
    assert "dvc repro" in caught.value.todo


def test_a_model_that_was_changed_after_its_export_is_not_logged(checkout) -> None:
    (checkout.layout.artifacts("export") / "saved_model" / "saved_model.pb").write_text("{}")
    with pytest.raises(ServingError, match="differs from its manifest"):
        track(checkout.layout, checkout.parameters)


@pytest.mark.parametrize(
    "uri",
    ("http://127.0.0.1:9", "nonsense://here", "http://user:word@127.0.0.1:9"),
)
def test_an_mlflow_that_is_away_is_told_in_words_and_soon(checkout, monkeypatch, uri: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    start = time.monotonic()
    with pytest.raises(ServingError, match="MLflow at") as caught:
        track(checkout.layout, checkout.parameters)
    assert time.monotonic() - start < 60  # its own retries take minutes
    assert caught.value.exit_code == 5
    assert "word@" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "expected"),
    (
        ("sqlite:///mlflow.db", "sqlite:///{root}/mlflow.db"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
        ("http://a", "http://a"),
    ),
)
def test_a_relative_database_lies_in_the_checkout(checkout, uri: str, expected: str) -> None:
    setting = checkout.parameters.tracking.model_copy(update={"uri": uri})
    parameters = checkout.parameters.model_copy(update={"tracking": setting})
    assert tracking_uri(checkout.layout, parameters) == expected.format(root=checkout.layout.root)


@pytest.mark.parametrize(
    ("stage", "key", "value", "same"),
    (
        ("train", "cmd", "pipeline train --fast", False),
        ("train", "deps", [{"path": "side", "md5": "c"}], False),
        ("train", "params", {"params.yaml": {"seed": 8}}, False),
        ("split", "outs", [{"path": "side", "md5": "c"}], True),
    ),
)
def test_a_run_is_known_by_commands_dependencies_and_parameters(
    stage: str, key: str, value: object, same: bool
) -> None:
    changed = copy.deepcopy(LOCK)
    changed[stage][key] = value
    assert (hash_of_run(changed) == hash_of_run(LOCK)) is same


def test_a_repro_that_stopped_half_way_is_refused(tmp_path: Path) -> None:
    stages = copy.deepcopy(LOCK)
    stages["split"]["outs"][0]["md5"] = "made again"
    path = tmp_path / "dvc.lock"
    path.write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    with pytest.raises(DataError, match="stage train last ran on an older side"):
        read_lock(path)


def test_flattening_names_every_leaf() -> None:
    assert dict(flattened({"a": {"b": 1, "c": [{"d": 2}, {"d": 3}]}, "e": ["x", "y"], "f": None})) == {
        "a.b": 1,
        "a.c.0.d": 2,
        "a.c.1.d": 3,
        "e": ["x", "y"],
        "f": None,
    }


def test_registering_makes_a_version_once_and_names_it_challenger(checkout) -> None:
    first = register(checkout.layout, checkout.parameters)
    assert (first.name, first.version, first.created) == ("walls", 1, True)
    assert register(checkout.layout, checkout.parameters) == replace(first, created=False)
    checkout.make_candidate("second")
    assert register(checkout.layout, checkout.parameters).version == 2
    with connected(checkout.layout, checkout.parameters) as client:
        known = registry.Registry(client, "walls")
        assert known.alias("challenger") == 2
        assert known.version(1).gate == "passed"
    assert {"golden.json", "reports/gate.json"} <= artifacts_of(checkout, first.run_id)


def test_a_version_bears_its_card_and_its_run_the_report(checkout) -> None:
    checkout.layout.report.write_text("page")
    model = checkout.parameters.model.model_copy(update={"purpose": "Finds *damage*.", "limits": "Not a judge."})
    version = register(checkout.layout, checkout.parameters.model_copy(update={"model": model}))
    assert "reports/report.html" in artifacts_of(checkout, version.run_id)
    with connected(checkout.layout, checkout.parameters) as client:
        assert client.get_model_version("walls", "1").description.split("\n\n") == [
            "Finds \\*damage\\*.",
            "Not a judge.",
            "Gate: passed.",
            "On 8 photos of the test side: accuracy .900.",
            "Report: `reports/report.html` among the artifacts of the run that made this version.",
        ]


@pytest.mark.parametrize("verdict", (Verdict.REFUSED, Verdict.NOT_JUDGED))
def test_a_candidate_that_did_not_pass_is_registered_only_by_a_named_override(checkout, verdict: Verdict) -> None:
    checkout.write_verdict(verdict)
    with pytest.raises(GateRefused, match=str(verdict)):
        register(checkout.layout, checkout.parameters)
    override_gate(checkout.layout, Override("Ada", "needed for the storm"))
    register(checkout.layout, checkout.parameters)
    with connected(checkout.layout, checkout.parameters) as client:
        assert (
            registry.Registry(client, "walls").version(1).gate == f"{verdict}, overridden by Ada: needed for the storm"
        )


def test_a_verdict_on_another_candidate_does_not_count(checkout) -> None:
    verdict = checkout.layout.gate.read_text()
    checkout.make_candidate("second")
    checkout.layout.gate.write_text(verdict)
    with pytest.raises(GateRefused, match="another candidate"):
        register(checkout.layout, checkout.parameters)


def test_golden_photos_span_the_classes_and_survive_the_disk(checkout, tmp_path: Path) -> None:
    photos = golden_photos(checkout.layout, PhotoLimits())
    assert [photo.path for photo in photos] == [
        "data/first/damaged/0.png",
        "data/first/damaged/1.png",
        "data/first/sound/0.png",
    ]
    assert photos[1].probabilities == {"damaged": 0.75, "sound": 0.25}
    write_golden(tmp_path / "golden.json", photos)
    assert read_golden(tmp_path / "golden.json") == photos


def test_a_photo_that_is_gone_cannot_be_golden(checkout) -> None:
    (checkout.layout.root / "data/first/damaged/0.png").unlink()
    with pytest.raises(DataError, match="cannot be read now"):
        golden_photos(checkout.layout, PhotoLimits())


@pytest.mark.parametrize("text", ("", "[]", "{}", json.dumps([{"path": "a"}])))
def test_damaged_golden_photos_are_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "golden.json").write_text(text)
    with pytest.raises(ServingError):
        read_golden(tmp_path / "golden.json")
