"""Commands that show the served model at work."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.console import opened, say

app = typer.Typer()

_NAMED_FILES = 5


@app.command()
def predict(
    folder: Annotated[str, typer.Argument(help="folder of photos, or one photo")],
    out: Annotated[str, typer.Option(help="folder for the answers; none = reports/predict/<folder name>")] = "",
    model: Annotated[str, typer.Option(help="served model; none = the one that params.yaml names")] = "",
) -> None:
    """Ask the served model about a folder of photos: a table, heat maps and a gallery."""
    from datetime import UTC, datetime

    from rich.console import Console

    from pipeline.predict.answers import class_counts
    from pipeline.predict.run import predict_folder
    from pipeline.predict.tables import counts_table

    layout, parameters = opened()
    say(f"predict {folder} ...")
    result = predict_folder(layout, parameters, Path(folder), Path(out) if out else None, model, datetime.now(UTC))
    title = f"{len(result.answered)} photos, {result.model} version {result.version}"
    Console().print(counts_table(class_counts(result.answered), title))
    for file in result.unanswered[:_NAMED_FILES]:
        say(f"no answer: {file.path!r}: {file.error}")
    typer.echo(f"without an answer: {len(result.unanswered)}")
    typer.echo(f"to look at: {result.page}")


@app.command()
def demo() -> None:
    """Photos to a served and explained model, on drawn photos, offline."""
    from pipeline.demo import run_demo

    run_demo(*opened())


@app.command()
def up(
    mlflow_port: Annotated[int, typer.Option(help="of MLflow's page", min=1, max=65535)] = 5000,
    rest_port: Annotated[int, typer.Option(help="of the model server's REST", min=1, max=65535)] = 8501,
    explainer_port: Annotated[int, typer.Option(help="of the explanation page", min=1, max=65535)] = 8502,
    airflow_port: Annotated[int, typer.Option(help="of Airflow's page", min=1, max=65535)] = 8080,
) -> None:
    """MLflow's page, the model server, the explanation page and Airflow together, until Ctrl-C."""
    from pipeline.services.up import Ports, run_up

    run_up(*opened(), Ports(mlflow_port, rest_port, explainer_port, airflow_port))


@app.command()
def retrain(
    batch: Annotated[str, typer.Option(help="train on the photos as of the intake of this batch; none = all")] = "",
) -> None:
    """Start a retraining in the running Airflow, and follow it to its end."""
    from pipeline.services.retraining import retrain

    retrain(opened()[0], batch)
