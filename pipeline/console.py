"""What surrounds a command: how it speaks, how it ends, and what it holds while it runs."""

import errno
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer

from pipeline.core.errors import MachineError, PipelineError
from pipeline.core.locks import die_with_parent, held_lock
from pipeline.core.parameters import Parameters, load_parameters
from pipeline.core.paths import Layout

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def say(text: str) -> None:
    """Print a line of progress."""
    typer.echo(text, err=True)


def warn(warnings: Iterable[str]) -> None:
    """Print warnings, each a line."""
    for warning in warnings:
        say(f"warning: {warning}")


def answer(value: object) -> None:
    """Print what another program reads, as one line of JSON on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False))


@contextmanager
def problems_for_people(debug: bool) -> Iterator[None]:
    """End the process with the design's exit code on a problem that a person can mend, without a traceback.

    Args:
        debug: let the traceback through.
    """
    try:
        yield
    except PipelineError as error:
        if debug:
            raise
        say(f"error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)
    except OSError as error:
        if debug or error.errno not in (*_DISK_FULL, errno.EACCES, errno.EROFS):
            raise
        problem = _of_machine(error)
        say(f"error: {problem}")
        sys.exit(problem.exit_code)


def quiet_libraries() -> None:
    """Switch off the libraries' chatter and telemetry, unless the environment says otherwise."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")


def load_tensorflow() -> None:
    """Import TensorFlow with its start-up lines hidden, which no setting of its own switches off."""
    stream, hidden = sys.stderr.fileno(), os.open(os.devnull, os.O_WRONLY)
    kept = os.dup(stream)
    os.dup2(hidden, stream)
    try:
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, stream)
        os.close(kept)
        os.close(hidden)


@contextmanager
def stage(name: str) -> Iterator[tuple[Layout, Parameters]]:
    """A stage's surroundings: parameters read, the run lock held, an end with the parent, and the time it took."""
    die_with_parent()
    started = time.monotonic()
    say(f"{name} ...")
    layout = Layout.of()
    parameters = load_parameters(layout.parameters)
    with held_lock(layout.run_lock, f"stage {name}"):
        yield layout, parameters
    say(f"{name} took {time.monotonic() - started:.1f} s")


@contextmanager
def learning_stage(name: str) -> Iterator[tuple[Layout, Parameters]]:
    """The surroundings of a stage that needs TensorFlow."""
    with stage(name) as given:
        load_tensorflow()
        yield given


def opened() -> tuple[Layout, Parameters]:
    """The checkout in the current folder and its parameters."""
    layout = Layout.of()
    return layout, load_parameters(layout.parameters)


def _of_machine(error: OSError) -> MachineError:
    if error.errno in _DISK_FULL:
        return MachineError(
            f"the disk is full: {error.filename or error}",
            expected="room for what the command writes",
            todo="free some space, then run the command again; what was finished is kept",
        )
    return MachineError(
        f"{error.filename} cannot be written or read: {error.strerror}",
        expected="the right to do so",
        todo="mend the rights of that path, then run the command again",
    )
