"""Everything that people look at, really started together in a checkout without a run."""

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from airflows import STAND_IN, until
from checkouts import PROJECT, TINY

from pipeline.core.errors import MachineError, ParameterError, ServingError
from pipeline.core.parameters import parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.recipes import render
from pipeline.release.server_config import config_text
from pipeline.services.airflow import POOLS, AirflowHome
from pipeline.services.airflow_api import AirflowApi
from pipeline.services.housekeeping import tidy
from pipeline.services.up import Ports, run_up
from serving.client import ServedModel

START_SECONDS = 150


@dataclass
class Up:
    """A running `pipeline up`, and what it has printed."""

    root: Path
    process: psutil.Popen
    ports: dict[str, int]

    def printed(self) -> str:
        return (self.root / "up.log").read_text(encoding="utf-8")

    def status(self, name: str, path: str, host: str | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=30)
        try:
            connection.request("GET", path, headers={"Host": host} if host else {})
            return connection.getresponse().status
        finally:
            connection.close()

    def descendants(self) -> list[psutil.Process]:
        return self.process.children(recursive=True)

    def component(self, name: str) -> psutil.Process:
        [found] = [one for one in self.process.children() if name in one.cmdline()]
        return found


@contextmanager
def started(root: Path, free_port: Callable[[], int]) -> Iterator[Up]:
    """`pipeline up` where nothing was ever promoted, once everything answers."""
    ports = {name: free_port() for name in ("grpc", "mlflow", "rest", "explainer", "airflow")}
    chosen = {**TINY, "model": {"name": "toy"}, "serving": {"grpc_address": f"127.0.0.1:{ports['grpc']}"}}
    (root / "params.yaml").write_text(render(parse_parameters(chosen, "the test")), encoding="utf-8")
    (root / "dags").mkdir()
    (root / "dags" / "retrain.py").write_text(STAND_IN, encoding="utf-8")
    options = [f"--{name}-port={ports[name]}" for name in ("mlflow", "rest", "explainer", "airflow")]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with (root / "up.log").open("w") as log:
        process = psutil.Popen(
            [sys.executable, "-m", "pipeline", "up", *options],
            cwd=root,
            env=environment,
            stderr=log,
            start_new_session=True,
        )
    running = Up(root, process, ports)
    try:
        answers = until(lambda: "all of them answer" in running.printed() or process.poll() is not None, START_SECONDS)
        assert answers, running.printed()
        assert process.poll() is None, running.printed()
        yield running
    finally:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
        process.wait(30)


def of_database(up: Up, query: str) -> list[tuple[Any, ...]]:
    """Rows of Airflow's database."""
    with closing(sqlite3.connect(AirflowHome.of(Layout(up.root)).folder / "airflow.db")) as connection:
        return connection.execute(query).fetchall()


def left_of(processes: list[psutil.Process]) -> list[int]:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return [process.pid for process in alive]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Up]:
    """One start for the tests of this file; the last of them stops it."""
    with started(tmp_path_factory.mktemp("up"), free_port) as running:
        yield running


def test_everything_answers_and_says_where_it_is(up: Up) -> None:
    login = AirflowHome.of(Layout(up.root)).login()
    assert re.search(rf"^MLflow +http://127.0.0.1:{up.ports['mlflow']}$", up.printed(), re.MULTILINE)
    page = rf"^Airflow +http://127.0.0.1:{up.ports['airflow']}  \(user heritage, password {login.password}\)$"
    assert re.search(page, up.printed(), re.MULTILINE)
    assert "no version of 'toy' serves yet" in up.printed()
    assert "photos that it is asked about are kept in" in up.printed()
    assert f"from {up.root / 'inbox'}\n" in up.printed()
    assert (up.root / "inbox").is_dir()
    assert "warning: no model can be retrained" in up.printed()  # the folder is no git checkout
    assert up.status("mlflow", "/") == 200
    assert up.status("mlflow", "/", host="10.example.org") == 403
    assert up.status("explainer", "/") == 200
    assert up.status("explainer", "/readyz") != 200
    assert up.status("airflow", "/") == 200
    assert up.status("airflow", "/api/v2/dags") == 401


def test_a_second_start_in_the_checkout_is_refused(up: Up) -> None:
    with pytest.raises(MachineError, match=rf"`make up`, which runs already \(process {up.process.pid}\)"):
        run_up(Layout(up.root), parse_parameters(TINY, "another start"), Ports())


def test_nothing_listens_but_the_ports_that_were_named_and_those_on_loopback(up: Up) -> None:
    listening = {
        (connection.laddr.ip.removeprefix("::ffff:"), connection.laddr.port)
        for process in up.descendants()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", port) for port in up.ports.values()}


def test_tasks_are_told_of_the_running_mlflow_and_of_the_checkout(up: Up) -> None:
    environment = up.component("scheduler").environ()
    assert environment["MLFLOW_TRACKING_URI"] == f"http://127.0.0.1:{up.ports['mlflow']}"
    assert environment["HERITAGE_CHECKOUT"] == str(up.root)


def test_a_retraining_is_started_and_followed_to_its_end(up: Up) -> None:
    ends = {
        "good": (0, "  register: done in ", "the model was registered"),
        "worse": (3, "  refused | min_accuracy: NOT MET\n", "error: the gate did not let"),
        "Not-a-batch": (2, "error: Airflow refuses the run", "'Not-a-batch' does not match"),
    }
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}

    def followed(batch: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipeline", "retrain", "--batch", batch]
        return subprocess.run(
            command, cwd=up.root, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    with ThreadPoolExecutor(len(ends)) as pool:
        for (code, *told), done in zip(ends.values(), pool.map(followed, ends), strict=True):
            assert done.returncode == code, done.stderr
            assert all(words in done.stderr for words in told), done.stderr


@pytest.mark.long
def test_runs_are_forgotten_after_their_time_and_no_sooner(up: Up) -> None:
    airflow = AirflowHome.of(Layout(up.root))
    logs = airflow.logs / "dag_id=retrain"
    api = AirflowApi(f"http://127.0.0.1:{up.ports['airflow']}", airflow.login())
    run = api.start("retrain", {"batch": "known"})
    assert until(lambda: api.state("retrain", run) == "success", 60)

    tidy(airflow, datetime.now(UTC) + timedelta(days=2), {"retrain": 3})
    assert (logs / f"run_id={run}").is_dir()
    assert api.state("retrain", run) == "success"

    tidy(airflow, datetime.now(UTC) + timedelta(days=4), {"retrain": 3})
    assert list(logs.iterdir()) == []
    with pytest.raises(ServingError, match="404"):
        api.state("retrain", run)
    assert of_database(up, "select count(*) from dag_run") == [(0,)]
    assert of_database(up, "select count(*) from trigger") == [(1,)]  # the watcher of an asset, as old as that run


def test_airflow_has_the_pools_that_tasks_wait_for(up: Up) -> None:
    pools = of_database(up, "select pool, slots from slot_pool where pool != 'default_pool' order by pool")
    assert pools == [(name, 1) for name in sorted(POOLS)]


def test_components_of_airflow_are_started_again_when_they_are_killed(up: Up) -> None:
    scheduler = up.component("scheduler")
    workers = scheduler.children()
    assert len(workers) >= 3
    scheduler.kill()
    assert left_of(workers) == []
    assert until(lambda: "Airflow scheduler was ended by SIGKILL and is started again" in up.printed(), 5)
    assert until(lambda: len(up.component("scheduler").children()) == len(workers), 60)


def test_the_first_promotion_is_taken_up_and_ctrl_c_leaves_nothing(up: Up, toy_model_base: Callable[..., Path]) -> None:
    toy = ServedModel("toy", str(toy_model_base("toy")), (1,), {"stable": 1})
    (up.root / "served" / "models.config").write_text(config_text({"toy": toy}), encoding="utf-8")
    assert until(lambda: up.status("explainer", "/readyz") == 200, 30), up.printed()
    assert until(lambda: "Model toy version 1: AVAILABLE" in up.printed(), 5)

    descendants = up.descendants()
    os.killpg(up.process.pid, signal.SIGINT)
    assert up.process.wait(40) == 130
    assert up.printed().endswith("stopping ...\n")
    assert left_of(descendants) == []


@pytest.mark.long
def test_nothing_outlives_a_killed_parent(tmp_path: Path, free_port: Callable[[], int]) -> None:
    with started(tmp_path, free_port) as running:
        descendants = running.descendants()
        assert len(descendants) >= 12  # of MLflow, the scheduler and the triggerer, children of children
        running.process.kill()
        assert left_of(descendants) == []


def test_what_the_parameters_place_elsewhere_is_named_without_its_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    chosen = {
        **TINY,
        "tracking": {"uri": "https://user:secret@mlflow.example.org"},
        "serving": {"grpc_address": "models.example.org:8500"},
    }
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        with pytest.raises(MachineError, match=f"^port {taken}, wanted by the explanation page"):
            run_up(Layout(tmp_path), parse_parameters(chosen, "the test"), Ports(taken, taken, taken))
    printed = capsys.readouterr().err
    assert "MLflow runs elsewhere: https://mlflow.example.org" in printed
    assert "the model server runs elsewhere: models.example.org:8500" in printed
    assert "secret" not in printed


@pytest.mark.parametrize("address", ("127.0.0.1", "localhost:0", "127.0.0.1:99999", "127.0.0.1:grpc"))
def test_an_address_without_a_port_is_named_before_anything_starts(address: str, tmp_path: Path) -> None:
    chosen = {**TINY, "serving": {"grpc_address": address}}
    with pytest.raises(ParameterError, match=f"^serving.grpc_address is {address}\n"):
        run_up(Layout(tmp_path), parse_parameters(chosen, "the test"), Ports())


def test_make_up_runs_it_with_the_ports_of_the_documents() -> None:
    printed = subprocess.run(
        ["make", "--dry-run", "up"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout
    assert any(line.endswith("/python -m pipeline up") for line in printed.splitlines())
    assert Ports() == Ports(mlflow=5000, rest=8501, explainer=8502, airflow=8080)
