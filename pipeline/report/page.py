"""The page: all sections of a run's report in one HTML file that needs nothing beside it."""

from pathlib import Path

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.pages.page import templates_of
from pipeline.report import (
    batches,
    card,
    champion,
    classes,
    confusion,
    data,
    learning,
    lineage,
    localisation,
    mistakes,
    reliability,
    variants,
    verdict,
)
from pipeline.report.sections import SectionMaker

_SECTIONS: tuple[SectionMaker, ...] = (
    verdict.section,
    card.section,
    data.section,
    variants.section,
    learning.section,
    classes.section,
    confusion.section,
    reliability.section,
    mistakes.section,
    localisation.section,
    batches.section,
    champion.section,
    lineage.section,
)
"""In the order in which the page shows them."""


def run(layout: Layout, parameters: Parameters) -> Path:
    """Write the report of the checkout's last run; equal files give equal bytes.

    A section whose files are missing says so, and which command makes them.

    Returns:
        The page's path.
    """
    sections = [make(layout, parameters) for make in _SECTIONS]
    text = (
        templates_of("pipeline.report")
        .get_template("report.html")
        .render(name=parameters.model.name, recipe=parameters.recipe, sections=sections)
    )
    write_text(layout.report, text)
    return layout.report
