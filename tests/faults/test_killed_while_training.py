"""Faults during a training under Airflow: the run ends well, and no epoch that was done is trained again."""

import csv
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from airflows import RunningAirflow, started_airflow, until
from checkouts import TINY, Checkout, make_checkout

from pipeline.core.paths import Layout

pytestmark = pytest.mark.long

EPOCHS = 12
RUN_SECONDS = 600
SOON = {
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
}
"""What died is missed within half a minute."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with one committed batch."""
    made = make_checkout(tmp_path_factory.mktemp("home"))
    made.pipeline("sample", "--batches", "demo-1", "--photos", "60")
    made.run("git", "commit", "--quiet", "--all", "--message=photos")
    return made


@pytest.fixture(scope="module")
def airflow(home: Checkout) -> Iterator[RunningAirflow]:
    """Airflow over that checkout's DAGs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with started_airflow(home.root, port, {**home.environment, **SOON}) as running:
        yield running


@pytest.fixture
def clone(home: Checkout) -> Path:
    """The retraining clone; it is there once a run has begun."""
    return Layout(home.root).retrain_clone


@pytest.fixture
def training(home: Checkout, airflow: RunningAirflow, clone: Path) -> Callable[[float], str]:
    """`training(rate)`: start a run that trains anew, and wait until an epoch is done; gives the run's id."""

    def start(rate: float) -> str:
        phases = [{"epochs": EPOCHS, "unfreeze_from": 0, "schedule": {"learning_rate": rate}}]
        train = {**TINY["train"], "phases": phases, "image_size": 96, "width": 0.5}
        # Whatever so few photos teach, the run is to come to its end.
        home.set_parameters(train=train, gate={"min_accuracy": 0.0})
        home.run("git", "commit", "--quiet", "--all", f"--message=learning rate {rate}")
        run = airflow.api.start("retrain", {"release": False})
        checkpoints = clone / ".heritage" / "checkpoints"

        def under_way() -> bool:
            assert airflow.api.state("retrain", run) != "failed", airflow.api.tasks("retrain", run)
            return any(checkpoints.glob("*.npz"))

        assert until(under_way, RUN_SECONDS), airflow.api.tasks("retrain", run)
        return run

    return start


def trainings(clone: Path) -> list[psutil.Process]:
    """Processes of the stage `train` in the clone."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[-1:] == ["train"] and process.cwd() == str(clone) and "pipeline" in process.cmdline():
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def epochs_by_try(home: Checkout, run: str) -> list[list[int]]:
    """The epochs that each try of `train` finished."""
    logs = Layout(home.root).state / "airflow" / "logs" / "dag_id=retrain" / f"run_id={run}" / "task_id=train"
    tries = sorted(logs.glob("attempt=*.log"), key=lambda log: int(log.stem.split("=")[1]))
    return [[int(epoch) for epoch in re.findall(r'"event":"epoch +(\d+) \(', log.read_text())] for log in tries]


def assert_trained_once(home: Checkout, clone: Path, run: str) -> None:
    first, *others = [epochs for epochs in epochs_by_try(home, run) if epochs]
    assert 0 < len(first) < EPOCHS
    assert others[-1][0] >= first[-1]  # the epoch under way is trained again, and no other
    with (clone / "artifacts" / "train" / "history.csv").open() as stream:
        assert [int(line["epoch"]) for line in csv.DictReader(stream)] == list(range(1, EPOCHS + 1))


def test_a_scheduler_that_is_killed_is_started_again_and_training_goes_on_at_its_epoch(
    home: Checkout, airflow: RunningAirflow, clone: Path, training: Callable[[float], str]
) -> None:
    run = training(0.001)
    [before] = trainings(clone)
    airflow.component("scheduler").kill()
    assert until(lambda: not before.is_running(), 10), "the training outlived its scheduler"
    assert airflow.ended(run, RUN_SECONDS) == "success", airflow.api.tasks("retrain", run)
    assert "Airflow scheduler was ended by SIGKILL and is started again" in airflow.printed()
    assert_trained_once(home, clone, run)


def test_a_worker_that_is_killed_takes_its_training_along_and_the_retry_goes_on_at_its_epoch(
    home: Checkout, airflow: RunningAirflow, clone: Path, training: Callable[[float], str]
) -> None:
    run = training(0.002)
    [before] = trainings(clone)
    workers = {worker.pid for worker in airflow.component("scheduler").children()}
    [worker] = [ancestor for ancestor in before.parents() if ancestor.pid in workers]
    worker.kill()
    assert until(lambda: not before.is_running(), 10), "the training outlived its worker"
    assert airflow.ended(run, RUN_SECONDS) == "success", airflow.api.tasks("retrain", run)
    assert_trained_once(home, clone, run)


def test_a_batch_that_arrives_during_a_training_trains_next(
    home: Checkout, airflow: RunningAirflow, clone: Path, training: Callable[[float], str]
) -> None:
    run = training(0.003)
    home.pipeline("sample", "--inbox", "--batches", "demo-2", "--photos", "60")
    batches = clone / "data" / "batches.csv"
    assert airflow.ended(run, RUN_SECONDS) == "success", airflow.api.tasks("retrain", run)
    assert "demo-2" not in batches.read_text()
    assert until(lambda: "demo-2" in batches.read_text(), RUN_SECONDS), airflow.printed()
    newest = airflow.runs("retrain")[-1]
    assert newest != run
    assert airflow.ended(newest, RUN_SECONDS) == "success", airflow.api.tasks("retrain", newest)
    assert set(epochs_by_try(home, newest)[-1]) == set(range(1, EPOCHS + 1))
