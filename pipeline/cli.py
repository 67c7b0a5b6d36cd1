"""The commands: each parses, loads, calls, saves and ends with the exit code of the design."""

import getpass
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.console import learning_stage, load_tensorflow, opened, problems_for_people, quiet_libraries, say, stage
from pipeline.core.errors import GateRefused, ParameterError
from pipeline.core.paths import Layout
from pipeline.core.progress import spinner

if TYPE_CHECKING:
    from pipeline.release.promotion import ServedResult

_TABLE_WIDTH = 118

app = typer.Typer(
    name="pipeline",
    help="Photo batches of heritage buildings in; a measured, served and explained model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command."""
    quiet_libraries()
    with problems_for_people(debug=bool(os.environ.get("PIPELINE_DEBUG"))):
        app(standalone_mode=True)


@app.command()
def sample(
    photos: Annotated[int, typer.Option(help="photos of each batch, spoilt ones included; at least 40")] = 350,
    seed: Annotated[int, typer.Option(help="other seeds draw other photos")] = 7,
    batches: Annotated[str, typer.Option(help="names of the batches, separated by spaces")] = "demo-1 demo-2",
) -> None:
    """Draw masonry photos with damage masks, and take them in as batches."""
    from pipeline.stages.sample import run

    for taken in run(Layout(), tuple(batches.split()), photos, seed):
        say(f"{taken.batch.batch}: {taken.batch.photos} photos {'drawn' if taken.is_new else 'are there already'}")


@app.command()
def intake(
    source: Annotated[str, typer.Argument(help="folder, tar or zip of photos")],
    batch: Annotated[str, typer.Option(help="name of the batch")],
    side: Annotated[str | None, typer.Option(help="`test` pins the batch to the test side")] = None,
) -> None:
    """Take a batch of photos in and version it."""
    from pipeline.photos.intake import bring_photos

    if not source or not batch:
        raise ParameterError(
            "the photos have no source" if batch else "the batch has no name",
            expected="both: where the photos are, and a name for the batch",
            todo="make photos FROM=<folder|tar|zip> BATCH=<name>",
        )
    result = bring_photos(Layout(), Path(source), batch, side)
    for taken in result.taken:
        state = "taken in" if taken.is_new else "seen before, nothing to do"
        say(f"{taken.batch.batch}: {taken.batch.photos} photos, {state}")
    if result.left_out:
        say(f"left out, neither photos nor tables: {', '.join(result.left_out[:5])} ({len(result.left_out)} in all)")


@app.command()
def recipe(
    name: Annotated[str, typer.Argument(help="a file of recipes/, without .yaml")],
    batches: Annotated[str, typer.Option(help="globs over batch names, separated by spaces")] = "",
    evaluate: Annotated[str, typer.Option(help="side to measure: validation or test")] = "",
) -> None:
    """Write params.yaml from a recipe, with the weights that are at hand."""
    from pipeline.core.recipes import load_recipe, render, with_choices
    from pipeline.core.tables import write_text

    layout = Layout()
    chosen = load_recipe(layout.root / "recipes", name)
    chosen.parameters()
    say(f"recipe {name}: looking for weights ...")
    load_tensorflow()
    from pipeline.learning.weights import resolve

    parameters, backbone = resolve(chosen)
    write_text(layout.parameters, render(with_choices(parameters, batches.split(), evaluate)))
    say(f"params.yaml holds recipe {name}: {backbone}")


@app.command()
def validate() -> None:
    """Stage: decode every photo once and check what came."""
    with stage("validate") as (layout, parameters):
        from pipeline.stages.validate import run

        result = run(layout, parameters)
        say(f"{result.num_files} files, {result.num_readable} readable photos; classes {', '.join(result.classes)}")
        _warn(result.warnings)


@app.command()
def embed() -> None:
    """Stage: a vector per photo; off unless a backbone is named."""
    with stage("embed") as (layout, parameters):
        from pipeline.stages.embed import run

        result = run(layout, parameters)
        say(f"{result.num_vectors} vectors" if result.backbone else "off: params.yaml names no embed.backbone")


@app.command()
def clean() -> None:
    """Stage: keep or quarantine each photo, with reasons."""
    with stage("clean") as (layout, parameters):
        from pipeline.stages.clean import run

        result = run(layout, parameters)
        reasons = ", ".join(f"{reason} {count}" for reason, count in result.reasons.items())
        say(f"{result.num_kept} of {result.num_photos} kept, {result.num_quarantined} quarantined: {reasons or 'none'}")
        _warn(result.warnings)


@app.command()
def split() -> None:
    """Stage: give each photo its side, and stop on a leak."""
    with stage("split") as (layout, parameters):
        from pipeline.stages.split import run

        report = run(layout, parameters).report
        pinned = " (pinned)" if report.test_is_pinned else ""
        say(f"{report.train} train, {report.validation} validation, {report.test} test{pinned}; no copy crosses sides")


@app.command()
def augment() -> None:
    """Stage: write training and validation photos as shards."""
    with learning_stage("augment") as (layout, parameters):
        from pipeline.stages.augment import run

        result = run(layout, parameters)
        say(f"{len(result.rows)} photos in shards; classes {', '.join(result.classes)}")


@app.command()
def train() -> None:
    """Stage: train by phases and keep the best epoch."""
    with learning_stage("train") as (layout, parameters):
        from pipeline.stages.train import run

        result = run(layout, parameters)
        say(f"epoch {result.best.epoch} kept, validation accuracy {result.best.val_accuracy:.4f}")


@app.command()
def export() -> None:
    """Stage: write the SavedModel that is measured and served."""
    with learning_stage("export") as (layout, parameters):
        from pipeline.stages.export import run

        with spinner("measuring the map scale, writing the SavedModel"):
            result = run(layout, parameters)
        say(f"SavedModel {result.manifest_sha256[:12]}: {result.num_files} files, {result.num_bytes / 1e6:.1f} MB")


@app.command()
def evaluate() -> None:
    """Stage: measure the SavedModel on the chosen side."""
    with learning_stage("evaluate") as (layout, parameters):
        from pipeline.stages.evaluate import run

        figures = run(layout, parameters).metrics
        low, high = figures["accuracy_interval"]
        measured = f"accuracy {figures['accuracy']:.4f} ({low:.3f} to {high:.3f})"
        say(f"{figures['side']} side, {figures['n']} photos: {measured}")
        say(f"balanced accuracy {figures['balanced_accuracy']:.4f}; majority class {figures['majority_accuracy']:.4f}")


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
    """Judge the candidate against floors and against the model in service."""
    layout, parameters = opened()
    say("gate: scoring ...")
    load_tensorflow()
    from rich.console import Console

    from pipeline.release.gate_report import gate_table, override_gate
    from pipeline.release.gate_run import run_gate

    report = run_gate(layout, parameters)
    if override_by or reason:
        report = override_gate(layout, override_by, reason)
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    console.print(gate_table(report))
    if not report.may_go_on:
        raise GateRefused(
            f"the candidate is {report.verdict}",
            expected="every rule of the table above held",
            todo="mend data or training; or let it through: `pipeline gate --override-by <name> --reason <why>`, "
            "then `pipeline register` and `pipeline promote`",
        )


@app.command()
def register() -> None:
    """Make the candidate that passed a version of the registered model."""
    layout, parameters = opened()
    say("register ...")
    from pipeline.release.registry import register as add

    with spinner("registering with MLflow"):
        version = add(layout, parameters)
    say(f"{version.name} version {version.version} {'registered' if version.created else 'is registered already'}")


@app.command()
def promote(
    version: Annotated[int | None, typer.Option(help="version; none = the challenger")] = None,
) -> None:
    """Let a registered version serve, after a model server has answered for it."""
    layout, parameters = opened()
    say("promote: publishing and checking over gRPC ...")
    from pipeline.release.promotion import promote as serve

    with spinner("publishing, loading and checking"):
        result = serve(layout, parameters, version, _who())
    _say_served(result)


@app.command()
def rollback(
    version: Annotated[int | None, typer.Option(help="version; none = the one before")] = None,
    reason: Annotated[str, typer.Option(help="why, for the history")] = "",
) -> None:
    """Let an earlier version serve again, without training."""
    layout, parameters = opened()
    from pipeline.release.rollback import rollback as serve_earlier

    with spinner("loading and checking"):
        result = serve_earlier(layout, parameters, version, _who(), reason)
    _say_served(result)


@app.command()
def reconcile() -> None:
    """Follow an alias that was moved by hand in MLflow, or put it back with the reason."""
    layout, parameters = opened()
    from pipeline.release.reconcile import reconcile as follow

    result = follow(layout, parameters, _who())
    serving = f"version {result.version} serves" if result.version is not None else "nothing serves yet"
    say(f"champion {result.outcome}; {serving}" + (f": {result.reason}" if result.reason else ""))
    _warn(result.notes)


@app.command()
def demo() -> None:
    """Photos to a served and explained model, on drawn photos, offline."""
    from pipeline.demo import run_demo

    run_demo(*opened())


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        say(f"warning: {warning}")


def _who() -> str:
    return os.environ.get("PIPELINE_WHO") or getpass.getuser()


def _say_served(result: "ServedResult") -> None:
    before = f"version {result.before} before" if result.before is not None else "the first version"
    change = f"serves now; {before}" if result.changed else "serves already"
    say(f"{result.name} version {result.version} {change}")
    if result.private_server:
        say("no server of this folder is running: a private one answered for the version, and was stopped")
    _warn(result.notes)
