"""Commands about what people should hear of without looking."""

import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from pipeline.alerts.alert import Alert, Kind
from pipeline.console import say, warn
from pipeline.core.alert_targets import LOG
from pipeline.core.errors import ParameterError
from pipeline.core.operation_parameters import NotifyParameters
from pipeline.core.paths import Layout
from pipeline.core.sections import read_sections

app = typer.Typer()


@app.command()
def notify(
    kind: Annotated[Kind, typer.Argument(help="what happened")],
    subject: Annotated[str, typer.Argument(help="one line; the same one is sent once an hour")],
    text: Annotated[str, typer.Option(help="grounds, and what to do")] = "",
    link: Annotated[str, typer.Option(help="where to look: a page or a file")] = "",
) -> None:
    """Tell people of something, where `notify.target` or HERITAGE_NOTIFY says; waits for nobody."""
    from pipeline.alerts.sending import chosen_target, send

    layout = Layout.of()
    folder, parameter = Layout(layout.home).state, _target_of(layout.parameters)
    is_sent = send(Alert(kind, subject, text, link), parameter, folder)
    target = chosen_target(parameter, os.environ)  # a problem is said once the alert is safe
    if not is_sent:
        say(f"{kind}: not sent; the same alert went out within the last hour, or ten others within a minute")
    else:
        say(f"{kind}: kept in {folder}" + (f", and on its way to {target.shown}" if target else ""))


@app.command()
def alerts(
    count: Annotated[int, typer.Option(help="how many at most", min=1)] = 20,
) -> None:
    """List the last alerts, newest at the end."""
    from pipeline.alerts.reading import in_words, latest

    found = latest(Layout(Layout.of().home).state, count)
    for entry in found:
        typer.echo(f"{entry.time}  {in_words(entry)}")
    if not found:
        say("no alerts")


def _target_of(path: Path) -> str:
    """The parameter `notify.target`, whatever else is wrong with the file: an alert may be about that."""
    try:
        section = read_sections(path).get("notify") or {}
        return NotifyParameters.model_validate(section).target
    except (ParameterError, OSError) as error:
        problem = str(error)
    except ValidationError as error:
        problem = "; ".join(f"notify.{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors())
    warn([f"no target for alerts in {path}, unless HERITAGE_NOTIFY names one: {problem}"])
    return LOG
