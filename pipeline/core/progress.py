"""Progress bars on a terminal, silence elsewhere."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")


def progress_bar() -> Progress:
    """A progress display on standard error that shows nothing where standard error is not a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)


@contextmanager
def spinner(description: str) -> Iterator[None]:
    """Show that work of unknown length goes on; silent where standard error is not a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(description):
        yield


def with_progress(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """Pass items through and show how many of `total` went by."""
    with progress_bar() as progress:
        yield from progress.track(items, total=total, description=description)
