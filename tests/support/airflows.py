"""Airflow for tests: a stand-in for the retraining DAG, and components started without the other servers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipeline.core.paths import Layout
from pipeline.services.airflow import AirflowHome
from pipeline.services.airflow_api import AirflowApi

START_SECONDS = 150

STAND_IN = '''
"""Retraining without a model: the batch says how a run ends."""

from airflow.providers.standard.triggers.file import FileDeleteTrigger
from airflow.sdk import Asset, AssetWatcher, Param, chain, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

NEVER = Asset("never", watchers=[AssetWatcher("watcher", FileDeleteTrigger("/no/such/file"))])


@dag(schedule=[NEVER], params={"batch": Param("", type="string", pattern="^[a-z]*$")})
def retrain():
    @task.short_circuit
    def pin():
        return get_current_context()["params"]["batch"] != "known"

    @task
    def train():
        pass

    @task.branch
    def gate():
        return "refused" if get_current_context()["params"]["batch"] == "worse" else "register"

    @task
    def refused():
        raise AirflowFailException("min_accuracy: NOT MET")

    @task
    def register():
        pass

    judged = gate()
    chain(pin(), train(), judged, [register(), refused()])


retrain()
'''
"""Content of a DAG file."""

_RUN = """
import sys
from pathlib import Path
from pipeline.console import problems_for_people
from pipeline.core.paths import Layout
from pipeline.services.airflow import AirflowHome, configure, prepare_database
from pipeline.services.components import airflow_services
from pipeline.services.processes import run_together

layout, port = Layout(Path(sys.argv[1])), int(sys.argv[2])
airflow = AirflowHome.of(layout)
with problems_for_people(debug=False):
    configure(airflow, port)
    prepare_database(airflow)
    run_together(airflow_services(airflow, port, None), layout.state / "logs")
"""


@dataclass(frozen=True)
class RunningAirflow:
    """Airflow's components, looked after as `make up` does."""

    root: Path
    process: psutil.Popen
    api: AirflowApi

    def printed(self) -> str:
        """What the process that looks after the components has said."""
        return (self.root / "airflow.log").read_text(encoding="utf-8")

    def component(self, name: str) -> psutil.Process:
        """The process of a component, by the word that starts it."""
        [found] = [one for one in self.process.children() if name in one.cmdline()]
        return found

    def runs(self, dag: str) -> list[str]:
        """Runs of a DAG of which a task has begun, in that order."""
        folders = (Layout(self.root).state / "airflow" / "logs" / f"dag_id={dag}").glob("run_id=*")
        return [
            folder.name.removeprefix("run_id=") for folder in sorted(folders, key=lambda one: one.name.split("__")[1])
        ]

    def ended(self, run: str, seconds: float, dag: str = "retrain") -> str:
        """Wait until a run has ended; gives the state in which it ended."""
        assert until(lambda: self.api.state(dag, run) in ("success", "failed"), seconds), self.printed()
        return self.api.state(dag, run)


def until(happened: Callable[[], bool], seconds: float) -> bool:
    """Wait until something has happened, or for so long; tells whether it has."""
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.1)
    return happened()


@contextmanager
def started_airflow(
    root: Path, port: int, environment: Mapping[str, str] | None = None, seconds: float = START_SECONDS
) -> Iterator[RunningAirflow]:
    """Run Airflow over the DAGs of a checkout for the length of a block; nothing of it is left in the end.

    Args:
        root: the checkout, with its `dags/`.
        port: of the page, free.
        environment: all that the components get; none = this process's.
        seconds: so long it may take until all components answer.
    """
    with (root / "airflow.log").open("w") as log:
        process = psutil.Popen(
            [sys.executable, "-c", _RUN, str(root), str(port)],
            env=dict(environment or os.environ),
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    airflow = AirflowHome.of(Layout(root))
    try:
        said = root / "airflow.log"
        assert until(lambda: "all of them answer" in said.read_text() or process.poll() is not None, seconds)
        assert process.poll() is None, said.read_text()
        yield RunningAirflow(root, process, AirflowApi(f"http://127.0.0.1:{port}", airflow.login()))
    finally:
        descendants = process.children(recursive=True) if process.poll() is None else []
        with suppress(psutil.NoSuchProcess):
            process.terminate()
        process.wait(40)
        assert psutil.wait_procs(descendants, timeout=20)[1] == []
