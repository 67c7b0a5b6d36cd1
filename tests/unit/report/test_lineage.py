"""Lineage: what a model was made from, so that it can be made again."""

import json
import subprocess
from pathlib import Path

import yaml
from learning_checkouts import tiny_parameters
from reported_runs import write_run

from pipeline.core.parameters import PhotosParameters
from pipeline.photos.batches import write_batches
from pipeline.photos.records import Batch
from pipeline.release.tracking import hash_of_run, read_lock
from pipeline.report.lineage import outdated_parameters, section, settings, stage_lines

STAGES = {
    "train": {
        "cmd": "train",
        "deps": [{"path": "pipeline/stages/train.py", "md5": "c" * 32}, {"path": "artifacts/augment", "md5": "a" * 32}],
        "outs": [{"path": "artifacts/train/history.csv", "md5": "b" * 32}],
    }
}


def test_every_parameter_is_told_with_its_default() -> None:
    found = {setting.name: setting for setting in settings(tiny_parameters(photos={"batches": ["one", "two"]}))}
    assert (found["photos.batches"].value, found["photos.batches"].default) == ("one, two", "*")
    assert (found["train.width"].value, found["train.width"].default) == ("0.25", "none")
    assert found["train.phases.0.schedule.learning_rate"].differs
    assert not found["validate.max_pixels"].differs
    assert found["model.name"].differs


def test_the_report_names_no_webhook_that_others_could_write_to() -> None:
    found = {setting.name: setting for setting in settings(tiny_parameters(notify={"target": "https://a.b/geheim"}))}
    assert (found["notify.target"].value, found["notify.target"].differs) == ("https://a.b/...", True)


def test_a_stage_is_told_by_what_it_read_and_made_without_its_code() -> None:
    [line] = stage_lines(STAGES)
    assert line.used == (("artifacts/augment", "a" * 32),)
    assert line.made == (("artifacts/train/history.csv", "b" * 32),)


def test_parameters_that_changed_since_the_run_are_named(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    values = parameters.model_dump(mode="json", by_alias=True)
    ran_with = {"seed": 7, "split.test": 0.25, "train": values["train"] | {"phases": [{"epochs": 99}]}}
    stages = {"train": STAGES["train"] | {"params": {"params.yaml": ran_with}}, "export": {"cmd": "export"}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"stages": stages}))
    assert outdated_parameters(stages, parameters) == ["split.test", "train.phases.0.epochs"]
    assert "<code>split.test</code>, <code>train.phases.0.epochs</code>" in section(layout, parameters).html
    same = {"seed": parameters.seed, **{name: values[name] for name in ("train", "photos", "clean")}}
    assert outdated_parameters({"train": {"params": {"params.yaml": same}}}, parameters) == []


def test_the_run_is_named_where_it_logged_just_this_work(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"stages": STAGES}))
    run_hash = hash_of_run(read_lock(tmp_path / "dvc.lock"))
    layout.state.mkdir()
    note = layout.state / "tracked.json"
    note.write_text(json.dumps({"run_hash": run_hash, "run_id": "run17", "page": "http://mlflow/#/run17"}))
    assert '<a href="http://mlflow/#/run17"><code>run17</code></a>' in section(layout, parameters).html
    note.write_text(json.dumps({"run_hash": "another", "run_id": "run17", "page": ""}))
    assert "<code>pipeline track</code>" in section(layout, parameters).html


def test_the_commit_is_told_with_the_files_that_were_changed_since(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    assert "not under git" in section(layout, parameters).html
    changed = tmp_path / "a <b>.yaml"
    changed.touch()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for command in (["init", "--quiet"], ["add", changed.name], ["commit", "--quiet", "--message=start"]):
        subprocess.run([*git, *command], check=True)
    assert "was checked out when this page was made, without changes" in section(layout, parameters).html
    changed.write_text("new")
    assert "with changes to 1 file:\n<code>a &lt;b&gt;.yaml</code>" in section(layout, parameters).html


def test_dvcs_plots_are_linked_where_they_are(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    assert "dvc_plots" not in section(layout, parameters).html
    (tmp_path / "dvc_plots").mkdir()
    (tmp_path / "dvc_plots" / "index.html").touch()
    assert 'href="../dvc_plots/index.html"' in section(layout, parameters).html


def test_the_batches_that_the_run_saw_are_named(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    parameters = parameters.model_copy(update={"photos": PhotosParameters(batches=("survey-*",))})
    write_batches(
        layout.batches, [Batch("survey-1", "", "a", 60), Batch("other", "", "b", 9), Batch("survey-2", "test", "c", 1)]
    )
    assert "survey-1 (60 photos), survey-2 (1 photo, pinned to test)" in section(layout, parameters).html
