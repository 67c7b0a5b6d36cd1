"""Compare the photos that people ask about with those that the serving model was trained on.

**Starts** every day at half past five (UTC).

**Ends** with `retrain` where photos or probabilities have drifted past the limits of `watch` in the parameters, and
labelled photos have come since the version that serves; the drift itself is an alert, and a page says which photos are
most worth labelling.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import CronTriggerTimetable, chain, dag, task

from heritage.commands import answer_of
from heritage.defaults import RUNS

DAILY_AT_HALF_PAST_FIVE = "30 5 * * *"


@dag(schedule=CronTriggerTimetable(DAILY_AT_HALF_PAST_FIVE, timezone="UTC"), doc_md=__doc__, **RUNS)
def watch() -> None:
    """Look, and retrain where it would help."""
    retrain = TriggerDagRunOperator(
        task_id="retrain",
        trigger_dag_id="retrain",
        execution_timeout=timedelta(minutes=5),
        doc_md="Starts `retrain`, and does not wait for it.",
    )
    chain(look(), retrain)


@task.short_circuit(execution_timeout=timedelta(hours=2))
def look() -> dict[str, Any] | None:
    """`pipeline watch`: drift, calibration, and what to label next."""
    seen: dict[str, Any] = answer_of("watch")
    return seen if seen["retrain"] else None


watch()
