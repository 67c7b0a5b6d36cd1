"""MLflow's page, the model server, the explanation page and Airflow, together."""

import http.client
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit

from pipeline.alerts.reading import News
from pipeline.alerts.sending import chosen_target
from pipeline.console import say, warn
from pipeline.core.errors import ParameterError
from pipeline.core.locks import held_lock
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.release.lines import ModelLine, line_of
from pipeline.release.mlflow_client import artifact_root, tracking_uri, without_secrets
from pipeline.release.model_server import running_server
from pipeline.release.server_config import config_text, served_models
from pipeline.services.airflow import AirflowHome, configure, prepare_database
from pipeline.services.components import airflow_services
from pipeline.services.followed import notes_on_followed
from pipeline.services.ports import HOST, Port, check_ports
from pipeline.services.processes import ERRORS, Service, run_together
from serving.contract import STABLE_LABEL

_MLFLOW = "MLflow"
_PROBE_SECONDS = 1.0
_VERSIONS = re.compile(rf"{ERRORS.pattern}|Model \S+ version \d+: AVAILABLE")


@dataclass(frozen=True)
class Ports:
    """Loopback ports of the pages; the model server's gRPC port is that of `serving.grpc_address`."""

    mlflow: int = 5000
    rest: int = 8501
    explainer: int = 8502
    airflow: int = 8080


@dataclass(frozen=True)
class _Part:
    """A service and the ports that it listens on."""

    ports: Sequence[Port]
    service: Service


def run_up(layout: Layout, parameters: Parameters, ports: Ports) -> None:
    """Run everything that people look at until Ctrl-C; what the parameters place elsewhere is only named.

    Raises:
        ParameterError: alerts have no place to go, the model server's address has no port, or two services share one.
        MachineError: it runs already in this checkout, or ports are taken.
        ServingError: a service ended by itself, or did not answer in time.
        KeyboardInterrupt: stopped by Ctrl-C.
    """
    line, target = line_of(layout, parameters), chosen_target(parameters.notify.target, os.environ)
    with held_lock(layout.state / "up.lock", "`make up`, which runs already"):
        parts = [
            *_mlflow(layout, parameters, ports.mlflow),
            *_model_server(line, parameters, ports.rest, _kept_photos(layout, parameters)),
            _explainer(parameters, ports.explainer),
        ]
        airflow_port = Port(ports.airflow, "Airflow page", "--airflow-port")
        check_ports([*(port for part in parts for port in part.ports), airflow_port])
        _prepare_server_config(line)
        airflow = _prepare_airflow(layout, ports.airflow)
        services = [part.service for part in parts]
        mlflow = next((service.address for service in services if service.name == _MLFLOW), None)
        services += airflow_services(airflow, ports.airflow, mlflow)
        logs = layout.state / "logs"
        say(f"starting {', '.join(service.name for service in services)}")
        say(f"this takes up to a minute; their logs lie in {logs}")
        _say_what_comes(layout, parameters, line)
        say(f"alerts are printed here{f', and go to {target.shown}' if target else ''}")
        alerts = News(layout.state)
        run_together(services, logs, lambda: [f"alert | {line}" for line in alerts.lines()])


def _prepare_airflow(layout: Layout, port: int) -> AirflowHome:
    airflow = AirflowHome.of(layout)
    configure(airflow, port)
    if not airflow.has_tables():
        say("making Airflow's database, once; this takes some ten seconds ...")
    prepare_database(airflow)
    return airflow


def _say_what_comes(layout: Layout, parameters: Parameters, line: ModelLine) -> None:
    """Say what serves, where batches are dropped, and what retraining will not see."""
    if line.name not in served_models(line.served):
        say(f"no version of {line.name!r} serves yet; once one does, the running servers pick it up")
    inbox = layout.home.resolve() / parameters.intake.inbox
    inbox.mkdir(parents=True, exist_ok=True)
    also = f", or below {parameters.intake.s3_prefix}" if parameters.intake.s3_prefix else ""
    say(f"batches of photos are taken in and trained on from {inbox}{also}")
    warn(notes_on_followed(layout.home, parameters.automation.follow))


def _mlflow(layout: Layout, parameters: Parameters, number: int) -> list[_Part]:
    """MLflow's page over this checkout's store; none where MLflow is a server of its own."""
    uri = tracking_uri(layout, parameters)
    if uri.startswith(("http://", "https://")):
        say(f"MLflow runs elsewhere: {without_secrets(uri, uri)}")
        return []
    flags = (
        f"--default-artifact-root={artifact_root(layout)}",
        "--no-serve-artifacts",
        f"--host={HOST}",
        f"--port={number}",
        "--workers=1",
        # MLflow's own list holds patterns such as 10.*, which names of foreign sites match too.
        f"--allowed-hosts={HOST}:{number},localhost:{number}",
    )
    service = Service(
        _MLFLOW,
        "mlflow",
        ("server", *flags),
        f"http://{HOST}:{number}",
        partial(_page_answers, number, "/health"),
        environment={
            "MLFLOW_BACKEND_STORE_URI": uri,  # no flag: it may hold a password, and everybody sees the flags
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # processes that judge language models
        },
    )
    return [_Part([Port(number, "MLflow page", "--mlflow-port")], service)]


def _model_server(line: ModelLine, parameters: Parameters, rest: int, more: Sequence[str]) -> list[_Part]:
    """The model server over the served folder; none where the parameters name one of another machine."""
    port = _local_port(parameters.serving.grpc_address)
    if port is None:
        say(f"the model server runs elsewhere: {parameters.serving.grpc_address}")
        return []
    flags = (
        f"--port={port}",
        f"--rest_api_port={rest}",
        f"--model_config_file={line.server_config}",
        "--model_config_file_poll_wait_seconds=1",
        *more,
    )
    service = Service(
        "model server",
        "serving.server",
        flags,
        f"gRPC {HOST}:{port}, REST http://{HOST}:{rest}",
        partial(_model_server_answers, port, rest),
        _VERSIONS,
    )
    grpc_port = Port(port, "model server (gRPC)", "serving.grpc_address")
    return [_Part([grpc_port, Port(rest, "model server (REST)", "--rest-port")], service)]


def _kept_photos(layout: Layout, parameters: Parameters) -> tuple[str, ...]:
    """Flags by which the model server keeps photos that it is asked about; none where the parameters keep none."""
    limit = parameters.watch.keep_photos
    if not limit:
        return ()
    say(f"of each model, up to {limit} photos that it is asked about are kept in {layout.asked} (watch.keep_photos)")
    return (f"--kept_photos_folder={layout.asked.resolve()}", f"--kept_photos={limit}")


def _local_port(address: str) -> int | None:
    """Port of a gRPC address on this machine; None for an address of another."""
    place = urlsplit(f"//{address}")
    if place.hostname not in (HOST, "localhost"):
        return None
    try:
        port = place.port
    except ValueError:  # no number, or too large
        port = None
    if not port:
        raise ParameterError(
            f"serving.grpc_address is {address}",
            expected=f"{HOST}:<port> with a port from 1 to 65535",
            todo="mend it in params.yaml",
        )
    return port


def _explainer(parameters: Parameters, number: int) -> _Part:
    flags = (
        f"--model={parameters.model.name}",
        f"--label={STABLE_LABEL}",
        f"--server={parameters.serving.grpc_address}",
        f"--port={number}",
    )
    answers = partial(_page_answers, number, "/healthz")
    service = Service("explanation page", "serving.explainer", flags, f"http://{HOST}:{number}", answers)
    return _Part([Port(number, "explanation page", "--explainer-port")], service)


def _prepare_server_config(line: ModelLine) -> None:
    """Write the model server's configuration where no promotion has done so yet; a later one replaces it."""
    line.served.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), line.server_config.open("x", encoding="utf-8") as stream:
        stream.write(config_text(served_models(line.served)))


def _model_server_answers(grpc_port: int, rest_port: int) -> bool:
    with running_server(f"{HOST}:{grpc_port}") as server:
        # REST has no page of its own: any answer, a refusal too, shows that it listens.
        return server is not None and _status(rest_port, "/v1/models/-") is not None


def _page_answers(port: int, path: str) -> bool:
    return _status(port, path) == HTTPStatus.OK


def _status(port: int, path: str) -> int | None:
    """HTTP status of a page on loopback; None where nothing answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
