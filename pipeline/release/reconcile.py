"""Reconciliation: an alias that a person moved in MLflow is a request, which is checked before it is granted."""

from dataclasses import dataclass
from enum import StrEnum

from pipeline.core.errors import PipelineError, ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.release.aliases import moved_by_hand, repair_champion
from pipeline.release.journal import Action, current, read_journal, standing_versions
from pipeline.release.lines import line_of, lines_with_history, of_line
from pipeline.release.mlflow_client import connected, tracking_uri
from pipeline.release.model_server import OUTSIDE, Outside
from pipeline.release.plain_look import champion_is
from pipeline.release.promotion import Request, serve_registered
from pipeline.release.registry import CHAMPION, Registry
from pipeline.release.serving_change import Workbench, opened, repaired


class Outcome(StrEnum):
    """What became of the alias `champion`."""

    IN_AGREEMENT = "in agreement"
    SERVED = "served what the alias names"
    PUT_BACK = "put back"


@dataclass(frozen=True)
class ReconcileResult:
    """What reconciling came to."""

    outcome: Outcome
    version: int | None
    """The version that serves now."""
    reason: str = ""
    """Why the alias was put back."""
    notes: tuple[str, ...] = ()
    """What was repaired, a sentence each."""
    action: Action | None = None
    """What serving the alias' version came to; None where nothing was served anew."""


def reconcile(layout: Layout, parameters: Parameters, who: str = "", outside: Outside = OUTSIDE) -> ReconcileResult:
    """Bring server, history and the alias `champion` into agreement.

    What an interrupted command left is repaired. Where a person moved the alias, the version it names is promoted
    with all checks; where it fails them, the alias is put back.

    Raises:
        ServingError: MLflow or the server does not answer.
        MachineError: the disk is full, or another release command works on this line.
    """
    line = line_of(layout, parameters)
    with opened(line, parameters.serving.grpc_address, outside) as bench:
        notes = repaired(bench)
        serving = current(read_journal(line.journal))
        version = serving.version if serving else None
        if version is not None and champion_is(version, line.name, tracking_uri(layout, parameters)):
            return ReconcileResult(Outcome.IN_AGREEMENT, version, notes=tuple(notes))
        with connected(layout, parameters) as client:
            registry = Registry(client, line.name)
            if registry.alias(CHAMPION) != version and moved_by_hand(registry, version):
                return _granted_or_put_back(bench, registry, who, notes)
            if version is not None:
                notes += repair_champion(registry, version)
    return ReconcileResult(Outcome.IN_AGREEMENT, version, notes=tuple(notes))


def reconcile_all(
    layout: Layout, parameters: Parameters, who: str = "", outside: Outside = OUTSIDE
) -> dict[str, ReconcileResult | PipelineError]:
    """Reconcile every line of models with a history, and that of the parameters; a failure holds up no other line.

    Returns:
        What each line came to, by name; for a line that could not be reconciled, why.
    """
    results: dict[str, ReconcileResult | PipelineError] = {}
    for name in sorted({parameters.model.name, *lines_with_history(layout, parameters)}):
        try:
            results[name] = reconcile(layout, of_line(parameters, name), who, outside)
        except PipelineError as error:
            results[name] = error
    return results


def _granted_or_put_back(bench: Workbench, registry: Registry, who: str, notes: list[str]) -> ReconcileResult:
    standing = standing_versions(read_journal(bench.line.journal))
    wanted = registry.alias(CHAMPION)
    try:
        if wanted is None:
            raise ServingError(
                f"the alias {CHAMPION} was removed", expected="an alias on a version", todo="use `pipeline rollback`"
            )
        action = Action.ROLLBACK if wanted in standing else Action.PROMOTE
        reason = f"the alias {CHAMPION} was moved to version {wanted} in MLflow"
        result = serve_registered(bench, registry, Request(action, wanted, who, reason), notes)
    except ServingError as error:
        serving = current(read_journal(bench.line.journal))
        version = serving.version if serving else None
        registry.restore_champion(version)
        return ReconcileResult(Outcome.PUT_BACK, version, error.came, tuple(notes))
    return ReconcileResult(Outcome.SERVED, wanted, notes=result.notes, action=action)
