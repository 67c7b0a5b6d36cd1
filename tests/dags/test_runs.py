"""Runs of each DAG by `dag.test()`, over commands that note their calls and answer what they are told."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from releasable_checkouts import FakeOutside
from stand_in_home import CLONE, make_home

from pipeline.automation.quarantine import refusal_of
from pipeline.core.errors import MachineError
from pipeline.intake.inbox import PutAside
from pipeline.release.lines import ModelLine
from pipeline.release.serving_change import opened

PROJECT = Path(__file__).resolve().parents[2]
STAGES = ["validate", "embed", "clean", "split", "augment", "train", "export", "evaluate"]

NEW = [{"out": {"is_new": True, "commit": "c0ffee"}}]
RECORDED = [{"out": {"commit": "beef"}}]
REGISTERED = {"model": "demo", "version": 3, "approval": "automatic", "batches": ["survey-1"], "commit": "beef"}
REGISTERED |= {"tried": False}
AWAY = {"exit": 5, "err": "error: MLflow does not answer"}
FULL = {"exit": 6, "err": "error: the disk is full"}
ACCURACY = {"name": "accuracy", "value": 0.91, "limit": 0.7, "baseline": None, "n": 120, "passed": True, "note": ""}
CHANGE = {
    "name": "change against the champion",
    "value": -0.2,
    "limit": -0.1,
    "baseline": 0.95,
    "n": 120,
    "passed": False,
    "note": "accuracy .75",
}
PASSED = {"verdict": "passed", "rules": [ACCURACY], "n": 120}
REFUSED = {"verdict": "refused", "rules": [ACCURACY, CHANGE], "n": 120}
TAKEN = {"is_new": True, "trains": True, "commit": "beef", "data_hash": "d1", "photos": 40}
PROMOTED = {"model": "demo", "version": 3, "before": 1, "changed": True}
BAD = refusal_of(PutAside("bad", "inbox/bad", "no photo can be read", "photos", "mend it", "inbox/_quarantine/bad"))


def dvc_says(stage: str, code: int) -> dict[str, Any]:
    return {"exit": 255, "err": f"ERROR: failed to reproduce '{stage}': failed to run: python, exited with {code}"}


def waiting(*batches: str) -> list[dict[str, Any]]:
    return [{"out": [{"batch": batch, "source": f"inbox/{batch}"} for batch in batches]}]


def retraining(**answers: list[dict[str, Any]]) -> dict[str, Any]:
    told = {"pin": NEW, "record": RECORDED, "register": [{"out": REGISTERED}], **answers}
    return {"dag": "retrain", "gate": PASSED, "answers": told}


def releasing(*extras: dict[str, Any], choice: str | None = None, **answers: list[dict[str, Any]]) -> dict[str, Any]:
    told = {"promote": [{"out": PROMOTED}], **answers}
    return {"dag": "release", "events": list(extras), "choice": choice, "answers": told}


def words_while_another_releases() -> str:
    """What a release command says while another is at work."""
    with TemporaryDirectory() as folder:
        line, outside = ModelLine(Path(folder), "demo"), FakeOutside().outside
        with opened(line, "", outside), pytest.raises(MachineError) as caught, opened(line, "", outside):
            pass
    return f"error: {caught.value}"


SCENARIOS: dict[str, dict[str, Any]] = {
    "a bad batch and a good one": {
        "dag": "intake",
        "answers": {
            "inbox": waiting("{{ 7 * 7 }}", "good"),
            "take inbox/{{ 7 * 7 }}": [{"exit": 4, "err": f"error: {BAD}"}],
            "take inbox/good": [{"out": {"batch": "good", **TAKEN}}],
        },
    },
    "an empty inbox": {"dag": "intake", "answers": {"inbox": waiting()}},
    "a batch by hand, S3 away once": {
        "dag": "intake",
        "conf": {"source": "s3://bucket/inbox/survey-7/"},
        "answers": {"take": [AWAY, {"out": {"batch": "survey-7", **TAKEN, "trains": False}}]},
    },
    "photos that are lost": {
        "dag": "intake",
        "answers": {"inbox": waiting("late"), "take": [{"exit": 4, "err": "error: photos that came before are lost"}]},
    },
    "S3 away": {"dag": "intake", "answers": {"inbox": waiting("late"), "take": [AWAY]}},
    "nothing new": retraining(pin=[{"out": {"is_new": False}}]),
    "a model that passes": retraining(),
    "a model that is refused": {
        **retraining(gate=[{"exit": 3, "err": "error: the candidate is refused"}]),
        "gate": REFUSED,
    },
    "photos that cannot be used": retraining(validate=[dvc_says("validate", 4)]),
    "a disk that is full for a while, and the same work again": retraining(
        train=[dvc_says("train", 6), {}], register=[AWAY, {"out": {**REGISTERED, "tried": True}}]
    ),
    "a backfill": {**retraining(), "conf": {"batch": "survey-1"}},
    "a backfill that releases, its push refused": {
        **retraining(push=[{"exit": 5, "err": "error: the remote refused"}]),
        "conf": {"batch": "survey-1", "release": True},
    },
    "a name that is none": {"dag": "retrain", "conf": {"batch": "../elsewhere"}},
    "two versions at once": releasing(
        {**REGISTERED, "version": 3},
        {**REGISTERED, "version": 2},
        promote=[],
        **{
            f"promote --model demo --version {version} --if-newer": [{"out": {**PROMOTED, "version": version}}]
            for version in (2, 3)
        },
    ),
    "an approval": releasing(
        {**REGISTERED, "approval": "human", "rules": ["accuracy: met, {{ 7 * 7 }}"]}, choice="Approve"
    ),
    "an approval that came late": releasing(
        {**REGISTERED, "version": 2, "approval": "human"},
        choice="Approve",
        promote=[{"out": {**PROMOTED, "before": 3, "changed": False}}],
    ),
    "a rejection": releasing({**REGISTERED, "approval": "human"}, choice="Reject"),
    "a version that fails its checks": releasing(REGISTERED, promote=[{"exit": 5, "err": "error: not as exported"}]),
    "a release of nothing": {"dag": "release", "conf": {"model": "demo"}},
    "a release by hand": {
        "dag": "release",
        "conf": {"model": "demo", "version": 2},
        "answers": {"promote": [{"out": {**PROMOTED, "version": 2}}]},
    },
    "a rollback": {
        "dag": "rollback",
        "conf": {"reason": "it sees cracks in ivy"},
        "answers": {"rollback": [{"out": {"model": "demo", "version": 2, "before": 3, "changed": True}}]},
    },
    "a rollback without a reason": {"dag": "rollback", "conf": {"version": 2}},
    "MLflow away": {"dag": "reconcile", "answers": {"reconcile": [AWAY]}},
    "a reconciliation while somebody releases": {
        "dag": "reconcile",
        "answers": {"reconcile": [{"exit": 6, "err": words_while_another_releases()}]},
    },
    "no drift": {"dag": "watch", "answers": {"watch": [{"out": {"models": [], "retrain": False}}]}},
    "drift": {"dag": "watch", "answers": {"watch": [{"out": {"models": [], "retrain": True}}]}},
}


class Run:
    """What became of a run."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.state: str = facts.get("state", "")
        self.tasks: dict[str, dict[str, Any]] = facts.get("tasks", {})
        self.calls: list[dict[str, Any]] = facts.get("calls", [])

    def states(self, *names: str) -> list[str]:
        """States of tasks."""
        return [self.tasks[name]["state"] for name in names]

    @property
    def commands(self) -> list[str]:
        """The commands that were called, in order, alerts left out."""
        lines = [" ".join(call["arguments"]) for call in self.calls]
        return [line for line in lines if not line.startswith("notify")]

    @property
    def alerts(self) -> set[tuple[str, str]]:
        """Kind and subject of alerts; the same one twice is sent once."""
        return {tuple(call["arguments"][1:3]) for call in self.calls if call["arguments"][0] == "notify"}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    home = make_home(tmp_path_factory.mktemp("home"))
    (home / "scenarios.json").write_text(json.dumps(SCENARIOS))
    environment = {
        **os.environ,
        "HERITAGE_CHECKOUT": str(home),
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "PYTHONPATH": os.pathsep.join(str(PROJECT / folder) for folder in ("tests/support", "dags", "")),
    }
    done = subprocess.run(
        [sys.executable, PROJECT / "tests/support/dag_runs.py", home / "scenarios.json", home / "results.json"],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads((home / "results.json").read_text())
    return {name: Run(facts) for name, facts in results.items()}


def test_a_bad_batch_ends_red_at_once_and_holds_up_no_other(outcomes: dict[str, Run]) -> None:
    run = outcomes["a bad batch and a good one"]
    assert run.state == "failed"
    assert run.tasks["take_in.take 0"] == {"state": "failed", "tries": 1, "name": "{{ 7 * 7 }}"}
    assert run.tasks["take_in.announce 1"] == {"state": "success", "tries": 1, "name": "good"}
    assert run.facts["updates"] == [
        ["labelled_photos", {"batch": "good", "commit": "beef", "data_hash": "d1", "photos": 40}]
    ]
    assert run.alerts == set()  # the command's own alert tells of quarantine


def test_lost_photos_are_told_though_no_batch_is_to_blame(outcomes: dict[str, Run]) -> None:
    run = outcomes["photos that are lost"]
    assert run.tasks["take_in.take 0"]["tries"] == 1
    assert run.alerts == {("failure", "intake failed at take_in.take")}


def test_an_empty_inbox_is_no_trouble(outcomes: dict[str, Run]) -> None:
    run = outcomes["an empty inbox"]
    assert (run.state, run.commands) == ("success", ["inbox"])


def test_a_batch_that_nothing_is_trained_on_starts_no_training(outcomes: dict[str, Run]) -> None:
    run = outcomes["a batch by hand, S3 away once"]
    assert run.commands == ["take s3://bucket/inbox/survey-7/"] * 2
    assert run.tasks["take_in.announce 0"] == {"state": "skipped", "tries": 1, "name": "survey-7"}
    assert (run.state, run.facts["updates"], run.alerts) == ("success", [], set())


def test_what_stays_away_is_tried_three_times_and_told_once(outcomes: dict[str, Run]) -> None:
    for name, subject in (
        ("S3 away", "intake failed at take_in.take"),
        ("MLflow away", "reconcile failed at follow_aliases"),
        ("a version that fails its checks", "release failed at let_serve.promote"),
    ):
        run = outcomes[name]
        assert run.state == "failed"
        assert max(task["tries"] for task in run.tasks.values()) == 3
        assert run.alerts == {("failure", subject)}


def test_a_run_with_nothing_new_ends_at_pin(outcomes: dict[str, Run]) -> None:
    run = outcomes["nothing new"]
    assert (run.state, run.commands) == ("success", ["pin"])
    assert {task["state"] for name, task in run.tasks.items() if name != "pin"} == {"skipped"}
    assert "nothing to do: code, parameters and photos are those of the last run" in run.facts["log"]


def test_a_model_that_passes_is_recorded_judged_and_registered(outcomes: dict[str, Run]) -> None:
    run = outcomes["a model that passes"]
    assert run.state == "success"
    stages = [f"repro --single-item {stage}" for stage in STAGES]
    assert [command for command in run.commands if command != "push"] == [
        "pin", *stages, "record", "track", "gate", "register", "finish",
    ]  # fmt: skip
    assert {call["folder"] for call in run.calls if call["name"] in ("pin", "push")} == {"."}
    assert {call["folder"] for call in run.calls if call["name"] not in ("pin", "push")} == {CLONE}
    [[asset, extra]] = run.facts["updates"]
    assert asset == "registered_model"
    assert extra == {
        **REGISTERED,
        "verdict": "passed, on 120 test photos",
        "rules": ["accuracy: met; value 0.910, limit 0.700, 120 photos"],
    }


def test_work_that_was_released_before_is_not_released_again_by_itself(outcomes: dict[str, Run]) -> None:
    run = outcomes["a disk that is full for a while, and the same work again"]
    assert run.states("register", "announce", "finish") == ["success", "skipped", "success"]
    assert (run.state, run.facts["updates"]) == ("success", [])
    assert "the same work is demo version 3, which `release` had before" in run.facts["log"]


def test_commands_know_their_time_and_for_whom_they_run(outcomes: dict[str, Run]) -> None:
    limits = {
        call["name"]: float(call["PIPELINE_TIME_LIMIT_SECONDS"]) for call in outcomes["a model that passes"].calls
    }
    assert limits["train"] == 12 * 3600 - 60
    assert limits["track"] == 30 * 60 - 60
    assert outcomes["a rollback"].calls[0]["PIPELINE_WHO"] == "Airflow, rollback for dag_test"


def test_a_refusal_is_an_end_of_its_own_with_its_grounds(outcomes: dict[str, Run]) -> None:
    run = outcomes["a model that is refused"]
    assert run.state == "failed"
    assert run.states("gate", "refused", "register", "finish") == ["success", "failed", "skipped", "skipped"]
    assert run.tasks["refused"]["tries"] == 1
    assert run.commands[-1] == "finish"
    [(kind, subject)] = run.alerts
    assert kind == "refusal"
    assert subject.startswith("a model was not let through: refused, on 120 test photos")
    grounds = (
        "change against the champion: NOT MET; value -0.200, limit -0.100, champion 0.950, 120 photos (accuracy .75)"
    )
    assert f"refused, on 120 test photos\n{grounds}\naccuracy: met" in run.facts["log"]
    assert f"{CLONE}/reports/report.html" in run.facts["log"]
    assert run.facts["updates"] == []


def test_photos_that_cannot_be_used_are_not_tried_again(outcomes: dict[str, Run]) -> None:
    run = outcomes["photos that cannot be used"]
    assert (run.state, run.tasks["validate"]["tries"]) == ("failed", 1)
    assert run.alerts == {("failure", "retrain failed at validate")}


def test_what_passes_is_tried_again(outcomes: dict[str, Run]) -> None:
    run = outcomes["a disk that is full for a while, and the same work again"]
    assert run.state == "success"
    assert (run.tasks["train"]["tries"], run.tasks["register"]["tries"]) == (2, 2)
    assert run.alerts == set()


def test_a_push_that_is_refused_is_red_and_holds_up_no_release(outcomes: dict[str, Run]) -> None:
    run = outcomes["a backfill that releases, its push refused"]
    assert run.states("push", "register", "finish") == ["failed", "success", "success"]
    assert run.state == "failed"
    assert len(run.facts["updates"]) == 1
    assert run.alerts == {("failure", "retrain failed at push")}


def test_a_backfill_is_judged_and_registers_nothing_unless_it_is_asked_to(outcomes: dict[str, Run]) -> None:
    run = outcomes["a backfill"]
    assert run.commands[0] == "pin --batch survey-1"
    assert run.states("gate", "register", "refused", "finish") == ["success", "skipped", "skipped", "skipped"]
    assert (run.state, run.facts["updates"]) == ("success", [])
    assert len(outcomes["a backfill that releases, its push refused"].facts["updates"]) == 1


def test_parameters_that_make_no_sense_start_nothing(outcomes: dict[str, Run]) -> None:
    for name, parameter in (("a name that is none", "batch"), ("a rollback without a reason", "reason")):
        assert outcomes[name].facts["error"].startswith(f"ParamValidationError: Invalid input for param {parameter}")


def test_each_of_two_versions_is_promoted_unless_a_newer_one_serves(outcomes: dict[str, Run]) -> None:
    run = outcomes["two versions at once"]
    assert run.state == "success"
    assert sorted(run.commands) == [f"promote --model demo --version {version} --if-newer" for version in (2, 3)]
    assert sorted(extra["version"] for _, extra in run.facts["updates"]) == [2, 3]
    assert [run.tasks[f"let_serve.promote {index}"]["name"] for index in (0, 1)] == ["demo version 2", "demo version 3"]
    assert run.states("let_serve.approve 0", "let_serve.rejected 0", "let_serve.rejected 1") == ["skipped"] * 3


def test_a_version_that_a_person_approves_serves(outcomes: dict[str, Run]) -> None:
    run = outcomes["an approval"]
    assert run.states("let_serve.approve 0", "let_serve.promote 0", "let_serve.rejected 0") == [
        "success", "success", "skipped",
    ]  # fmt: skip
    assert run.commands == ["promote --model demo --version 3 --if-newer"]
    asked = run.facts["log"]
    question = "Let demo version 3 serve?\n- commit: beef\n- batches: survey-1\n- accuracy: met, {{ 7 * 7 }}"
    assert f"ASKED {question}" in asked
    assert run.alerts == {("approval", "Let demo version 3 serve?")}


def test_a_version_that_was_approved_after_a_newer_one_served_does_not_replace_it(outcomes: dict[str, Run]) -> None:
    run = outcomes["an approval that came late"]
    assert run.states("let_serve.approve 0", "let_serve.promote 0", "let_serve.rejected 0") == [
        "success", "skipped", "skipped",
    ]  # fmt: skip
    assert "demo version 2 was overtaken: version 3 serves" in run.facts["log"]
    assert (run.state, run.facts["updates"]) == ("success", [])


def test_a_version_that_a_person_rejects_does_not_serve(outcomes: dict[str, Run]) -> None:
    run = outcomes["a rejection"]
    assert run.states("let_serve.approve 0", "let_serve.promote 0", "let_serve.rejected 0") == [
        "success", "skipped", "success",
    ]  # fmt: skip
    assert (run.state, run.commands, run.facts["updates"]) == ("success", [], [])


def test_a_version_can_be_released_by_hand(outcomes: dict[str, Run]) -> None:
    assert outcomes["a release by hand"].commands == ["promote --model demo --version 2"]
    nothing = outcomes["a release of nothing"]
    assert (nothing.state, nothing.tasks["candidates"]["tries"], nothing.commands) == ("failed", 1, [])


def test_a_reconciliation_leaves_the_field_to_whoever_releases(outcomes: dict[str, Run]) -> None:
    run = outcomes["a reconciliation while somebody releases"]
    assert run.tasks["follow_aliases"] == {"state": "skipped", "tries": 1, "name": None}
    assert (run.state, run.alerts) == ("success", set())


def test_a_rollback_names_its_reason(outcomes: dict[str, Run]) -> None:
    run = outcomes["a rollback"]
    assert run.commands == ["rollback --reason=it sees cracks in ivy"]
    assert run.facts["updates"] == [
        ["served_model", {"model": "demo", "version": 2, "reason": "it sees cracks in ivy"}]
    ]


def test_drift_retrains_and_no_drift_does_not(outcomes: dict[str, Run]) -> None:
    assert outcomes["no drift"].tasks["retrain"]["state"] == "skipped"
    assert outcomes["no drift"].facts["waiting_runs"] == []
    assert outcomes["drift"].tasks["retrain"]["state"] == "success"
    assert outcomes["drift"].facts["waiting_runs"] == ["retrain"]
