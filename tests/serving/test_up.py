"""Everything that people look at, really started together in a checkout without a run."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from checkouts import PROJECT, TINY

from pipeline.core.errors import MachineError, ParameterError
from pipeline.core.parameters import parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.recipes import render
from pipeline.release.server_config import config_text
from pipeline.services.up import Ports, run_up
from serving.client import ServedModel

START_SECONDS = 150


@dataclass
class Up:
    """A running `pipeline up`, and what it has printed."""

    root: Path
    process: subprocess.Popen[str]
    ports: dict[str, int]
    children: list[psutil.Process] = field(default_factory=list)

    def printed(self) -> str:
        return (self.root / "up.log").read_text(encoding="utf-8")

    def status(self, name: str, path: str, host: str | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=30)
        try:
            connection.request("GET", path, headers={"Host": host} if host else {})
            return connection.getresponse().status
        finally:
            connection.close()

    def left_behind(self) -> list[int]:
        _, alive = psutil.wait_procs(self.children, timeout=20)
        return [child.pid for child in alive]


def until(happened: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.1)
    return happened()


@pytest.fixture
def up(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Up]:
    """`pipeline up` where nothing was ever promoted, once everything answers."""
    ports = {name: free_port() for name in ("grpc", "mlflow", "rest", "explainer")}
    chosen = {**TINY, "model": {"name": "toy"}, "serving": {"grpc_address": f"127.0.0.1:{ports['grpc']}"}}
    (tmp_path / "params.yaml").write_text(render(parse_parameters(chosen, "the test")), encoding="utf-8")
    options = [f"--{name}-port={ports[name]}" for name in ("mlflow", "rest", "explainer")]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    with (tmp_path / "up.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "up", *options],
            cwd=tmp_path,
            env=environment,
            stderr=log,
            start_new_session=True,
        )
    running = Up(tmp_path, process, ports)
    try:
        answers = until(lambda: "all of them answer" in running.printed() or process.poll() is not None, START_SECONDS)
        assert answers, running.printed()
        assert process.poll() is None, running.printed()
        running.children = psutil.Process(process.pid).children(recursive=True)
        yield running
    finally:
        process.terminate()
        process.wait(30)


def test_everything_answers_takes_up_the_first_promotion_and_leaves_with_ctrl_c(
    up: Up, toy_model_base: Callable[..., Path]
) -> None:
    assert f"MLflow            http://127.0.0.1:{up.ports['mlflow']}\n" in up.printed()
    assert "no version of 'toy' serves yet" in up.printed()
    assert up.status("mlflow", "/") == 200
    assert up.status("mlflow", "/", host="10.example.org") == 403
    assert up.status("explainer", "/") == 200
    assert up.status("explainer", "/readyz") != 200

    with pytest.raises(MachineError, match=rf"`make up`, which runs already \(process {up.process.pid}\)"):
        run_up(Layout(up.root), parse_parameters(TINY, "another start"), Ports())

    toy = ServedModel("toy", str(toy_model_base("toy")), (1,), {"stable": 1})
    (up.root / "served" / "models.config").write_text(config_text({"toy": toy}), encoding="utf-8")
    assert until(lambda: up.status("explainer", "/readyz") == 200, 30), up.printed()
    assert until(lambda: "Model toy version 1: AVAILABLE" in up.printed(), 5)

    os.killpg(up.process.pid, signal.SIGINT)
    assert up.process.wait(40) == 130
    assert up.printed().endswith("stopping ...\n")
    assert up.left_behind() == []


@pytest.mark.long
def test_nothing_outlives_a_killed_parent(up: Up) -> None:
    assert len(up.children) >= 4  # MLflow's own server is a child of its child
    up.process.kill()
    assert up.left_behind() == []


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
    assert Ports() == Ports(mlflow=5000, rest=8501, explainer=8502)
