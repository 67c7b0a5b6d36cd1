"""Rollback: a version that served before serves again, without training and without the registry's help."""

from dataclasses import replace

from pipeline.core.errors import PipelineError, ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.release.aliases import champion_moved, late_champion
from pipeline.release.journal import (
    Action,
    Entry,
    Journal,
    State,
    current,
    previous,
    read_journal,
    standing_versions,
)
from pipeline.release.lines import ModelLine, line_of
from pipeline.release.mlflow_client import connected
from pipeline.release.model_server import OUTSIDE, Outside
from pipeline.release.promotion import ServedResult
from pipeline.release.publishing import check_published
from pipeline.release.registry import Registry
from pipeline.release.serving_change import change_served_version, opened, repaired


def rollback(
    layout: Layout,
    parameters: Parameters,
    version: int | None = None,
    who: str = "",
    reason: str = "",
    outside: Outside = OUTSIDE,
) -> ServedResult:
    """Let an earlier version serve again.

    Args:
        layout: the checkout.
        parameters: name the line of models, the server and MLflow.
        version: the version; none = the one that served before the current one, going further back each time.
        who: who asks, for the history.
        reason: why, for the history.
        outside: model servers and the clock.

    Raises:
        ServingError: no such version served before, its folder is damaged, or it does not answer; what served, serves.
        MachineError: another release command works on this line.
    """
    line = line_of(layout, parameters)
    with opened(line, parameters.serving.grpc_address, outside) as bench:
        notes = repaired(bench)
        journal = read_journal(line.journal)
        serving, earlier = _serving_and_earlier(journal, version, line)
        changed = serving.version != earlier.version
        private = False
        if changed:
            intent = replace(
                earlier,
                action=Action.ROLLBACK,
                previous=serving.version,
                who=who,
                reason=reason,
                time=bench.time(),
                state=State.INTENT,
            )
            private = change_served_version(
                bench, intent, lambda: check_published(line, earlier.version, earlier.manifest)
            )
        notes += _champion_follows(layout, parameters, line.name, earlier.version)
    return ServedResult(line.name, earlier.version, serving.version, changed, private, tuple(notes))


def _serving_and_earlier(journal: Journal, version: int | None, line: ModelLine) -> tuple[Entry, Entry]:
    serving = current(journal)
    number = version if version is not None else previous(journal)
    served = [entry for entry in journal.entries if entry.state is State.DONE and entry.version == number]
    if serving is None or not served:
        standing = ", ".join(map(str, standing_versions(journal))) or "none"
        raise ServingError(
            f"{line.name} has no earlier version to return to"
            if number is None
            else f"version {number} of {line.name} never served",
            expected=f"a version that served before; standing, oldest first: {standing}",
            todo="name one with --version, or `pipeline promote` another version",
        )
    return serving, served[-1]


def _champion_follows(layout: Layout, parameters: Parameters, name: str, version: int) -> list[str]:
    try:
        with connected(layout, parameters) as client:
            return champion_moved(Registry(client, name), version)
    except PipelineError as error:
        return [late_champion(version, error)]
