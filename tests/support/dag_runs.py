"""Runs DAGs by `dag.test()`, one after the other in one process: `python dag_runs.py <scenarios.json> <results.json>`.

Airflow keeps its settings and handlers for a whole process, so this is a process of its own: it makes the database,
runs every scenario against the stand-in checkout that HERITAGE_CHECKOUT names, and writes what became of it.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from stand_in_home import CLONE, calls, tell

HOME = Path(os.environ["HERITAGE_CHECKOUT"])
DAGS = os.environ["AIRFLOW__CORE__DAGS_FOLDER"]


def main(scenarios: Path, results: Path) -> None:
    """Run all scenarios."""
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session

    with create_session() as session:
        initdb(session=session)
    from airflow.dag_processing.dagbag import DagBag

    sys.path.append(DAGS)
    dags = DagBag(dag_folder=DAGS).dags
    for dag in dags.values():
        for task in dag.tasks:
            task.retry_delay, task.retry_exponential_backoff = timedelta(0), 0
    wait = time.sleep
    time.sleep = lambda seconds: wait(min(seconds, 0.05))  # between two looks at what may run
    told = json.loads(scenarios.read_text())
    results.write_text(json.dumps({name: outcome(dags, name, scenario) for name, scenario in told.items()}))


def outcome(dags: dict[str, Any], name: str, scenario: dict[str, Any]) -> dict[str, Any]:
    """Run one scenario."""
    tell(HOME, scenario.get("answers", {}))
    if "gate" in scenario:
        (HOME / CLONE / "reports").mkdir(exist_ok=True)
        (HOME / CLONE / "reports/gate.json").write_text(json.dumps(scenario["gate"]))
    log = HOME / f"{name}.log"
    started = time.monotonic()
    with printed_to(log), registered(scenario.get("events", [])), a_person(scenario.get("choice")):
        try:
            run = dags[scenario["dag"]].test(run_conf=scenario.get("conf"))
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}
        psutil.wait_procs(psutil.Process().children(), timeout=20)
    return {
        **facts(run),
        "calls": calls(HOME),
        "log": log.read_text(),
        "seconds": time.monotonic() - started,
    }


def facts(run: Any) -> dict[str, Any]:
    """What became of a run, its tasks, and the assets that it updated."""
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        updates = session.execute(
            select(AssetModel.name, AssetEvent.extra)
            .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .where(AssetEvent.source_run_id == run.run_id)
            .order_by(AssetEvent.id)
        ).all()
        others = session.scalars(select(DagRun.dag_id).where(DagRun.start_date.is_(None))).all()
    return {
        "state": str(run.state),
        "tasks": {
            task.task_id if task.map_index < 0 else f"{task.task_id} {task.map_index}": {
                "state": str(task.state),
                "tries": task.try_number,
                "name": task.rendered_map_index,
            }
            for task in run.get_task_instances()
        },
        "updates": [list(update) for update in updates],
        "waiting_runs": list(others),
    }


@contextmanager
def printed_to(path: Path) -> Iterator[None]:
    """Send this process's output, where tasks log in such a run, into a file."""
    kept = [os.dup(1), os.dup(2)]
    with path.open("wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            for number, descriptor in enumerate(kept, 1):
                os.dup2(descriptor, number)
                os.close(descriptor)


@contextmanager
def registered(extras: list[dict[str, Any]]) -> Iterator[None]:
    """Make the next run one that updates of `registered_model` started."""
    from airflow.models import dagrun
    from airflow.models.asset import AssetEvent, AssetModel
    from sqlalchemy import select

    make = dagrun.get_or_create_dagrun

    def make_with_events(*, session: Any, **named: Any) -> Any:
        run = make(session=session, **named)
        asset = session.scalars(select(AssetModel).where(AssetModel.name == "registered_model")).one()
        run.consumed_asset_events.extend(AssetEvent(asset_id=asset.id, extra=extra) for extra in extras)
        session.commit()
        return run

    if extras:
        dagrun.get_or_create_dagrun = make_with_events
    try:
        yield
    finally:
        dagrun.get_or_create_dagrun = make


@contextmanager
def a_person(choice: str | None) -> Iterator[None]:
    """Answer what a task asks a person, as the page does."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import handle_event_submit
    from airflow.sdk.timezone import utcnow
    from airflow.triggers.base import TriggerEvent
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import select

    done = threading.Event()

    def answer() -> None:
        while not done.wait(0.3):
            with create_session() as session:
                waiting = select(TaskInstance).where(TaskInstance.state == TaskInstanceState.AWAITING_INPUT)
                for task in session.scalars(waiting).all():
                    asked = session.scalars(select(HITLDetail).where(HITLDetail.ti_id == task.id)).one()
                    sys.stdout.write(f"ASKED {asked.subject}\n{asked.body}\n")
                    asked.responded_at, asked.chosen_options, asked.params_input = utcnow(), [choice], {}
                    reply = {"chosen_options": [choice], "params_input": {}, "responded_at": utcnow()}
                    handle_event_submit(
                        TriggerEvent({**reply, "responded_by_user": {"id": "1", "name": "release owner"}}),
                        task_instance=task,
                        session=session,
                    )

    person = threading.Thread(target=answer, daemon=True)
    if choice:
        person.start()
    try:
        yield
    finally:
        done.set()
        if choice:
            person.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
