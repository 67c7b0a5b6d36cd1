"""The command line: the commands of all topics under one name."""

import os

import typer

from pipeline.commands import alerts, automation, photos, release, review, serving, stages, watch
from pipeline.console import problems_for_people, quiet_libraries
from pipeline.core.time_limit import end_in_time

app = typer.Typer(
    name="pipeline",
    help="Photo batches of heritage buildings in; a measured, served and explained model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for topic in (photos, stages, review, release, serving, automation, watch, alerts):
    app.add_typer(topic.app)


def main() -> None:
    """Run a command."""
    quiet_libraries()
    with problems_for_people(debug=bool(os.environ.get("PIPELINE_DEBUG"))):
        end_in_time()
        app(standalone_mode=True)
