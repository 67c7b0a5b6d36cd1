"""Promotion: a registered version becomes the one that serves, after a model server has answered for it."""

from dataclasses import dataclass

from pipeline.core.errors import ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.release.aliases import champion_moved, repair_champion
from pipeline.release.journal import Action, Entry, State, current, read_journal
from pipeline.release.lines import line_of
from pipeline.release.mlflow_client import connected
from pipeline.release.model_server import OUTSIDE, Outside
from pipeline.release.publishing import publish
from pipeline.release.registry import CHALLENGER, Registry
from pipeline.release.serving_change import Workbench, change_served_version, opened, repaired


@dataclass(frozen=True)
class ServedResult:
    """What a release command came to."""

    name: str
    version: int
    """The version that serves now."""
    before: int | None
    """The version that served before the command."""
    changed: bool
    """False where the version served already."""
    private_server: bool = False
    """True where no server of this folder is running, and one was started for the check alone."""
    notes: tuple[str, ...] = ()
    """What was repaired, and what still has to be; a sentence each."""


@dataclass(frozen=True)
class Request:
    """Who wants what, for the history."""

    action: Action
    version: int
    who: str
    reason: str = ""


def promote(
    layout: Layout,
    parameters: Parameters,
    version: int | None = None,
    who: str = "",
    outside: Outside = OUTSIDE,
    *,
    if_newer: bool = False,
) -> ServedResult:
    """Let a registered version serve; nothing happens where it serves already.

    Args:
        layout: the checkout.
        parameters: name the line of models, the server and MLflow.
        version: the version; none = the one under the alias `challenger`.
        who: who asks, for the history.
        outside: model servers and the clock.
        if_newer: nothing happens either where a version with a higher number serves, as after a long wait.

    Raises:
        ServingError: there is no such version, or it does not load or answer as evaluation did; what served, serves.
        MachineError: the disk is full, or another release command works on this line.
    """
    line = line_of(layout, parameters)
    with opened(line, parameters.serving.grpc_address, outside) as bench, connected(layout, parameters) as client:
        notes = repaired(bench)
        registry = Registry(client, line.name)
        serving = current(read_journal(line.journal))
        if serving is not None:
            notes += repair_champion(registry, serving.version)
        number = version if version is not None else registry.alias(CHALLENGER)
        if number is None:
            return _nothing_to_promote(line.name, serving, notes)
        if if_newer and serving is not None and serving.version > number:
            notes.append(f"version {number} was overtaken: version {serving.version}, which is newer, serves on")
            return _unchanged(line.name, serving, notes)
        return serve_registered(bench, registry, Request(Action.PROMOTE, number, who), notes)


def serve_registered(bench: Workbench, registry: Registry, request: Request, notes: list[str]) -> ServedResult:
    """Fetch, check and serve a version of the registry, and let the alias `champion` follow.

    Raises:
        ServingError: see `promote`.
        MachineError: see `promote`.
    """
    line = bench.line
    serving = current(read_journal(line.journal))
    before = serving.version if serving else None
    registered = registry.version(request.version)
    private = False
    if before != request.version:
        intent = Entry(
            action=request.action,
            version=request.version,
            previous=before,
            manifest=registered.manifest,
            run_id=registered.run_id,
            gate=registered.gate,
            who=request.who,
            reason=request.reason,
            time=bench.time(),
            state=State.INTENT,
        )
        private = change_served_version(bench, intent, lambda: publish(line, registry, registered))
    notes = notes + champion_moved(registry, request.version)
    return ServedResult(line.name, request.version, before, before != request.version, private, tuple(notes))


def _nothing_to_promote(name: str, serving: Entry | None, notes: list[str]) -> ServedResult:
    if serving is None:
        raise ServingError(
            f"{name} has no version under the alias {CHALLENGER}",
            expected="a registered candidate",
            todo="run `pipeline gate` and `pipeline register`, or name a version",
        )
    return _unchanged(name, serving, notes)


def _unchanged(name: str, serving: Entry, notes: list[str]) -> ServedResult:
    return ServedResult(name, serving.version, serving.version, changed=False, notes=tuple(notes))
