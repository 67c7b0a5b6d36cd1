"""The retraining DAG as Airflow reads it; the end-to-end tests run it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).resolve().parents[2] / "dags"

# Airflow keeps its settings and handlers for a whole process, so it is read in one of its own.
READ = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
started = time.process_time()
bag = DagBag(dag_folder=sys.argv[1])
seconds = time.process_time() - started
dags = [
    {
        "id": dag.dag_id,
        "doc": dag.doc_md,
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "schedule": str(dag.timetable),
        "tasks": [
            {
                "id": task.task_id,
                "owner": task.owner,
                "retries": task.retries,
                "limit": task.execution_timeout is not None,
                "doc": task.doc_md,
                "after": sorted(task.upstream_task_ids),
            }
            for task in dag.tasks
        ],
    }
    for dag in bag.dags.values()
]
heavy = [name for name in ("tensorflow", "keras", "pipeline", "mlflow") if name in sys.modules]
print(json.dumps({"errors": bag.import_errors, "seconds": seconds, "dags": dags, "heavy": heavy}))
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    done = subprocess.run(
        [sys.executable, "-c", READ, str(DAGS)], env=environment, capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_dags_are_read_without_errors_within_a_second_of_computing(read: dict[str, Any]) -> None:
    assert read["errors"] == {}
    assert [dag["id"] for dag in read["dags"]] == ["retrain"]
    assert read["seconds"] < 1


def test_reading_the_dags_imports_no_stage_code(read: dict[str, Any]) -> None:
    assert read["heavy"] == []


def test_each_task_has_an_owner_a_time_limit_and_a_description(read: dict[str, Any]) -> None:
    for dag in read["dags"]:
        assert dag["doc"]
        for task in dag["tasks"]:
            assert task["owner"] == "heritage", task
            assert task["limit"], task
            assert task["doc"], task


def test_one_run_at_a_time_in_the_order_of_the_graph(read: dict[str, Any]) -> None:
    [dag] = read["dags"]
    assert dag["max_active_runs"] == 1
    assert not dag["catchup"]
    order = [task["id"] for task in dag["tasks"]]
    assert all(task["after"] == order[index - 1 : index] for index, task in enumerate(dag["tasks"]) if index)
    stages = [stage for stage in order if f"\n  {stage}:\n" in (DAGS.parent / "dvc.yaml").read_text()]
    assert stages == order[:8]


def test_a_refusal_by_the_gate_is_not_tried_again(read: dict[str, Any]) -> None:
    [gate] = [task for task in read["dags"][0]["tasks"] if task["id"] == "gate"]
    assert gate["retries"] == 0
