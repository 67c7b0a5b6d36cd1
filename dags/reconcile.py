"""Follow what a person did in MLflow: an alias that was moved there is checked, then served, or put back.

**Starts** every minute; a run that takes longer holds up the next, and those missed are left out. It waits for
promotions and rollbacks, and is skipped while somebody releases by hand.

**Red** means that MLflow was away for three tries; the same trouble is told once in an hour.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from heritage.commands import CommandFailed, run
from heritage.defaults import RELEASES, RUNS

EVERY_MINUTE = "* * * * *"
BUSY = "is held by a release command"
"""In what `pipeline reconcile` says while another command changes what serves."""


@dag(
    schedule=CronTriggerTimetable(EVERY_MINUTE, timezone="UTC"),
    dagrun_timeout=timedelta(minutes=15),
    doc_md=__doc__,
    **RUNS,
)
def reconcile() -> None:
    """Compare aliases with what serves."""
    follow_aliases()


@task(
    pool=RELEASES,
    execution_timeout=timedelta(minutes=5),
    retry_delay=timedelta(seconds=20),
    retry_exponential_backoff=0,
)
def follow_aliases() -> None:
    """`pipeline reconcile`: every model that has a history."""
    try:
        run("reconcile")
    except CommandFailed as failure:
        if BUSY in str(failure):
            raise AirflowSkipException("somebody releases by hand; the next minute looks again") from failure
        raise


reconcile()
