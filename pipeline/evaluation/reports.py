"""The files of an evaluation that people read: CSV tables and PNG figures, with equal bytes for equal figures."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from pipeline.core.tables import replacing, write_text
from pipeline.evaluation import figures
from pipeline.evaluation.batches import BatchFigures
from pipeline.evaluation.gallery import mistakes_sheet
from pipeline.evaluation.intervals import Interval
from pipeline.evaluation.measurement import Measurement

_DOTS_PER_INCH = 110


def write_tables(folder: Path, measurement: Measurement) -> None:
    """Write per_class.csv, confusion.csv (a line per photo), top_confusions.csv, reliability.csv, roc.csv, pr.csv and
    mistakes.csv into `folder`."""
    answers = measurement.answers
    pairs = zip(answers.labels, answers.predicted, strict=True)
    named = [(answers.classes[label], answers.classes[predicted]) for label, predicted in pairs]
    _write_csv(folder / "confusion.csv", ("actual", "predicted"), named)
    _write_csv(folder / "per_class.csv", _PER_CLASS, _class_lines(measurement))
    confused = [(cell.label, cell.predicted, cell.n, cell.share) for cell in measurement.top_confusions]
    _write_csv(folder / "top_confusions.csv", ("label", "predicted", "n", "share_of_label"), confused)
    bins = [
        (row.low, row.high, row.n, row.mean_probability, row.accuracy, *_bounds(row.accuracy_interval, row.n))
        for row in measurement.reliability
    ]
    _write_csv(folder / "reliability.csv", _RELIABILITY, bins)
    for name, columns, curves in (
        ("roc.csv", ("false_positive_rate", "recall"), measurement.roc),
        ("pr.csv", ("recall", "precision"), measurement.precision_recall),
    ):
        points = (
            (curve.label, *point)
            for curve in curves
            for point in zip(curve.x.tolist(), curve.y.tolist(), curve.thresholds.tolist(), strict=True)
        )
        _write_csv(folder / name, ("class", *columns, "threshold"), points)
    mistakes = [
        (mistake.path, mistake.label, mistake.predicted, mistake.probability, mistake.threshold)
        for mistake in measurement.mistakes
    ]
    _write_csv(folder / "mistakes.csv", ("path", "label", "predicted", "probability", "threshold"), mistakes)


def write_batch_table(path: Path, table: Sequence[BatchFigures]) -> None:
    """Write the figures of each batch as CSV."""
    lines = [
        (
            *(row.batch, row.n, row.num_mistakes, row.accuracy, *row.accuracy_interval),
            *(row.expected_accuracy, row.p_value, str(row.falls_behind).lower()),
        )
        for row in table
    ]
    _write_csv(path, _PER_BATCH, lines)


def write_figures(folder: Path, measurement: Measurement, subject: str, mistaken_photos: Sequence[Image.Image]) -> None:
    """Write the figures as PNG files into `folder`.

    Args:
        folder: made where missing.
        measurement: what is drawn.
        subject: what was measured, for the titles.
        mistaken_photos: upright photos of the first mistakes.
    """
    table = measurement.class_table
    drawn = {
        "confusion": figures.confusion_figure(
            measurement.confusion, measurement.answers.classes, f"Confusion matrix, {subject}"
        ),
        "reliability": figures.reliability_figure(
            measurement.reliability, measurement.calibration_error, f"Reliability, {subject}"
        ),
        "roc": figures.roc_figure(measurement.roc, table, f"ROC, each class against the rest, {subject}"),
        "pr": figures.precision_recall_figure(
            measurement.precision_recall, table, f"Precision and recall, each class against the rest, {subject}"
        ),
        "recall": figures.recall_figure(
            table, measurement.majority["balanced_accuracy"], f"Recall of each class, {subject}"
        ),
        "mistakes": mistakes_sheet(
            measurement.mistakes[: len(mistaken_photos)],
            mistaken_photos,
            f"The {len(mistaken_photos)} most confident of {len(measurement.mistakes)} mistakes, {subject}",
        ),
    }
    for name, figure in drawn.items():
        save_figure(folder / f"{name}.png", figure)


def save_figure(path: Path, figure: Figure) -> None:
    """Save a figure as PNG in one step; without its maker's version, so that equal figures give equal bytes."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})


_PER_BATCH = (
    "batch",
    "n",
    "num_mistakes",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "expected_accuracy",
    "p_value",
    "falls_behind",
)
_PER_CLASS = (
    "class",
    "threshold",
    "n",
    "num_predicted",
    "precision",
    "precision_low",
    "precision_high",
    "recall",
    "recall_low",
    "recall_high",
    "f1",
    "roc_auc",
    "pr_auc",
)
_RELIABILITY = ("low", "high", "n", "mean_probability", "accuracy", "accuracy_low", "accuracy_high")


def _class_lines(measurement: Measurement) -> Iterable[Sequence[object]]:
    for row, threshold in zip(measurement.class_table, measurement.answers.thresholds, strict=True):
        precision = (row.precision, *_bounds(row.precision_interval, row.num_predicted))
        recall = (row.recall, *_bounds(row.recall_interval, row.n))
        yield row.label, threshold, row.n, row.num_predicted, *precision, *recall, row.f1, row.roc_auc, row.pr_auc


def _bounds(interval: Interval, n: int) -> tuple[float | None, float | None]:
    """An interval's bounds; empty cells where no photo determines it."""
    return interval if n else (None, None)


def _write_csv(path: Path, columns: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in line] for line in lines)
    write_text(path, text.getvalue())


def _cell(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
