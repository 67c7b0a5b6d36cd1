"""Forgets old runs of Airflow once a day, as long as `make up` runs: `python -m pipeline.services.housekeeping`.

What looks at the world each minute would fill a disk with its uneventful past.
"""

import logging
import os
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.core.errors import MachineError
from pipeline.services.airflow import AirflowHome, ask_airflow

KEPT_DAYS = {"reconcile": 3}
"""Days for which the runs of a DAG, and what its tasks wrote, are kept; those of others are kept for ever."""

_TABLES = "dag_run,job,log"
"""With what belongs to their rows; the others do not know of DAGs, so old rows of all would go: the inbox's watcher."""
_FIRST_SECONDS = 900.0
"""From the start, when other things matter more."""
_DAY_SECONDS = 86_400.0


def tidy(airflow: AirflowHome, now: datetime, kept_days: Mapping[str, int]) -> None:
    """Remove runs and logs of DAGs that are older than their time.

    Args:
        airflow: whose runs.
        now: with time zone.
        kept_days: days by DAG, at least 1.

    Raises:
        MachineError: Airflow refuses.
    """
    for dag, days in kept_days.items():
        oldest = now - timedelta(days=days)
        chosen = ("--tables", _TABLES, "--dag-ids", dag, "--clean-before-timestamp", oldest.isoformat())
        ask_airflow(airflow, "db", "clean", *chosen, "--skip-archive", "--yes")
        for run in (airflow.logs / f"dag_id={dag}").glob("run_id=*"):
            if run.stat().st_mtime < oldest.timestamp():
                shutil.rmtree(run)


def main() -> None:
    """Tidy day after day."""
    airflow = AirflowHome(Path(os.environ["HERITAGE_CHECKOUT"]))
    time.sleep(_FIRST_SECONDS)
    while True:
        try:
            tidy(airflow, datetime.now(UTC), KEPT_DAYS)
        except MachineError as error:
            logging.error("%s", error)
        time.sleep(_DAY_SECONDS)


if __name__ == "__main__":
    main()
