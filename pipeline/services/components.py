"""Airflow's components as services: its page, scheduler, DAG processor and triggerer, each a process of its own.

`airflow standalone` would start them too, but leaves them behind when it is stopped.
"""

import http.client
import json
import re
from functools import partial

from pipeline.services.airflow import AirflowHome
from pipeline.services.ports import HOST
from pipeline.services.processes import Service

_MODULE = "pipeline.services.component"
_RESTARTS = 3
_PROBE_SECONDS = 1.0
_CRITICAL = re.compile(r"\[critical\b")
"""Errors of runs and of DAG files stand on Airflow's page; what ends a component is told when it ends."""


def airflow_services(airflow: AirflowHome, port: int, tracking_uri: str | None) -> list[Service]:
    """The components, the page last; each is started again when it ends by itself.

    Args:
        airflow: configured for the same port, its database prepared.
        port: loopback port of the page, 1 to 65535.
        tracking_uri: MLflow server that tasks are to use; none = as the parameters say.
    """
    login = airflow.login()
    page = f"http://{HOST}:{port}  (user {login.user}, password {login.password})"
    components = (
        # The servers of logs would listen on every network; the page reads the files itself.
        ("Airflow scheduler", ("scheduler", "--skip-serve-logs"), "scheduler", ""),
        ("Airflow DAG processor", ("dag-processor",), "dag_processor", ""),
        ("Airflow triggerer", ("triggerer", "--skip-serve-logs"), "triggerer", ""),
        ("Airflow", ("api-server",), "metadatabase", page),
    )
    environment = airflow.environment(tracking_uri)
    housekeeping = Service(
        name="Airflow housekeeping",
        module="pipeline.services.housekeeping",
        flags=(),
        address="",
        answers=lambda: True,
        environment=environment,
        restarts=_RESTARTS,
    )
    return [
        housekeeping,
        *(
            Service(name, _MODULE, flags, address, partial(_is_healthy, port, part), _CRITICAL, environment, _RESTARTS)
            for name, flags, part, address in components
        ),
    ]


def _is_healthy(port: int, part: str) -> bool:
    """Whether Airflow's page answers and calls one of its parts healthy."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", "/api/v2/monitor/health")
        return bool(json.loads(connection.getresponse().read())[part]["status"] == "healthy")
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return False
    finally:
        connection.close()
