"""How tasks and runs behave unless they say otherwise."""

from datetime import timedelta
from typing import Any

from heritage.alerts import alert_of_run, alert_of_task

# What can pass (a far service, a full disk, a killed worker) is tried twice more, after 1 to 2 and 3 to 6 minutes;
# what cannot ends at once, see `heritage.commands`.
TASKS: dict[str, Any] = {
    "owner": "heritage",
    "retries": 2,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 3.0,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(minutes=30),
    "on_failure_callback": alert_of_task,
}

TRAINING, RELEASES = "training", "releases"
"""Pools of one slot, which `make up` makes: one training holds a GPU, one change at a time what serves."""

OPTIONAL_NAME = r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$"
"""Pattern of a parameter that names a batch or a model, or nothing."""

# No start date: with one in the past, a DAG that is new would at once run for the last time that it missed.
RUNS: dict[str, Any] = {
    "catchup": False,
    "max_active_runs": 1,
    "default_args": TASKS,
    "on_failure_callback": alert_of_run,
    "tags": ["heritage"],
}
