"""A section of the report: a title, an address in the page, and its content."""

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.pages.page import templates_of


@dataclass(frozen=True)
class Section:
    """A part of the page; the page lists all of them on top."""

    anchor: str
    """Name of the part in links, `#<anchor>`; lower case, unique in the page."""
    title: str
    html: Markup
    """Content below the title."""


SectionMaker = Callable[[Layout, Parameters], Section]
"""What each part of the report has under the name `section`: it reads a run's files, and says in its section which of
them are missing and which command makes them."""


def section_of(anchor: str, title: str, **values: object) -> Section:
    """Render `templates/<anchor>.html` as a section.

    Args:
        anchor: name of the section and of its template.
        title: its heading.
        values: what the template shows; it escapes them.
    """
    template = templates_of("pipeline.report").get_template(f"{anchor}.html")
    return Section(anchor, title, Markup(template.render(**values)))  # noqa: S704 - escaped by the template
