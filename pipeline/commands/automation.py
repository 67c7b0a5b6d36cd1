"""Commands that keep models up to date without a person: what arrives, and what is made of it."""

import json
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer

from pipeline.console import opened, say, warn
from pipeline.core.locks import die_with_parent

app = typer.Typer()


@app.command()
def inbox() -> None:
    """List the complete batches that wait to be taken in, oldest first."""
    from pipeline.intake.inboxes import inboxes_of, look

    layout, parameters = opened()
    seen = look(inboxes_of(layout, parameters.intake), time.time())
    if seen.away and not seen.waiting:
        raise seen.away[0]
    warn(problem.came for problem in seen.away)
    say(f"{len(seen.waiting)} complete batches wait")
    _answer([{"batch": one.batch, "source": one.source} for one in seen.waiting])


@app.command()
def take(source: Annotated[str, typer.Argument(help="a batch as `pipeline inbox` calls it")]) -> None:
    """Take a batch of an inbox in, or put it aside with a report."""
    die_with_parent()
    layout, parameters = opened()
    say(f"take: {source} ...")
    from pipeline.automation.taking import take as take_in

    taken = take_in(layout, parameters, source)
    state = "taken in" if taken.is_new else "nothing new"
    say(f"{taken.batch}: {taken.photos} photos, {taken.labelled} of them labelled, {state}")
    for remark in taken.remarks:
        say(f"{taken.batch}: {remark}")
    _answer(asdict(taken))


def _answer(value: Any) -> None:
    """Print what programs read: one line of JSON, the last one on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False))
