"""The DAGs as Airflow reads them."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.services.airflow import POOLS

PROJECT = Path(__file__).resolve().parents[2]
DAGS = PROJECT / "dags"
FILES = sorted(DAGS.glob("*.py"))
NAMES = [file.stem for file in FILES]
# The triggerer's base class is in no public place.
MAY_IMPORT = ("airflow.sdk", "airflow.providers.standard.operators", "airflow.triggers.base", "heritage")
BROKEN = "from airflow.sdk import dag\nraise ValueError('spoilt on purpose')\n"

# Airflow keeps its settings and handlers for a whole process, so DAGs are read in one of its own.
READ = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

folder, *files = sys.argv[1:]
sys.path.append(folder)  # as Airflow does with a bundle
seconds = {}
for file in files:
    for name in [name for name in sys.modules if name.split(".")[0] == "heritage"]:
        del sys.modules[name]
    started = time.process_time()
    DagBag(dag_folder=file)
    seconds[file] = time.process_time() - started
bag = DagBag(dag_folder=folder)

def of_task(task):
    waits = getattr(task, "response_timeout", None)
    return {
        "owner": task.owner,
        "retries": task.retries,
        "delay": task.retry_delay.total_seconds(),
        "backoff": task.retry_exponential_backoff,
        "limit": (task.execution_timeout or waits).total_seconds() if task.execution_timeout or waits else None,
        "doc": task.doc_md,
        "alerts": bool(task.on_failure_callback),
        "pool": task.pool,
        "queue": task.queue,
        "after": sorted(task.upstream_task_ids),
        "outlets": [outlet.name for outlet in task.outlets],
    }

def of_dag(dag):
    DagSerialization.serialize_dag(dag)
    return {
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "alerts": bool(dag.on_failure_callback),
        "starts": [asset.name for asset in getattr(dag.timetable.asset_condition, "objects", [])],
        "cron": getattr(getattr(dag.timetable, "timetable", dag.timetable), "expression", None),
        "params": {name: dag.params.get_param(name).schema for name in dag.params},
        "tasks": {task.task_id: of_task(task) for task in dag.tasks},
    }

print(json.dumps({
    "errors": bag.import_errors,
    "seconds": seconds,
    "dags": {name: of_dag(dag) for name, dag in bag.dags.items()},
    "heavy": [name for name in ("tensorflow", "keras", "pipeline", "mlflow", "dvc", "boto3") if name in sys.modules],
}))
"""


def read_dags(folder: Path, home: Path) -> dict[str, Any]:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
    }
    files = [str(folder / file.name) for file in FILES]
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder), *files],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The DAGs beside a file that cannot be read."""
    folder = tmp_path_factory.mktemp("dags")
    shutil.copytree(DAGS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "spoilt.py").write_text(BROKEN)
    return read_dags(folder, tmp_path_factory.mktemp("airflow"))


@pytest.fixture(scope="module")
def tasks(read: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{name}.{task}": facts for name, dag in read["dags"].items() for task, facts in dag["tasks"].items()}


def test_a_file_that_cannot_be_read_stops_no_other(read: dict[str, Any]) -> None:
    assert sorted(read["dags"]) == NAMES
    [(file, error)] = read["errors"].items()
    assert file.endswith("spoilt.py")
    assert "spoilt on purpose" in error


def test_there_is_one_dag_in_each_file_under_its_name(read: dict[str, Any]) -> None:
    assert NAMES == ["intake", "reconcile", "release", "retrain", "rollback", "watch"]


def test_each_file_is_read_within_a_second_of_computing(read: dict[str, Any]) -> None:
    assert max(read["seconds"].values()) < 1, read["seconds"]


def test_reading_the_dags_imports_no_stage_code(read: dict[str, Any]) -> None:
    assert read["heavy"] == []


@pytest.mark.parametrize("file", (*FILES, *sorted(DAGS.glob("heritage/*.py"))), ids=lambda file: file.stem)
def test_files_import_the_public_airflow_alone(file: Path) -> None:
    tree = ast.parse(file.read_text())
    at_the_top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = [
        name
        for node in at_the_top
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    ]
    others = [name for name in imported if name.split(".")[0] not in sys.stdlib_module_names]
    assert [name for name in others if not name.startswith(MAY_IMPORT)] == []
    if file.parent == DAGS:
        assert "airflow.triggers.base" not in others


def test_each_dag_says_what_it_is_for_and_alerts(read: dict[str, Any]) -> None:
    for name, dag in read["dags"].items():
        assert dag["doc"], name
        assert dag["tags"] == ["heritage"], name
        assert dag["alerts"], name
        assert not dag["catchup"], name
        # A list that is fetched for hours holds up no batch, and a version that waits for a person no newer one.
        assert dag["max_active_runs"] == {"intake": 2, "release": 64}.get(name, 1), name


def test_each_task_has_an_owner_a_time_limit_and_a_description(tasks: dict[str, dict[str, Any]]) -> None:
    for name, task in tasks.items():
        assert task["owner"] == "heritage", name
        assert task["limit"], name
        assert task["doc"], name


def test_each_task_alerts(tasks: dict[str, dict[str, Any]]) -> None:
    assert [name for name, task in tasks.items() if not task["alerts"]] == []


def test_what_can_pass_is_tried_three_times_ever_later(tasks: dict[str, dict[str, Any]]) -> None:
    once = {name for name, task in tasks.items() if task["retries"] == 0}
    assert once == {"retrain.refused", "release.let_serve.approve"}
    for name, task in tasks.items():
        if name not in once:
            assert task["retries"] == 2, name
        if name != "reconcile.follow_aliases":  # the next run comes within the minute
            assert (task["delay"], task["backoff"]) == (60, 3), name


def test_one_training_holds_the_gpu_and_one_change_at_a_time_what_serves(tasks: dict[str, dict[str, Any]]) -> None:
    places = {name: (task["pool"], task["queue"]) for name, task in tasks.items()}
    apart = {name: place for name, place in places.items() if place != ("default_pool", "default")}
    assert apart == {
        "retrain.train": ("training", "gpu"),
        "release.let_serve.promote": ("releases", "default"),
        "rollback.serve_earlier": ("releases", "default"),
        "reconcile.follow_aliases": ("releases", "default"),
    }
    assert {pool for pool, _ in apart.values()} == set(POOLS)


def test_dags_start_one_another_by_assets(read: dict[str, Any], tasks: dict[str, dict[str, Any]]) -> None:
    starts = {name: dag["starts"] for name, dag in read["dags"].items()}
    outlets = {name: task["outlets"] for name, task in tasks.items() if task["outlets"]}
    assert starts == {
        "intake": ["inbox"],
        "retrain": ["labelled_photos"],
        "release": ["registered_model"],
        "rollback": [],
        "reconcile": [],
        "watch": [],
    }
    assert outlets == {
        "intake.take_in.announce": ["labelled_photos"],
        "retrain.announce": ["registered_model"],
        "release.let_serve.promote": ["served_model"],
        "rollback.serve_earlier": ["served_model"],
    }


def test_dags_start_at_their_times(read: dict[str, Any]) -> None:
    times = {name: dag["cron"] for name, dag in read["dags"].items() if dag["cron"]}
    assert times == {"retrain": "0 4 * * 1", "reconcile": "* * * * *", "watch": "30 5 * * *"}


def test_stages_run_as_dvc_has_them_and_pushing_holds_up_nothing(read: dict[str, Any]) -> None:
    retrain = read["dags"]["retrain"]["tasks"]
    stages = list(yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"])
    order = ["pin", *stages, "record", "track", "gate", "register", "finish"]
    assert [retrain[task]["after"] for task in order[1:]] == [[task] for task in order[:-1]]
    assert (retrain["refused"]["after"], retrain["announce"]["after"]) == (["gate"], ["register"])
    assert [name for name, task in retrain.items() if "push" in task["after"]] == []


def test_parameters_of_runs_are_checked(read: dict[str, Any]) -> None:
    for name, dag in read["dags"].items():
        for parameter, schema in dag["params"].items():
            assert schema.get("type"), f"{name}: {parameter}"
            assert schema.get("title"), f"{name}: {parameter}"
