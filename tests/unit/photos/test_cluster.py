"""A real cluster on this machine: a scheduler and two workers, each a process of its own."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from distributed import Client
from PIL import Image

from pipeline.core.errors import MachineError, ParameterError
from pipeline.core.parameters import Parameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.photos.batches import write_batches
from pipeline.photos.cluster import on_cluster
from pipeline.photos.kept_measures import FILE_NAME
from pipeline.photos.readers import Work, do_tasks
from pipeline.photos.records import Batch
from pipeline.stages import validate
from serving.contract import PhotoLimits

ROOT = Path(__file__).parents[3]
NUM_PHOTOS = 150


def start(*arguments: str, folder: Path, seeing: Path = ROOT) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(seeing), "DASK_DISTRIBUTED__WORKER__DAEMON": "true"}
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(30)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a scheduler with no workers yet."""
    folder = tmp_path_factory.mktemp("cluster")
    told = folder / "scheduler.json"
    command = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    process = start(*command, "--scheduler-file", str(told), folder=folder)
    try:
        deadline = time.monotonic() + 60
        while not told.is_file() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        yield json.loads(told.read_text())["address"]
    finally:
        stop([process])


@pytest.fixture
def workers(scheduler: str, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two workers of one thread each."""
    folder = tmp_path / "workers"
    folder.mkdir()
    command = ("distributed.cli.dask_worker", scheduler, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny")
    processes = [start(*command, "--no-dashboard", folder=folder) for _ in range(2)]
    try:
        with closing(Client(scheduler, set_as_default=False)) as client:
            client.wait_for_workers(2, timeout=60)
        yield processes
    finally:
        stop(processes)
        with closing(Client(scheduler, set_as_default=False)) as client:
            deadline = time.monotonic() + 30
            while client.scheduler_info(n_workers=-1)["workers"] and time.monotonic() < deadline:
                time.sleep(0.1)


def parameters(**chosen: object) -> Parameters:
    needed = {"recipe": "test", "model": {"name": "test"}, "train": {"phases": [{"epochs": 1}]}}
    return parse_parameters({**needed, "validate": chosen}, "test")


@pytest.fixture
def checkout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "checkout")
    for number in range(NUM_PHOTOS):
        coarse = np.random.default_rng(number).integers(0, 256, (7, 7, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(coarse).resize((48, 40), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        location = layout.data / "one" / ("wall", "arch")[number % 2] / f"{number:03}.jpg"
        location.parent.mkdir(parents=True, exist_ok=True)
        location.write_bytes(buffer.getvalue() if number % 20 else b"no photo")
    write_batches(layout.batches, [Batch("one", "", "0" * 64, NUM_PHOTOS)])
    return layout


def table_of(layout: Layout, **chosen: object) -> bytes:
    (layout.state / FILE_NAME).unlink(missing_ok=True)
    validate.run(layout, parameters(**chosen))
    return (layout.artifacts("validate") / validate.PHOTOS).read_bytes()


def test_two_workers_of_a_cluster_write_the_bytes_that_local_processes_write(
    scheduler: str, workers: list[subprocess.Popen[bytes]], checkout: Layout
) -> None:
    by_cluster = table_of(checkout, executor="dask", scheduler=scheduler)
    assert by_cluster == table_of(checkout, workers=1)


def slow(items: list[int]) -> list[int]:
    time.sleep(0.2)
    return [os.getpid() for _ in items]


def test_work_of_a_worker_that_dies_midway_is_done_by_the_others(
    scheduler: str, workers: list[subprocess.Popen[bytes]], checkout: Layout
) -> None:
    work = Work(do=slow, killed=lambda item: -1)
    with on_cluster(scheduler, checkout.batches, PhotoLimits()) as readers:
        results = []
        for result in do_tasks([[number] for number in range(12)], work, readers):
            results += result
            if len(results) == 2:
                workers[0].kill()
    assert len(results) == 12
    assert -1 not in results
    assert set(results[-3:]) == {workers[1].pid}


def test_a_worker_that_sees_other_files_is_named(
    scheduler: str, workers: list[subprocess.Popen[bytes]], checkout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.photos.cluster.sha256_of_file", lambda path: "of other bytes")
    with (
        pytest.raises(MachineError, match="does not see") as caught,
        on_cluster(scheduler, checkout.batches, PhotoLimits()),
    ):
        pass
    assert "shared volume" in caught.value.expected


def test_a_worker_with_other_code_is_named(
    scheduler: str, workers: list[subprocess.Popen[bytes]], checkout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.photos.cluster.making_of_measures", lambda limits: "otherwise")
    with pytest.raises(MachineError, match="other versions"), on_cluster(scheduler, checkout.batches, PhotoLimits()):
        pass


def test_a_cluster_without_workers_is_told_how_to_get_some(
    scheduler: str, checkout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.photos.cluster._WAIT_SECONDS", 1)
    with (
        pytest.raises(MachineError, match="has no workers") as caught,
        on_cluster(scheduler, checkout.batches, PhotoLimits()),
    ):
        pass
    assert "dask worker" in caught.value.todo


def test_a_scheduler_that_cannot_be_reached_is_named(checkout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.photos.cluster._WAIT_SECONDS", 1)
    with pytest.raises(MachineError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9") as caught:
        validate.run(checkout, parameters(executor="dask", scheduler="tcp://127.0.0.1:9"))
    assert caught.value.exit_code == 6


def test_a_cluster_needs_an_address() -> None:
    with pytest.raises(ParameterError, match="no scheduler is named"):
        parameters(executor="dask")
