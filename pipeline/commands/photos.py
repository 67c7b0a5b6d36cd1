"""Commands about what goes in: photos, and the recipe that says what to do with them."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.console import load_tensorflow, opened, say
from pipeline.core.errors import ParameterError
from pipeline.core.paths import Layout

app = typer.Typer()


@app.command()
def sample(
    photos: Annotated[int, typer.Option(help="photos of each batch, spoilt ones included; at least 40")] = 700,
    seed: Annotated[int, typer.Option(help="other seeds draw other photos")] = 7,
    batches: Annotated[str, typer.Option(help="names of the batches, separated by spaces")] = "demo-1 demo-2",
    inbox: Annotated[bool, typer.Option("--inbox", help="drop them into the inbox, and take nothing in")] = False,
) -> None:
    """Draw masonry photos with damage masks, and take them in as batches."""
    from pipeline.stages.sample import drop, run

    if inbox:
        layout, parameters = opened()
        for folder in drop(layout, layout.home / parameters.intake.inbox, batches.split(), photos, seed):
            say(f"dropped: {folder}")
        return
    for taken in run(Layout.of(), tuple(batches.split()), photos, seed):
        say(f"{taken.batch.batch}: {taken.batch.photos} photos {'drawn' if taken.is_new else 'are there already'}")


@app.command()
def intake(
    source: Annotated[str, typer.Argument(help="folder, tar or zip of photos, or a urls.csv of their addresses")],
    batch: Annotated[str, typer.Option(help="name of the batch")],
    side: Annotated[str | None, typer.Option(help="`test` pins the batch to the test side")] = None,
) -> None:
    """Take a batch of photos in and version it."""
    from pipeline.intake.scraping.bringing import bring

    if not source or not batch:
        raise ParameterError(
            "the photos have no source" if batch else "the batch has no name",
            expected="both: where the photos are, and a name for the batch",
            todo="make photos FROM=<folder|tar|zip|urls.csv> BATCH=<name>",
        )
    layout, parameters = opened()
    result, report = bring(layout, Path(source), batch, side, parameters)
    if report is not None:
        say(report.in_words())
    for taken in result.taken:
        state = "taken in" if taken.is_new else "seen before, nothing to do"
        say(f"{taken.batch.batch}: {taken.batch.photos} photos, {state}")
    for remark in result.in_words():
        say(remark)


@app.command()
def recipe(
    name: Annotated[str, typer.Argument(help="a file of recipes/, without .yaml")],
    batches: Annotated[str, typer.Option(help="globs over batch names, separated by spaces")] = "",
    evaluate: Annotated[str, typer.Option(help="side to measure: validation or test")] = "",
) -> None:
    """Write params.yaml from a recipe, with the weights that are at hand."""
    from pipeline.core.recipes import load_recipe, render, with_choices
    from pipeline.core.tables import write_text

    layout = Layout.of()
    chosen = load_recipe(layout.root / "recipes", name)
    chosen.parameters()
    say(f"recipe {name}: looking for weights ...")
    load_tensorflow()
    from pipeline.learning.weights import resolve

    parameters, backbone = resolve(chosen)
    write_text(layout.parameters, render(with_choices(parameters, batches.split(), evaluate)))
    say(f"params.yaml holds recipe {name}: {backbone}")
