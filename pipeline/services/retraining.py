"""A retraining that a person starts: triggered in Airflow, and followed to its end."""

import time
from collections.abc import Sequence
from contextlib import suppress

from pipeline.console import say
from pipeline.core.errors import GateRefused, PipelineError, ServingError
from pipeline.core.paths import Layout
from pipeline.services.airflow import AirflowHome
from pipeline.services.airflow_api import AirflowApi, TaskState

DAG = "retrain"
REFUSED = "refused"
"""The task in which a run ends that the gate refused."""

_TICK_SECONDS = 1.0
_ABSENCE_SECONDS = 60.0
"""So long Airflow may be away while a run is followed: it is started again when it ends by itself."""
_QUEUED_SECONDS = 5.0
_WORDS = {
    "running": "runs",
    "success": "done",
    "failed": "failed",
    "up_for_retry": "failed, and is tried again",
    "skipped": "skipped",
    "upstream_failed": "not run: a task before it failed",
    "awaiting_input": "waits for a person's answer on Airflow's page",
}
_ENDED = ("success", "failed")


class RunFailed(PipelineError):
    """A task of the run failed, and Airflow does not try it again."""


def retrain(layout: Layout, batch: str) -> None:
    """Start a retraining in this checkout's Airflow and follow it.

    Args:
        layout: the checkout.
        batch: train on the photos as of the intake of this batch; empty = all photos.

    Raises:
        ParameterError: Airflow refuses the name of the batch.
        GateRefused: the run ended with the gate's refusal.
        ServingError: Airflow does not answer.
        RunFailed: a task failed.
    """
    api = _api(layout)
    run = api.start(DAG, {"batch": batch} if batch else {})
    page = api.page_of(DAG, run)
    say(f"{DAG} started: {page}")
    try:
        state = _follow(api, run)
    except KeyboardInterrupt:
        say(f"no longer followed; the run goes on: {page}")
        raise
    tasks = api.tasks(DAG, run)
    if state == "failed":
        raise _failed(api, run, [task for task in tasks if task.state == "failed"])
    say(_outcome(tasks))


def _api(layout: Layout) -> AirflowApi:
    airflow = AirflowHome.of(layout)
    address = airflow.address()
    if address is None:
        raise ServingError(
            f"Airflow has never run in {airflow.checkout}",
            expected="Airflow, which `make up` runs",
            todo="start it with `make up`, in a terminal of its own",
        )
    return AirflowApi(address, airflow.login())


def _follow(api: AirflowApi, run: str) -> str:
    """Say each change of a run's tasks until it has ended; gives the state in which it ended."""
    told: set[tuple[str, int, str]] = set()
    started = seen = time.monotonic()
    waits = False
    while True:
        try:
            state = api.state(DAG, run)
            _tell_news(api.tasks(DAG, run), told)
            seen = time.monotonic()
        except ServingError:
            if time.monotonic() - seen > _ABSENCE_SECONDS:
                raise
            state = ""
        if state in _ENDED:
            return state
        if state == "queued" and not waits and time.monotonic() - started > _QUEUED_SECONDS:
            waits = True
            say("waits until the run before it has ended")
        time.sleep(_TICK_SECONDS)


def _tell_news(tasks: Sequence[TaskState], told: set[tuple[str, int, str]]) -> None:
    for task in tasks:
        if task.state in _WORDS and (task.task, task.try_number, task.state) not in told:
            told.add((task.task, task.try_number, task.state))
            took = f" in {task.seconds:.1f} s" if task.state in _ENDED and task.seconds is not None else ""
            say(f"  {task.task}: {_WORDS[task.state]}{took}")


def _failed(api: AirflowApi, run: str, failed: Sequence[TaskState]) -> PipelineError:
    """The error of a run that failed; why its tasks failed is said."""
    for task in failed:
        with suppress(ServingError):
            for line in api.reason(DAG, run, task):
                say(f"  {task.task} | {line}")
    page = api.page_of(DAG, run)
    if any(task.task == REFUSED for task in failed):
        return GateRefused(
            "the gate did not let the trained model through; the one that serves goes on",
            expected="a model that keeps every rule of the gate",
            todo=f"look at the rules above, or at {page}",
        )
    names = ", ".join(task.task for task in failed) or "the run"
    return RunFailed(f"{names} failed", expected="tasks that end well", todo=f"look at {page}")


def _outcome(tasks: Sequence[TaskState]) -> str:
    states = {task.task: task.state for task in tasks}
    if states.get("announce") == "skipped" and states.get("register") == "success":
        return "the run came to a model that was released before; trigger `release` to have it again"
    if states.get("register") == "success":
        return "the model was registered; the run `release` lets it serve"
    if states.get("train", "skipped") == "skipped":
        return "nothing to train: code, parameters and photos are those of the last run"
    return "the run ended well; no model was to be released"
