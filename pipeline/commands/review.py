"""Commands of people's decisions about photos: the page on which they are made, and taking them over."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.console import opened, say, warn
from pipeline.core.errors import ParameterError
from pipeline.core.locks import held_lock
from pipeline.core.paths import Layout
from pipeline.photos.decisions import HumanDecision

app = typer.Typer()


@app.command()
def review() -> None:
    """Write the page on which a person settles copies, scenes, doubtful photos and labels."""
    layout, parameters = opened()
    from pipeline.review.page import run

    say("review ...")
    made = run(layout, parameters)
    say(f"{made.num_items} questions about {made.num_photos} photos: {layout.review}")
    if made.num_without_picture:
        say(f"without a picture, since unreadable, gone or changed: {made.num_without_picture}")
    if made.num_unmatched:
        warn([f"lines of {layout.decisions} about photos that the last run did not see: {made.num_unmatched}"])


@app.command()
def decide(source: Annotated[str, typer.Argument(help="a decisions file, such as the review page saves")]) -> None:
    """Take decisions over into reviews/decisions.csv; about one photo the newer ones win."""
    from pipeline.photos.decisions import merged, read_decisions, write_decisions

    if not Path(source).is_file():
        raise ParameterError(
            f"there is no file {source!r}",
            expected="a decisions file, such as the review page saves",
            todo="make decide FROM=<file>",
        )
    layout = Layout.of()
    newer = read_decisions(Path(source))
    with held_lock(layout.run_lock, "decide"):
        merge = merged(read_decisions(layout.decisions), newer)
        write_decisions(layout.decisions, merge.decisions)
    for before, now in merge.replaced:
        say(f"replaced: {_words(before)}  ->  {_words(now)}")
    for one in merge.withdrawn:
        say(f"withdrawn: {_words(one)}")
    say(
        f"{layout.decisions}: {len(merge.added)} added, {len(merge.replaced)} replaced, {len(merge.withdrawn)} "
        f"withdrawn, {len(merge.decisions)} in all; the next run obeys"
    )


def _words(decision: HumanDecision) -> str:
    name = decision.label or decision.group
    by = f" by {decision.by}" if decision.by else ""
    return f"{decision.sha256[:12]} {decision.decision}{f' {name}' if name else ''}{by}"
