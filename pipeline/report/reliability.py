"""Reliability: whether the model is right as often as its probabilities say."""

from dataclasses import dataclass

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.evaluation.intervals import Interval
from pipeline.pages.charts import Axis, Bar, Chart, Line, Point, drawn
from pipeline.pages.page import figure, interval
from pipeline.report.files import metrics_or_none
from pipeline.report.measured import lines_or_none, number
from pipeline.report.sections import Section, section_of

_PROBABILITY = Axis("probability of the predicted class", 0.0, 1.0, "{:g}".format)


@dataclass(frozen=True)
class Bin:
    """Photos whose prediction is about equally sure; at least one."""

    low: float
    high: float
    """Of the probability of the predicted class."""
    n: int
    mean_probability: float
    accuracy: float
    interval: Interval


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `reliability`."""
    metrics = metrics_or_none(layout)
    bins = filled_bins(layout)
    return section_of(
        "reliability",
        "Reliability of the probabilities",
        metrics=metrics,
        bins=bins,
        charts=[drawn(chart) for chart in charts(bins)] if bins else [],
        num_bins=parameters.evaluate.calibration_bins,
    )


def filled_bins(layout: Layout) -> list[Bin]:
    """The bins of `reliability.csv` that hold photos."""
    path = layout.reports("evaluate") / "reliability.csv"
    bins = []
    for line in lines_or_none(path, "low", "high", "n", "mean_probability", "accuracy_low", "accuracy_high") or []:
        mean, accuracy = number(line["mean_probability"]), number(line["accuracy"])
        low, high = number(line["accuracy_low"]), number(line["accuracy_high"])
        if mean is not None and accuracy is not None and low is not None and high is not None:
            bins.append(Bin(float(line["low"]), float(line["high"]), int(line["n"]), mean, accuracy, (low, high)))
    return bins


def charts(bins: list[Bin]) -> list[Chart]:
    """Accuracy over probability, and the photos of each bin; at least one bin."""
    points = [
        Point(row.mean_probability, row.accuracy, f"{_words(row)}: {figure(row.accuracy)} right", row.interval)
        for row in bins
    ]
    bars = [Bar(row.low, row.high, row.n, f"{_words(row)}: {row.n:,} photos") for row in bins]
    right = "; ".join(f"{_words(row)}: {figure(row.accuracy)}, {interval(row.interval)}" for row in bins)
    counted = "; ".join(f"{_words(row)}: {row.n:,}" for row in bins)
    return [
        Chart(
            title="Share that is right",
            description=f"By probability of the predicted class, with 95 % intervals: {right}.",
            x=_PROBABILITY,
            y=Axis("share that is right", 0.0, 1.0),
            lines=[Line("model, with 95 % interval", points, is_joined=False)],
            diagonal="right as often as said",
        ),
        Chart(
            title="How sure the predictions are",
            description=f"Photos by probability of the predicted class: {counted}.",
            x=_PROBABILITY,
            y=Axis("photos", 0.0, 1.05 * max(row.n for row in bins), "{:,.0f}".format),
            bars=bars,
        ),
    ]


def _words(row: Bin) -> str:
    return f"{figure(row.low, 2)} to {figure(row.high, 2)}"
