"""Commands of the pipeline as tasks run them: lines into the log, answers to the next task, ends as Airflow's."""

import json
import logging
import os
import re
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from heritage import processes
from heritage.places import CLONE, HOME

PARAMETERS, REFUSED, DATA = 2, 3, 4
"""Exit codes of what another try would find unchanged."""

# Ends with the task even when that is killed.
_MODULE = (sys.executable, "-m", "pipeline.services.child")
_STAGE_EXIT = re.compile(r"failed to run: .*, exited with (-?\d+)$")

log = logging.getLogger(__name__)


class CommandFailed(AirflowException):
    """A command failed in a way that may pass: a far service, the machine, a signal, or a fault nobody foresaw."""


class CommandRefused(AirflowFailException):
    """A command refused what it was given; another try would be refused again."""

    def __init__(self, said: str, exit_code: int) -> None:
        super().__init__(said)
        self.exit_code = exit_code


def run(*arguments: str, folder: Path = HOME) -> list[str]:
    """Run `pipeline <arguments>` for the current task.

    Args:
        arguments: command and options.
        folder: the checkout in which it runs.

    Returns:
        The lines of its standard output.

    Raises:
        CommandRefused: exit code 2, 3 or 4: Airflow does not try again.
        CommandFailed: any other failure: Airflow tries again, as far as the task allows.
    """
    code, output, said = _run(["pipeline", *arguments], folder)
    _raise_for(f"pipeline {arguments[0]}", code, said)
    return output


def answer_of(*arguments: str, folder: Path = HOME) -> Any:
    """Run `pipeline <arguments>` and read its answer, the JSON in its last line; raises as `run` does."""
    output = run(*arguments, folder=folder)
    try:
        return json.loads(output[-1])
    except (IndexError, ValueError):
        raise CommandFailed(f"pipeline {arguments[0]} gave no answer in its last line: {output[-1:]}") from None


def run_stage(name: str) -> None:
    """Let DVC run a stage of the retraining clone, or find that nothing it reads has changed; raises as `run` does."""
    code, _, said = _run(["dvc", "repro", "--single-item", name], CLONE)
    stage_exits = [int(found[1]) for line in said if (found := _STAGE_EXIT.search(line))]
    # DVC has one exit code for all failures, and names the stage's own in words.
    _raise_for(f"stage {name}", stage_exits[-1] if code and stage_exits else code, said)


def _run(module_and_arguments: Sequence[str], folder: Path) -> tuple[int, list[str], list[str]]:
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        log.log(_level(line), "%s", line)

    log.info("%s $ %s", folder, " ".join(module_and_arguments))
    code, output = processes.run([*_MODULE, *module_and_arguments], folder, _environment(), hear)
    return code, output, said


def _raise_for(what: str, code: int, said: Sequence[str]) -> None:
    if not code:
        return
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    message = f"{what} {how}\n{_problem(said)}".rstrip()
    if code in (PARAMETERS, REFUSED, DATA):
        raise CommandRefused(message, code)
    raise CommandFailed(message)


def _problem(said: Sequence[str]) -> str:
    """What a command said from its first line of error, or its last lines where none is marked."""
    first = next((number for number, line in enumerate(said) if _level(line) == logging.ERROR), len(said) - 10)
    return "\n".join(said[max(first, 0) :][:40])


def _level(line: str) -> int:
    start = line.lower()
    if start.startswith("error"):
        return logging.ERROR
    return logging.WARNING if start.startswith("warning") else logging.INFO


def _environment() -> dict[str, str]:
    """This process's own, with the time limit of the task, who asks, and the programs of this installation first."""
    context = get_current_context()
    run = context["dag_run"]
    who = f"Airflow, {run.dag_id}" + (f" for {run.triggering_user_name}" if run.triggering_user_name else "")
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        "PIPELINE_STARTED_BY": str(os.getpid()),
        "PIPELINE_TIME_LIMIT_SECONDS": f"{_inner_limit(context['task'].execution_timeout):g}",
        "PIPELINE_WHO": who,
    }


def _inner_limit(outer: timedelta) -> float:
    """Seconds after which a command ends itself, so that its own words come before Airflow's end."""
    seconds = outer.total_seconds()
    return seconds - min(60.0, seconds / 10)
