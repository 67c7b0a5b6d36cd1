"""Alerts of tasks and runs; sending them delays nothing."""

import logging
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from heritage.places import HOME

FAILURE, REFUSAL, APPROVAL = "failure", "refusal", "approval"

_MAX_LENGTH = 10_000
"""Letters of each part of an alert, which `pipeline notify` cuts further."""

_TELL_THEMSELVES = ("refused", "take")

log = logging.getLogger(__name__)


class AlreadyTold(AirflowFailException):
    """A failure that another try would repeat, and of which an alert went out when it was found."""


def notify(kind: str, subject: str, text: str = "", link: str = "") -> None:
    """Hand an alert to `pipeline notify`, without waiting for it.

    Args:
        kind: as `pipeline/alerts/alert.py` names it.
        subject: one line; the same one again within an hour is counted, not sent.
        text: grounds, and what to do.
        link: where to look.
    """
    words = [kind, subject, f"--text={text}", f"--link={link}"]
    # What a system passes on as one argument holds no NUL and is at most 128 kB long.
    safe = [word[:_MAX_LENGTH].replace("\0", " ") for word in words]
    command = [sys.executable, "-m", "pipeline", "notify", *safe]
    log.warning("alert: %s: %s", kind, subject)
    try:
        subprocess.Popen(
            command,
            cwd=HOME,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # goes on when the task ends, or is ended
        )
    except OSError:
        log.exception("the alert was not sent")


def alert_of_task(context: Mapping[str, Any]) -> None:
    """Tell of a task that failed for good; a callback of Airflow, in the task's own process."""
    error = context.get("exception")
    if not isinstance(error, AlreadyTold):
        task = context["ti"]
        grounds = str(error or "it was killed")
        notify(FAILURE, _subject(task), f"{grounds}\n\nrun {task.run_id}", getattr(task, "log_url", ""))


def alert_of_run(context: Mapping[str, Any]) -> None:
    """Tell of a run that failed without a task having told of it, as a killed one cannot; a callback of Airflow.

    It follows the alert of the task, whose subject it repeats, so that only the first of both is sent.
    """
    task = context.get("ti")
    if task is None:
        dag = context["dag"].dag_id
        notify(FAILURE, f"{dag} failed", f"{context.get('reason', '')}\n\nrun {context['run_id']}")
    elif task.task_id.rsplit(".", 1)[-1] not in _TELL_THEMSELVES:
        notify(FAILURE, _subject(task), f"run {task.run_id}", getattr(task, "log_url", ""))


def _subject(task: Any) -> str:
    return f"{task.dag_id} failed at {task.task_id}"
