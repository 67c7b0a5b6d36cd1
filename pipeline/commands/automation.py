"""Commands of automation: batches that arrive, and retraining in a clone of its own."""

import time
from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.console import answer, opened, say, warn
from pipeline.core.locks import die_with_parent
from pipeline.core.paths import Layout
from pipeline.core.progress import spinner

_TABLE_WIDTH = 118

app = typer.Typer()


@app.command()
def inbox() -> None:
    """List the complete batches that wait to be taken in, oldest first; one that is being taken in waits no more."""
    from pipeline.automation.arriving import is_being_taken
    from pipeline.intake.inboxes import inboxes_of, look

    layout, parameters = opened()
    seen = look(inboxes_of(layout, parameters.intake), time.time())
    if seen.away and not seen.waiting:
        raise seen.away[0]
    warn(problem.came for problem in seen.away)
    waiting = [one for one in seen.waiting if not is_being_taken(layout, one.source)]
    say(f"complete batches that wait: {len(waiting)}, and are being taken in: {len(seen.waiting) - len(waiting)}")
    answer([{"batch": one.batch, "source": one.source} for one in waiting])


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
    answer(asdict(taken))


@app.command()
def pin(
    batch: Annotated[str | None, typer.Option(help="photos as they were when this batch had come; none = all")] = None,
) -> None:
    """Bring the retrain clone to the commit that the next run works on."""
    die_with_parent()
    layout, parameters = opened()
    from pipeline.automation.pinning import pin as bring

    with spinner("bringing the retrain clone to its commit"):
        pinned = bring(layout, parameters, _warn, batch)
    say(f"{pinned.commit[:10]}: {len(pinned.batches)} batches" if pinned.is_new else "nothing new since the last run")
    answer(asdict(pinned))


@app.command()
def record() -> None:
    """Commit what the stages of the retrain clone did, in `dvc.lock`."""
    from pipeline.automation.recording import record as commit_lock

    commit = commit_lock(Layout.of())
    say(f"recorded as {commit[:10]}")
    answer({"commit": commit})


@app.command()
def finish() -> None:
    """Note that the pinned commit was judged, so that the next run waits for something new."""
    from pipeline.automation.pinning import finish as note

    commit = note(Layout.of())
    say(f"{commit[:10]} counts as judged")
    answer({"commit": commit})


@app.command()
def push() -> None:
    """Bring the branches heritage/photos and heritage/retrain into the checkout, and to the remotes that it names."""
    layout, parameters = opened()
    from pipeline.automation.pushing import push as bring

    with spinner("pushing"):
        pushed = bring(layout, parameters)
    say(f"pushed {', '.join(pushed) or 'nothing: there are no branches yet'}")
    answer({"pushed": list(pushed)})


@app.command()
def lineage(
    version: Annotated[int | None, typer.Option(help="version; none = the one that serves")] = None,
    model: Annotated[str | None, typer.Option(help="line of models; none = that of params.yaml")] = None,
) -> None:
    """Walk back from a served version to its run, commit, photos and batches."""
    layout, parameters = opened()
    from rich.console import Console

    from pipeline.automation.lineage import lineage as walk_back
    from pipeline.automation.lineage_table import lineage_tables
    from pipeline.release.lines import of_line

    with spinner("asking the history, MLflow and git"):
        found = walk_back(layout, of_line(parameters, model), version)
    console = Console(stderr=True)
    console.width = max(console.width, _TABLE_WIDTH)
    console.print(*lineage_tables(found), sep="\n")
    for text in found.missing:
        _warn(text)
    answer(asdict(found))


def _warn(text: str) -> None:
    say(f"warning: {text}")
