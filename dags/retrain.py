"""Retrain on new photos: the stages of dvc.yaml and the release commands, one Airflow task each.

The DAG starts commands and imports none of their code. It runs on a timetable and whenever the asset
`labelled_photos` is updated, in the checkout that the environment variable HERITAGE_CHECKOUT names (default: the
folder above this file).
"""

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, Param, chain, dag, task

CHECKOUT = os.environ.get("HERITAGE_CHECKOUT", str(Path(__file__).resolve().parents[1]))
STAGES = ("validate", "embed", "clean", "split", "augment", "train", "export", "evaluate")
RELEASE_STEPS = ("track", "gate", "register", "promote")
MONDAYS_AT_FOUR = "0 4 * * 1"

LABELLED_PHOTOS = Asset("labelled_photos")
SERVED_MODEL = Asset("served_model")

# Commands run under this interpreter's own folder, so that `python` and `dvc` are those of the installed project.
_ENVIRONMENT = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
_STAGE_LIMIT = timedelta(hours=12)
_RELEASE_LIMIT = timedelta(minutes=30)


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable(MONDAYS_AT_FOUR, timezone="UTC"), assets=[LABELLED_PHOTOS]
    ),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "heritage", "retries": 1, "retry_delay": timedelta(minutes=1)},
    params={"release": Param(True, type="boolean", description="judge and serve what was trained")},
    doc_md=__doc__,
    tags=["heritage"],
)
def retrain() -> None:
    """Run the stages whose inputs changed, judge the candidate, and let it serve when it passes."""
    chain(*(_stage(name) for name in STAGES), _release_wanted(), *(_release_step(name) for name in RELEASE_STEPS))


def _stage(name: str):
    """One stage through DVC, which skips it when nothing changed."""
    return _command(name, f"dvc repro --single-item {name}", execution_timeout=_STAGE_LIMIT)


@task.short_circuit(
    task_id="release_wanted",
    retries=0,
    execution_timeout=timedelta(minutes=1),
    doc_md="Ends the run here when `release` is off.",
)
def _release_wanted(params: dict[str, bool] | None = None) -> bool:
    return bool(params and params["release"])


def _release_step(name: str):
    """A command after the graph; the gate's refusal is an answer, not a fault, and is not tried again."""
    return _command(
        name,
        f"python -m pipeline {name}",
        execution_timeout=_RELEASE_LIMIT,
        retries=0 if name == "gate" else 1,
        outlets=[SERVED_MODEL] if name == RELEASE_STEPS[-1] else [],
    )


def _command(name: str, line: str, **task_settings: object):
    """A task that runs one command line in the checkout, without a shell between."""

    @task.bash(task_id=name, cwd=CHECKOUT, env=_ENVIRONMENT, append_env=True, doc_md=f"`{line}`", **task_settings)
    def run() -> str:
        return f"exec {line}"

    return run()


retrain()
