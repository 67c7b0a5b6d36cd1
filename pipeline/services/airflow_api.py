"""Airflow's REST API, as far as a run is started and followed through it."""

import json
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pipeline.core.errors import ParameterError, ServingError
from pipeline.services.airflow import Login

_REQUEST_SECONDS = 15.0
_PAUSES = (1.0, 3.0, 5.0)
"""Seconds before another try."""
_REFUSED_CONTENT = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)


class _RunExists(ServingError):
    """A run of that id is there already."""


@dataclass(frozen=True)
class TaskState:
    """How a task of a run stands."""

    task: str
    try_number: int
    """0 before its first try."""
    state: str | None
    """One of Airflow's; None before it is looked at."""
    seconds: float | None
    """How long the try took, or has taken so far."""


class AirflowApi:
    """A connection to Airflow's page on this machine.

    Args:
        address: such as `http://127.0.0.1:8080`.
        login: of that page.
    """

    def __init__(self, address: str, login: Login) -> None:
        self.address = address
        self._login = login
        self._token: str | None = None

    def start(self, dag: str, conf: dict[str, Any]) -> str:
        """Start a run; gives its id.

        Raises:
            ParameterError: Airflow refuses the values; its reason is told.
            ServingError: Airflow does not answer, or does not know the DAG.
        """
        run = f"manual__{datetime.now(UTC).isoformat()}"
        with suppress(_RunExists):  # an earlier try was heard after all
            self._ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"dag_run_id": run, "logical_date": None, "conf": conf})
        return run

    def state(self, dag: str, run: str) -> str:
        """State of a run: `queued`, `running`, `success` or `failed`."""
        return str(self._ask("GET", _run_path(dag, run))["state"])

    def tasks(self, dag: str, run: str) -> list[TaskState]:
        """The tasks of a run, the first that started first."""
        answer = self._ask("GET", f"{_run_path(dag, run)}/taskInstances?limit=100&order_by=start_date")
        return [
            TaskState(task["task_id"], task["try_number"], task["state"], task["duration"])
            for task in answer["task_instances"]
        ]

    def reason(self, dag: str, run: str, task: TaskState) -> list[str]:
        """Why a task failed, in the words of its last try, line for line; empty where it was not heard to say so."""
        path = f"{_run_path(dag, run)}/taskInstances/{task.task}/logs/{task.try_number}"
        events = self._ask("GET", path)["content"]
        errors = [error for event in events if isinstance(event, dict) for error in event.get("error_detail") or ()]
        return str(errors[-1]["exc_value"]).splitlines() if errors else []

    def page_of(self, dag: str, run: str) -> str:
        """Where a person sees a run."""
        return f"{self.address}/dags/{dag}/runs/{quote(run)}"

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            return self._asked_in_peace(method, path, body)
        except urllib.error.HTTPError as error:
            raise _refused(error, f"{self.address}{path}") from None
        except (OSError, ValueError) as error:
            raise ServingError(
                f"Airflow does not answer at {self.address}: {error}",
                expected="Airflow, which `make up` runs in this checkout",
                todo="start it with `make up`, in a terminal of its own",
            ) from None

    def _asked_in_peace(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        """Ask, and ask again where the database is busy: runs that are started at once stand in each other's way."""
        for pause in _PAUSES:
            try:
                return self._asked_as_user(method, path, body)
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
            time.sleep(pause)
        return self._asked_as_user(method, path, body)

    def _asked_as_user(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        """Ask with a token, and with a new one where the old one's day is over."""
        if self._token is not None:
            try:
                return self._asked(method, path, body)
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.UNAUTHORIZED:
                    raise
        self._token = None
        login = {"username": self._login.user, "password": self._login.password}
        self._token = self._asked("POST", "/auth/token", login)["access_token"]
        return self._asked(method, path, body)

    def _asked(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", content, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=_REQUEST_SECONDS) as response:  # noqa: S310
            return json.load(response)


def _run_path(dag: str, run: str) -> str:
    return f"/api/v2/dags/{dag}/dagRuns/{quote(run, safe='')}"


def _refused(error: urllib.error.HTTPError, address: str) -> ParameterError | ServingError:
    try:
        reason = json.load(error)["detail"]
    except (ValueError, KeyError, TypeError):
        reason = error.reason
    if error.code in _REFUSED_CONTENT:
        return ParameterError(
            f"Airflow refuses the run: {reason}", expected="values that the DAG takes", todo="mend them, then try again"
        )
    kind = _RunExists if error.code == HTTPStatus.CONFLICT else ServingError
    return kind(
        f"Airflow answers {error.code} at {address}: {reason}",
        expected="the login and the DAGs of this checkout's own Airflow",
        todo="wait until `make up` says that all answer; errors in dags/ stand on Airflow's page",
    )
