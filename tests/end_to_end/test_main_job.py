"""Photos in, a served and explained model out; a second batch; and nothing done twice."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from checkouts import PHOTOS_PER_BATCH, Checkout

from pipeline.core.tables import read_rows
from pipeline.photos.records import Side, SplitRow
from pipeline.release.model_server import free_port, stop_process
from serving.client import ExplainerClient, ModelClient
from serving.contract import upright

STAGES = ["validate", "embed", "clean", "split", "augment", "train", "export", "evaluate"]
RETRAIN_CLONE = ".heritage/automation/retrain"


def stages_run(printed: str) -> list[str]:
    return [stage for stage in STAGES if f"Running stage '{stage}'" in printed]


@pytest.fixture(scope="module")
def first_run(checkout: Checkout) -> str:
    return checkout.run("dvc", "repro")


@pytest.fixture(scope="module")
def first_release(checkout: Checkout, first_run: str) -> str:
    return "".join(checkout.pipeline(step) for step in ("track", "gate", "register", "promote"))


@pytest.fixture(scope="module")
def sides_before(checkout: Checkout, first_release: str) -> dict[str, str]:
    return sides(checkout)


@pytest.fixture(scope="module")
def retrained(checkout: Checkout, sides_before: dict[str, str]) -> str:
    """A second batch in the inbox, then the Airflow DAGs one after the other."""
    checkout.run("git", "add", "--all")
    checkout.run("git", "commit", "--quiet", "--message=released")
    checkout.pipeline("sample", "--inbox", "--batches", "demo-2", "--photos", str(PHOTOS_PER_BATCH))
    environment = {
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(checkout.root / "dags"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "PYTHONPATH": str(checkout.root / "dags"),
    }
    with_airflow = Checkout(checkout.root, {**checkout.environment, **environment})
    with_airflow.run("airflow", "db", "migrate")
    script = (
        "from airflow.dag_processing.dagbag import DagBag\n"
        f"dags = DagBag(dag_folder={str(checkout.root / 'dags')!r}).dags\n"
        "for name, conf in (('intake', {}), ('retrain', {}), ('release', {'model': 'tiny', 'version': 2})):\n"
        "    run = dags[name].test(run_conf=conf)\n"
        "    print('STATE', name, run.state)\n"
        "    print('TASKS', sorted((task.task_id, str(task.state)) for task in run.get_task_instances()))\n"
    )
    return with_airflow.run(sys.executable, "-c", script)


def sides(checkout: Checkout, root: str = "") -> dict[str, str]:
    rows = read_rows(checkout.root / root / "artifacts/split/photos.parquet", SplitRow)
    return {row.path: row.side for row in rows}


@contextmanager
def servers(checkout: Checkout) -> Iterator[tuple[ModelClient, ExplainerClient]]:
    grpc_port, http_port = free_port(), free_port()
    commands = [
        ["serving.server", f"--port={grpc_port}", f"--model_config_file={checkout.root / 'served/models.config'}"],
        ["serving.explainer", f"--port={http_port}", f"--server=127.0.0.1:{grpc_port}", "--model=tiny"],
    ]
    processes = [
        subprocess.Popen([sys.executable, "-m", *command], cwd=checkout.root, env=checkout.environment)
        for command in commands
    ]
    try:
        explainer = ExplainerClient(f"127.0.0.1:{http_port}")
        with ModelClient(f"127.0.0.1:{grpc_port}") as model:
            wait_until_ready(explainer)
            yield model, explainer
    finally:
        for process in processes:
            stop_process(process)


def wait_until_ready(explainer: ExplainerClient) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if explainer.is_ready():
            return
        time.sleep(0.2)
    pytest.fail("the servers did not start")


def test_the_first_run_runs_every_stage(checkout: Checkout, first_run: str) -> None:
    assert stages_run(first_run) == STAGES
    metrics = json.loads((checkout.root / "reports/evaluate/metrics.json").read_text())
    num_test = sum(side == Side.TEST for side in sides(checkout).values())
    assert metrics["n"] == num_test > 0


def test_every_file_found_is_accounted_for(checkout: Checkout, first_run: str) -> None:
    rows = pq.read_table(checkout.root / "artifacts/clean/photos.parquet").to_pylist()
    assert len(rows) == PHOTOS_PER_BATCH
    assert all(row["reasons"] for row in rows if row["decision"] == "quarantine")


def test_a_second_run_runs_nothing(checkout: Checkout, first_run: str) -> None:
    printed = checkout.run("dvc", "repro")
    assert stages_run(printed) == []
    assert "up to date" in printed


def test_a_changed_parameter_runs_only_the_stages_that_read_it(checkout: Checkout, first_run: str) -> None:
    evaluate = {"side": "test", "bootstrap_samples": 300}
    checkout.set_parameters(evaluate=evaluate)
    assert stages_run(checkout.run("dvc", "repro")) == ["evaluate"]
    checkout.set_parameters()
    assert stages_run(checkout.run("dvc", "repro")) == []  # the run before is in DVC's cache


def test_a_released_version_answers_as_evaluation_did(checkout: Checkout, first_release: str) -> None:
    table = pq.read_table(checkout.root / "artifacts/evaluate/predictions.parquet").to_pylist()[:4]
    with servers(checkout) as (model, explainer):
        for row in table:
            photo = (checkout.root / row["path"]).read_bytes()
            [predicted] = model.predict([upright(photo)], "tiny")
            explained = explainer.explain(photo)
            expected = [row[label] for label in predicted.classes]
            np.testing.assert_allclose(predicted.probabilities, expected, atol=1e-5)
            np.testing.assert_allclose(list(explained["probabilities"].values()), expected, atol=1e-5)
            assert explained["version"] == 1
            assert explained["class"] == row["predicted"]


def test_the_report_of_a_whole_run_misses_nothing_and_goes_to_mlflow_with_the_version(
    checkout: Checkout, first_release: str
) -> None:
    page = (checkout.root / "reports/report.html").read_bytes()
    assert b'class="missing"' not in page
    assert b">passed</span>" in page
    [logged] = (checkout.root / "mlartifacts").rglob("reports/report.html")
    assert logged.read_bytes() == page


def test_releasing_again_changes_nothing(checkout: Checkout, first_release: str) -> None:
    history = (checkout.root / "served/tiny/promotions.jsonl").read_bytes()
    assert "there already" in checkout.pipeline("track")
    assert "registered already" in checkout.pipeline("register")
    checkout.pipeline("promote")
    assert (checkout.root / "served/tiny/promotions.jsonl").read_bytes() == history


@pytest.mark.long
def test_the_dags_retrain_on_a_new_batch_and_serve_the_result(checkout: Checkout, retrained: str) -> None:
    for dag in ("intake", "retrain", "release"):
        assert f"STATE {dag} success" in retrained, retrained[-4000:]
    last = [json.loads(line) for line in (checkout.root / "served/tiny/promotions.jsonl").read_text().splitlines()][-1]
    assert (last["version"], last["state"]) == (2, "done")


@pytest.mark.long
def test_a_new_batch_runs_every_stage_again(retrained: str) -> None:
    assert stages_run(retrained) == STAGES


@pytest.mark.long
def test_no_test_photo_moves_when_a_batch_comes(
    checkout: Checkout, sides_before: dict[str, str], retrained: str
) -> None:
    after = sides(checkout, RETRAIN_CLONE)
    assert len(after) == 2 * PHOTOS_PER_BATCH
    moved = {path for path, side in sides_before.items() if side == Side.TEST and after[path] != Side.TEST}
    assert moved == set()
    learnt_from = {path for path, side in sides_before.items() if side in (Side.TRAIN, Side.VALIDATION)}
    assert {path for path in learnt_from if after[path] == Side.TEST} == set()


@pytest.mark.long
def test_rollback_serves_the_version_before_without_training(checkout: Checkout, retrained: str) -> None:
    lock = (checkout.root / "dvc.lock").read_bytes()
    checkout.pipeline("rollback", "--reason", "test")
    last = json.loads((checkout.root / "served/tiny/promotions.jsonl").read_text().splitlines()[-1])
    assert (last["action"], last["version"], last["state"]) == ("rollback", 1, "done")
    assert (checkout.root / "dvc.lock").read_bytes() == lock


def test_dvc_shows_metrics_and_plots(checkout: Checkout, first_run: str) -> None:
    shown = json.loads(checkout.run("dvc", "metrics", "show", "--json"))
    figures = next(iter(shown.values()))["data"]["reports/evaluate/metrics.json"]["data"]
    assert 0 <= figures["accuracy"] <= 1
    plots = yaml.safe_load((Path(checkout.root) / "dvc.yaml").read_text())["plots"]
    assert plots
    checkout.run("dvc", "plots", "show", "--out", str(checkout.root / "plots"))
    assert (checkout.root / "plots/index.html").stat().st_size > 1000
