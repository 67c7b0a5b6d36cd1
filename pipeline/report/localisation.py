"""Whether the heat maps point at what masks mark, beside a blob in the middle of the photo."""

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.evaluation.localisation import MIN_PHOTOS
from pipeline.report.files import metrics_or_none
from pipeline.report.sections import Section, section_of


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `localisation`."""
    metrics = metrics_or_none(layout)
    figures = metrics.get("localisation") if metrics else None
    return section_of("localisation", "Where the model looks", metrics=metrics, figures=figures, min_photos=MIN_PHOTOS)
