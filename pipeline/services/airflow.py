"""Airflow of this checkout: its configuration, secrets and login, and the database it starts from.

All of it lies in `.heritage/airflow/`, which no other user may read. The configuration is a file of Airflow's own kind,
so that `airflow` itself, started by hand with AIRFLOW_HOME set to that folder, finds the same database and pages.
"""

import configparser
import json
import os
import secrets
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile

from pipeline.core.errors import MachineError
from pipeline.core.paths import Layout
from pipeline.core.progress import spinner
from pipeline.services.ports import HOST

USER = "heritage"
"""The one login of Airflow's page."""
POOLS = {"training": "one training at a time", "releases": "one change at a time of what serves"}
"""Airflow's pools, of one slot each when they are made; later their slots are the operator's to change."""

_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_LEAST_TASKS, _MOST_TASKS = 4, 8
_LAST_LINES = 15


@dataclass(frozen=True)
class Login:
    """What a person types on Airflow's page."""

    user: str
    password: str


@dataclass(frozen=True)
class AirflowHome:
    """Airflow's folder in a checkout, as absolute paths."""

    checkout: Path

    @classmethod
    def of(cls, layout: Layout) -> "AirflowHome":
        """The Airflow that works for a checkout."""
        return cls(layout.home.resolve())

    @property
    def folder(self) -> Path:
        """AIRFLOW_HOME."""
        return Layout(self.checkout).state / "airflow"

    @property
    def configuration(self) -> Path:
        """Airflow's own settings, written anew at each start."""
        return self.folder / "airflow.cfg"

    @property
    def passwords(self) -> Path:
        """Passwords of Airflow's page by user, in JSON."""
        return self.folder / "passwords.json"

    @property
    def secrets(self) -> Path:
        """Keys that Airflow signs and encrypts with, in JSON."""
        return self.folder / "secrets.json"

    @property
    def logs(self) -> Path:
        """What tasks wrote, by DAG, run, task and try."""
        return self.folder / "logs"

    @property
    def schema_note(self) -> Path:
        """Names the version of Airflow whose tables the database holds, and the pools that were made in it."""
        return self.folder / "schema"

    def environment(self, tracking_uri: str | None = None) -> dict[str, str]:
        """What Airflow's processes, and so the commands that they start, get beside this process's own environment.

        Args:
            tracking_uri: MLflow server that all tasks are to use; none = as the parameters say.
        """
        # Triggers run outside of the tasks, where Airflow does not put the DAGs' folder on the path.
        path = [str(self.checkout / "dags"), *filter(None, [os.environ.get("PYTHONPATH")])]
        settings = {
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW_CONFIG": str(self.configuration),
            "HERITAGE_CHECKOUT": str(self.checkout),
            "PYTHONPATH": os.pathsep.join(path),
        }
        return settings | ({"MLFLOW_TRACKING_URI": tracking_uri} if tracking_uri else {})

    def login(self) -> Login:
        """The login of Airflow's page, made with the folder."""
        return Login(USER, str(json.loads(self.passwords.read_text(encoding="utf-8"))[USER]))

    def has_tables(self) -> bool:
        """Whether the database holds the tables of the installed version, and the pools."""
        return self.noted() == [_installed(), *POOLS]

    def noted(self) -> list[str]:
        """Lines of the schema note; none where there is no database yet."""
        return self.schema_note.read_text(encoding="utf-8").splitlines() if self.schema_note.exists() else []

    def address(self) -> str | None:
        """Where the page is, or was when it last ran; None where Airflow never ran in this checkout."""
        settings = configparser.RawConfigParser()
        settings.read(self.configuration, encoding="utf-8")
        return settings.get("api", "base_url", fallback=None)


def configure(airflow: AirflowHome, port: int) -> None:
    """Write Airflow's configuration, and where they are missing its secrets and its login, for their owner's eyes only.

    Args:
        airflow: where it works.
        port: loopback port of its page, 1 to 65535.
    """
    airflow.folder.mkdir(parents=True, exist_ok=True)
    airflow.folder.chmod(_PRIVATE_FOLDER)
    if not airflow.passwords.exists():
        _write_private(airflow.passwords, json.dumps({USER: secrets.token_urlsafe(12)}))
    if not airflow.secrets.exists():
        keys = {
            "jwt_secret": secrets.token_urlsafe(64),
            "secret_key": secrets.token_urlsafe(32),
            "fernet_key": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        _write_private(airflow.secrets, json.dumps(keys))
    keys = json.loads(airflow.secrets.read_text(encoding="utf-8"))
    _write_private(airflow.configuration, _as_text(_settings(airflow, port, keys)))


def prepare_database(airflow: AirflowHome) -> None:
    """Bring Airflow's database to the schema of the installed version; nothing to do where it is.

    Raises:
        MachineError: Airflow refused; its last lines are told.
    """
    if airflow.has_tables():
        return
    with spinner("making Airflow's tables"):
        ask_airflow(airflow, "db", "migrate")
        if missing := POOLS.keys() - airflow.noted():
            _make_pools(airflow, sorted(missing))
    _write_private(airflow.schema_note, "\n".join([_installed(), *POOLS]))


def tasks_at_a_time() -> int:
    """Tasks that Airflow runs at the same time: one for each core, but never so few that a training, two batches
    that come in and the model line's own tasks wait for one another."""
    return min(max(len(os.sched_getaffinity(0)), _LEAST_TASKS), _MOST_TASKS)


def _make_pools(airflow: AirflowHome, names: Sequence[str]) -> None:
    pools = {name: {"slots": 1, "description": POOLS[name], "include_deferred": False} for name in names}
    with NamedTemporaryFile("w", dir=airflow.folder, suffix=".json", encoding="utf-8") as file:
        file.write(json.dumps(pools))
        file.flush()
        ask_airflow(airflow, "pools", "import", file.name)


def _installed() -> str:
    return version("apache-airflow-core")


def _settings(airflow: AirflowHome, port: int, keys: Mapping[str, str]) -> dict[str, dict[str, str]]:
    address = f"http://{HOST}:{port}"
    return {
        "core": {
            "dags_folder": str(airflow.checkout / "dags"),
            "load_examples": "False",
            "dags_are_paused_at_creation": "False",
            "executor": "LocalExecutor",
            "parallelism": str(tasks_at_a_time()),
            "execution_api_server_url": f"{address}/execution/",
            "fernet_key": keys["fernet_key"],
            # The full name asks the network, which may be slow, absent, or of another opinion tomorrow.
            "hostname_callable": "socket.gethostname",
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": str(airflow.passwords),
        },
        "database": {"sql_alchemy_conn": f"sqlite:///{airflow.folder / 'airflow.db'}"},
        "api": {
            "host": HOST,
            "port": str(port),
            "base_url": address,
            "workers": "1",
            "secret_key": keys["secret_key"],
            "instance_name": "Heritage photographs",
        },
        "api_auth": {"jwt_secret": keys["jwt_secret"]},
        "logging": {"base_log_folder": str(airflow.logs), "colored_console_log": "False"},
        "scheduler": {
            # Seconds. A task whose worker was killed, or whose scheduler was, is missed within two minutes.
            "task_instance_heartbeat_timeout": "120",
            "orphaned_tasks_check_interval": "30",
        },
        "dag_processor": {
            # A file that changed is read at once; the others need no reading every half minute.
            "min_file_process_interval": "600",
            "parsing_processes": "1",
            "refresh_interval": "60",
        },
    }


def _as_text(settings: Mapping[str, Mapping[str, str]]) -> str:
    sections = (
        "\n".join([f"[{section}]", *(f"{name} = {value.replace('%', '%%')}" for name, value in options.items())])
        for section, options in settings.items()
    )
    return "\n\n".join(
        ["# Written by `make up`; AIRFLOW__SECTION__NAME in the environment goes before it.", *sections, ""]
    )


def _write_private(path: Path, text: str) -> None:
    """Write a file that at no moment anybody else could read."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(_PRIVATE_FILE, exist_ok=False)
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def ask_airflow(airflow: AirflowHome, *arguments: str) -> None:
    """Run a command of Airflow's own to its end.

    Args:
        airflow: whose database it works on; configured.
        arguments: the command and its options.

    Raises:
        MachineError: Airflow refused; its last lines are told.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.services.child", "airflow", *arguments],
        env={**os.environ, **airflow.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        last = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-_LAST_LINES:])
        raise MachineError(
            f"`airflow {' '.join(arguments)}` ended with exit code {done.returncode}; its last lines:\n{last}",
            expected=f"a database that Airflow can use in {airflow.folder}",
            todo=f"mend what it names; with {airflow.folder / 'airflow.db'} and {airflow.schema_note} moved away, "
            "Airflow begins anew: its history of runs is lost, models and photos are not",
        )
