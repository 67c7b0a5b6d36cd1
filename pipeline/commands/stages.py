"""Commands of the graph: one per stage of dvc.yaml, under the stage's name."""

import typer

from pipeline.console import learning_stage, say, stage, warn
from pipeline.core.progress import spinner

app = typer.Typer()


@app.command()
def validate() -> None:
    """Stage: decode every photo once and check what came."""
    with stage("validate") as (layout, parameters):
        from pipeline.stages.validate import run

        result = run(layout, parameters)
        say(f"{result.num_files} files, {result.num_readable} readable photos; classes {', '.join(result.classes)}")
        warn(result.warnings)


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
        warn(result.warnings)


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
