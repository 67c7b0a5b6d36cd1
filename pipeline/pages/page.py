"""Templates of pages: Jinja with everything escaped, and the house's look in one place."""

import functools
import re
from datetime import UTC, datetime

import jinja2
from markupsafe import Markup, escape


@functools.cache
def templates_of(package: str) -> jinja2.Environment:
    """The templates of a package's folder `templates`, which may extend and import those of this room.

    All values are escaped, a missing value is an error, and `figure`, `share`, `interval`, `moment` and `prose` are
    filters.

    Args:
        package: dotted name, such as `pipeline.report`.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader("pipeline.pages")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(figure=figure, share=share, interval=interval, moment=moment, prose=prose)
    return environment


def figure(value: float | None, decimals: int = 3) -> str:
    """A figure as `.925`; a dash where it is not determined."""
    if value is None:
        return "-"
    text = f"{value:.{decimals}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def share(value: float | None, decimals: int = 0) -> str:
    """A share of 1 as `93 %`; a dash where it is not determined."""
    return "-" if value is None else f"{100 * value:.{decimals}f} %"


def interval(bounds: tuple[float, float] | list[float] | None) -> str:
    """Both bounds of an interval as `.879 to .972`; a dash where it is not determined."""
    return "-" if not bounds else f"{figure(bounds[0])} to {figure(bounds[1])}"


def moment(time: str) -> str:
    """A time of a record, ISO 8601 with its zone, as `2026-05-01 09:30 UTC`."""
    return datetime.fromisoformat(time).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def prose(sentence: str) -> Markup:
    """A sentence of the console, where names stand between grave accents, with these names as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))  # noqa: S704 - escaped before
