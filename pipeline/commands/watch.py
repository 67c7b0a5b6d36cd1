"""The command that watches what served models are asked about."""

import json
from typing import TYPE_CHECKING

import typer

from pipeline.console import opened, say

if TYPE_CHECKING:
    from pipeline.watch.findings import Findings

app = typer.Typer()


@app.command()
def watch() -> None:
    """Compare the photos that served models are asked about with those of training; list what to label next."""
    from datetime import UTC, datetime

    from pipeline.watch.run import watch as look

    layout, parameters = opened()
    say("watch ...")
    result = look(layout, parameters, datetime.now(UTC))
    if not parameters.watch.keep_photos:
        say("watch.keep_photos is 0: the model server keeps no photos, so there is nothing to watch")
    elif not result.findings:
        say("no version serves yet, so there is nothing to watch")
    for findings in result.findings:
        _say(findings)
    typer.echo(json.dumps({"models": [_told(one) for one in result.findings], "retrain": result.retrain}))


def _say(findings: "Findings") -> None:
    name = f"{findings.served.model} version {findings.served.version}"
    if findings.page:
        alarms = f"past the limits: {', '.join(findings.alarms)}" if findings.alarms else "within the limits"
        say(
            f"{name}: {findings.num_photos} photos, {alarms}; {len(findings.label_next)} to label next: {findings.page}"
        )
    for note in findings.notes:
        say(f"{name}: {note}")


def _told(findings: "Findings") -> dict[str, object]:
    return {
        "model": findings.served.model,
        "version": findings.served.version,
        "photos": findings.num_photos,
        "drifted": list(findings.drifted),
        "miscalibrated": findings.is_miscalibrated,
        "page": findings.page,
    }
