"""How the model does on each batch: a batch that falls behind is how trouble first shows."""

from dataclasses import dataclass

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.evaluation.intervals import Interval
from pipeline.report.files import metrics_or_none
from pipeline.report.measured import lines_or_none, number
from pipeline.report.sections import Section, section_of


@dataclass(frozen=True)
class BatchLine:
    """A line of `per_batch.csv`."""

    batch: str
    n: int
    num_mistakes: int
    accuracy: float
    interval: Interval
    expected_accuracy: float
    p_value: float | None
    falls_behind: bool


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `batches`."""
    return section_of("batches", "Batches", metrics=metrics_or_none(layout), lines=batch_lines(layout))


def batch_lines(layout: Layout) -> list[BatchLine]:
    """The figures of each batch, by name; empty where there are none."""
    lines = lines_or_none(layout.reports("evaluate") / "per_batch.csv", "batch", "expected_accuracy", "falls_behind")
    return [
        BatchLine(
            batch=line["batch"],
            n=int(line["n"]),
            num_mistakes=int(line["num_mistakes"]),
            accuracy=float(line["accuracy"]),
            interval=(float(line["accuracy_low"]), float(line["accuracy_high"])),
            expected_accuracy=float(line["expected_accuracy"]),
            p_value=number(line["p_value"]),
            falls_behind=line["falls_behind"] == "true",
        )
        for line in lines or []
    ]
