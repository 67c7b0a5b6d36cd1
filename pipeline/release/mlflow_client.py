"""A connection to MLflow that fails quickly and says in words what is wrong.

MLflow is imported inside the functions: commands that do not need it start without it.
"""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.core.errors import ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.progress import progress_bar
from pipeline.release.disk import disk_errors

_SQLITE = "sqlite:///"
_MLFLOW_MODULES = r"(mlflow|sqlalchemy|alembic)\b"
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",  # seconds
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Settings of MLflow's own, for what a person has not set: its defaults wait four minutes for a server that is away."""


def tracking_uri(layout: Layout, parameters: Parameters) -> str:
    """Where MLflow is: `MLFLOW_TRACKING_URI` of the environment, else the parameters, relative to the checkout."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or parameters.tracking.uri
    path = uri.removeprefix(_SQLITE)
    if path != uri and not path.startswith("/"):
        return f"{_SQLITE}{(layout.home / path).resolve()}"
    return uri


def artifact_root(layout: Layout) -> str:
    """Where the files of a checkout's own MLflow lie, as a URI."""
    return (layout.home / "mlartifacts").resolve().as_uri()


@contextmanager
def connected(layout: Layout, parameters: Parameters) -> Iterator[Any]:
    """Give an `MlflowClient`, and turn what goes wrong with it into words.

    Raises:
        ServingError: MLflow does not answer, or refuses a request.
        MachineError: the disk is full.
    """
    uri = tracking_uri(layout, parameters)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with mlflow_errors(uri), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=_MLFLOW_MODULES)
        yield _client(uri)


@contextmanager
def mlflow_errors(uri: str) -> Iterator[None]:
    """Turn MLflow's errors, and those of what lies below it, into one error for people."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    with disk_errors(uri):
        try:
            yield
        except (MlflowException, RequestException, SQLAlchemyError) as error:
            first_line = without_secrets(str(error).strip().splitlines()[0], uri)[:300]
            raise ServingError(
                f"MLflow at {without_secrets(uri, uri)} does not do what it is asked: {first_line}",
                expected="an MLflow tracking server with a model registry, version 3.17 or later, or a SQLite file",
                todo="start it, or name another in MLFLOW_TRACKING_URI or tracking.uri; nothing is trained again",
            ) from error


def experiment_id(client: Any, layout: Layout, parameters: Parameters) -> str:
    """The experiment's id; a new one on a SQLite file keeps its artifacts beside it under `mlartifacts/`."""
    name = parameters.tracking.experiment
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    local = tracking_uri(layout, parameters).startswith(_SQLITE)
    location = artifact_root(layout) if local else None
    return str(client.create_experiment(name, artifact_location=location))


def run_page(layout: Layout, parameters: Parameters, experiment: str, run_id: str) -> str:
    """Address of a run's page, without the user and password of MLflow's own; empty where no server shows it."""
    uri = tracking_uri(layout, parameters)
    if not uri.startswith(("http://", "https://")):
        return ""
    return f"{without_secrets(uri, uri).rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"


def _client(uri: str) -> Any:
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if not uri.startswith(_SQLITE) or Path(uri.removeprefix(_SQLITE)).exists():
        return MlflowClient(tracking_uri=uri, registry_uri=uri)
    with progress_bar() as progress:
        progress.add_task("Making MLflow's database, once (about 10 s)", total=None)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
    return client


def without_secrets(text: str, uri: str) -> str:
    """Text in which a URI may stand, without that URI's user and password."""
    user, at, _ = urlsplit(uri).netloc.rpartition("@")
    return text.replace(user + at, "") if at else text
