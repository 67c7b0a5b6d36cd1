"""Rollback: a version that served before serves again, without training and without the registry's help."""

from pipeline.core.errors import PipelineError, ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.release.aliases import champion_moved
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
from pipeline.release.promotion import Request, ServedResult
from pipeline.release.publishing import check_published
from pipeline.release.registry import CHAMPION, Registry
from pipeline.release.serving_change import Workbench, change_served_version, opened, repaired


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
        entry = _earlier(journal, version, line)
        request = Request(Action.ROLLBACK, entry.version, who, reason)
        result = serve_again(bench, entry, request, notes)
        return _with_alias(result, layout, parameters)


def serve_again(bench: Workbench, earlier: Entry, request: Request, notes: list[str]) -> ServedResult:
    """Serve a version from its own folder, checked against the manifest of the time it was promoted.

    Raises:
        ServingError: see `rollback`.
    """
