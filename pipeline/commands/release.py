"""Commands after the graph: what is logged, judged, registered and served."""

import getpass
import os
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.alerts.alert import Alert, Kind
from pipeline.alerts.sending import send
from pipeline.console import answer, load_tensorflow, opened, say, warn
from pipeline.core.errors import GateRefused, PipelineError, ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.progress import spinner

if TYPE_CHECKING:
    from pipeline.release.promotion import ServedResult
    from pipeline.release.reconcile import ReconcileResult

_TABLE_WIDTH = 118

ModelOption = Annotated[str | None, typer.Option("--model", help="line of models; none = that of params.yaml")]

app = typer.Typer()


@app.command()
def track() -> None:
    """Log the last run to MLflow, once."""
    layout, parameters = opened()
    say("track: opening MLflow (its first start makes a database) ...")
    from pipeline.release.tracking import track as log

    with spinner("logging to MLflow"):
        run = log(layout, parameters)
    say(f"run {run.run_id} {'logged' if run.created else 'is there already'}")


@app.command()
def gate(
    override_by: Annotated[str, typer.Option(help="who lets the candidate through all the same")] = "",
    reason: Annotated[str, typer.Option(help="why; needed with --override-by")] = "",
) -> None:
    """Judge the candidate against floors and against the model in service, and make the report."""
    from pipeline.release import gate_report

    layout, parameters = opened()
    override = gate_report.override_by(override_by, reason) if override_by or reason else None
    say("gate: scoring ...")
    load_tensorflow()
    from rich.console import Console

    from pipeline.release.gate_run import run_gate

    report = run_gate(layout, parameters)
    if override is not None:
        report = gate_report.override_gate(layout, override)
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    console.print(gate_report.gate_table(report))
    _make_report(layout, parameters)
    if not report.may_go_on:
        _log_refusal(layout, parameters)
        raise GateRefused(
            f"the candidate is {report.verdict}",
            expected="every rule of the table above held",
            todo="mend data or training; or let it through: `pipeline gate --override-by <name> --reason <why>`, "
            "then `pipeline register` and `pipeline promote`",
        )


@app.command()
def report() -> None:
    """Make the page about the last run, reports/report.html, and log it to the run in MLflow where there is one."""
    layout, parameters = opened()
    _make_report(layout, parameters)
    from pipeline.release.tracking import log_report

    with spinner("logging to MLflow"):
        run = log_report(layout, parameters)
    say(f"logged to run {run}" if run else "not logged: `pipeline track` has not logged this run")


@app.command()
def register() -> None:
    """Make the candidate that passed a version of the registered model."""
    layout, parameters = opened()
    say("register ...")
    from pipeline.release.registry import register as add

    with spinner("registering with MLflow"):
        version = add(layout, parameters)
    say(f"{version.name} version {version.version} {'registered' if version.created else 'is registered already'}")
    answer(
        {
            "model": version.name,
            "version": version.version,
            "run_id": version.run_id,
            "commit": version.commit,
            "data_hash": version.data_hash,
            "batches": version.batches,
            "tried": version.tried,
            "approval": parameters.release.approval,
        }
    )


@app.command()
def promote(
    version: Annotated[int | None, typer.Option(help="version; none = the challenger")] = None,
    model: ModelOption = None,
    if_newer: Annotated[bool, typer.Option("--if-newer", help="not where a higher version serves")] = False,
) -> None:
    """Let a registered version serve, after a model server has answered for it."""
    layout, parameters = _opened_for(model)
    say("promote: publishing and checking over gRPC ...")
    from pipeline.release.promotion import promote as serve

    with spinner("publishing, loading and checking"):
        result = serve(layout, parameters, version, _who(), if_newer=if_newer)
    _say_served(result)


@app.command()
def rollback(
    version: Annotated[int | None, typer.Option(help="version; none = the one before")] = None,
    reason: Annotated[str, typer.Option(help="why, for the history")] = "",
    model: ModelOption = None,
) -> None:
    """Let an earlier version serve again, without training."""
    layout, parameters = _opened_for(model)
    from pipeline.release.rollback import rollback as serve_earlier

    with spinner("loading and checking"):
        result = serve_earlier(layout, parameters, version, _who(), reason)
    _say_served(result)
    if result.changed:
        subject = f"{result.name} went back from version {result.before} to version {result.version}"
        _alert_of_rollback(layout, parameters, subject, f"{_who()} asked for it: {reason or 'no reason given'}")


@app.command()
def reconcile(
    model: Annotated[str | None, typer.Option(help="line of models; none = every line with a history")] = None,
) -> None:
    """Follow an alias that was moved by hand in MLflow, or put it back with the reason."""
    layout, parameters = _opened_for(model)
    from pipeline.release.reconcile import ReconcileResult, reconcile_all
    from pipeline.release.reconcile import reconcile as follow

    results: dict[str, ReconcileResult | PipelineError] = (
        {model: follow(layout, parameters, _who())} if model else reconcile_all(layout, parameters, _who())
    )
    followed = {name: result for name, result in results.items() if isinstance(result, ReconcileResult)}
    for name, result in followed.items():
        _say_reconciled(layout, parameters, name, result)
    failures = {name: result for name, result in results.items() if isinstance(result, PipelineError)}
    for name, failure in list(failures.items())[1:]:
        say(f"error: {name}: {failure}")
    answer(
        {
            "models": [
                {"model": name, "version": result.version, "outcome": result.outcome, "reason": result.reason}
                for name, result in followed.items()
            ]
        }
    )
    if failures:
        raise next(iter(failures.values()))


def _opened_for(model: str | None) -> tuple[Layout, Parameters]:
    """The checkout in the current folder, with its parameters for a line of models."""
    layout, parameters = opened()
    from pipeline.release.lines import of_line

    return layout, of_line(parameters, model)


def _make_report(layout: Layout, parameters: Parameters) -> None:
    from pipeline.report.page import run

    with spinner("making the report"):
        page = run(layout, parameters)
    say(f"report: {page} ({page.stat().st_size / 1e6:.1f} MB)")


def _log_refusal(layout: Layout, parameters: Parameters) -> None:
    """Let MLflow show a refusal with its grounds: no registration follows that would."""
    from pipeline.release.tracking import log_report

    try:
        log_report(layout, parameters)
    except ServingError as error:  # the verdict stands without MLflow, and so does its exit code
        warn([f"the report is not in MLflow: {error.came}"])


def _who() -> str:
    return os.environ.get("PIPELINE_WHO") or getpass.getuser()


def _say_served(result: "ServedResult") -> None:
    before = f"version {result.before} before" if result.before is not None else "the first version"
    change = f"serves now; {before}" if result.changed else "serves already"
    say(f"{result.name} version {result.version} {change}")
    if result.private_server:
        say("no running server serves this line yet: a private one answered for the version, and was stopped")
    warn(result.notes)
    answer({"model": result.name, "version": result.version, "before": result.before, "changed": result.changed})


def _say_reconciled(layout: Layout, parameters: Parameters, name: str, result: "ReconcileResult") -> None:
    from pipeline.release.journal import Action
    from pipeline.release.reconcile import Outcome

    serving = f"version {result.version} serves" if result.version is not None else "nothing serves yet"
    say(f"{name}: champion {result.outcome}; {serving}" + (f": {result.reason}" if result.reason else ""))
    warn(result.notes)
    if result.outcome is Outcome.PUT_BACK:
        _alert_of_rollback(layout, parameters, f"{name}: the alias champion was put back; {serving}", result.reason)
    if result.action is Action.ROLLBACK:
        moved = f"the alias champion was moved to version {result.version} in MLflow"
        _alert_of_rollback(layout, parameters, f"{name} went back to version {result.version}", moved)


def _alert_of_rollback(layout: Layout, parameters: Parameters, subject: str, text: str) -> None:
    send(Alert(Kind.ROLLBACK, subject, text), parameters.notify.target, Layout(layout.home).state)
