"""The figures of the whole and of each class, with intervals, beside what no knowledge of the photos would get."""

from dataclasses import dataclass
from typing import Any

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.evaluation.intervals import Interval
from pipeline.report.files import metrics_or_none
from pipeline.report.measured import lines_or_none, number
from pipeline.report.sections import Section, section_of

_MEASURES = {
    "accuracy": ("Accuracy", "share of the photos that are right"),
    "balanced_accuracy": ("Balanced accuracy", "mean recall of the classes"),
    "macro_f1": ("F1, mean of the classes", "precision and recall in one figure"),
    "mcc": ("Correlation (MCC)", "of label and prediction; 0 is chance, 1 is best"),
}
_FIGURES = ("roc", "pr", "recall")


@dataclass(frozen=True)
class MeasureLine:
    """A figure of the whole side."""

    name: str
    meaning: str
    value: float
    interval: Interval
    majority: float | None
    """Of always answering the most frequent class."""


@dataclass(frozen=True)
class ClassLine:
    """A line of the per-class table; None where nothing determines a figure."""

    label: str
    n: int
    num_predicted: int
    threshold: float | None
    precision: float | None
    precision_interval: Interval | None
    recall: float | None
    recall_interval: Interval | None
    f1: float | None
    roc_auc: float | None
    pr_auc: float | None


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `classes`."""
    metrics = metrics_or_none(layout)
    lines = class_lines(layout)
    figures = [name for name in _FIGURES if (layout.reports("evaluate") / f"{name}.png").is_file()]
    return section_of(
        "classes",
        "Figures of the model",
        metrics=metrics,
        without_copies=metrics.get("without_copies") if metrics else None,
        measures=measure_lines(metrics) if metrics else [],
        lines=lines,
        figures=figures,
        samples=parameters.evaluate.bootstrap_samples,
    )


def measure_lines(metrics: dict[str, Any]) -> list[MeasureLine]:
    """The figures of `metrics.json` that have an interval and a baseline."""
    return [
        MeasureLine(name, meaning, metrics[key], tuple(metrics[f"{key}_interval"]), metrics.get(f"majority_{key}"))
        for key, (name, meaning) in _MEASURES.items()
        if key in metrics and f"{key}_interval" in metrics
    ]


def class_lines(layout: Layout) -> list[ClassLine]:
    """The per-class table of `evaluate`, in class order; empty where there is none."""
    lines = lines_or_none(layout.reports("evaluate") / "per_class.csv", "class", "threshold", "recall_low", "pr_auc")
    return [
        ClassLine(
            label=line["class"],
            n=int(line["n"]),
            num_predicted=int(line["num_predicted"]),
            threshold=number(line["threshold"]),
            precision=number(line["precision"]),
            precision_interval=_bounds(line, "precision"),
            recall=number(line["recall"]),
            recall_interval=_bounds(line, "recall"),
            f1=number(line["f1"]),
            roc_auc=number(line["roc_auc"]),
            pr_auc=number(line["pr_auc"]),
        )
        for line in lines or []
    ]


def _bounds(line: dict[str, str], name: str) -> Interval | None:
    low, high = number(line[f"{name}_low"]), number(line[f"{name}_high"])
    return None if low is None or high is None else (low, high)
