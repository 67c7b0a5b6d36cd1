"""Figures of a classifier, from its confusion matrix and its probabilities.

What a confusion matrix determines is written over many matrices at once, so that a point estimate and its bootstrap
interval come from the same lines. Classes without photos on the measured side have no recall; they are left out of
means and stand as None in tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from pipeline.evaluation.intervals import Interval, Measure, wilson_interval

Labels = NDArray[np.int64]
"""`(n,)` class indices."""
Probabilities = NDArray[np.float64]
"""`(n, classes)` in [0, 1]."""
Figures = NDArray[np.float64]
Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True)
class ClassFigures:
    """A line of the per-class table; shares in [0, 1], None where nothing determines them."""

    label: str
    n: int
    """Photos of the class on the side."""
    num_predicted: int
    """Photos that the model puts into the class."""
    precision: float | None
    precision_interval: Interval
    recall: float | None
    recall_interval: Interval
    f1: float | None
    roc_auc: float | None
    """Class against the rest; chance is 0.5."""
    pr_auc: float | None
    """Average precision, class against the rest; chance is the class's share of the photos."""


@dataclass(frozen=True)
class Curve:
    """A curve of one class against the rest; x and y in [0, 1], the thresholds are probabilities."""

    label: str
    x: Figures
    y: Figures
    thresholds: Figures


@dataclass(frozen=True)
class Confused:
    """Photos of one class that were taken for another."""

    label: str
    predicted: str
    n: int
    share: float
    """Of the photos of the class `label`."""


def confusion_matrix(labels: Labels, predicted: Labels, num_classes: int) -> NDArray[np.int64]:
    """Counts `(classes, classes)`: rows are the true classes, columns the predicted ones."""
    cells = np.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def accuracy(confusion: NDArray[np.int64]) -> Figures:
    """Share of photos that are right; `(..., classes, classes)` to `(...)`."""
    return _ratio(_diagonal(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)))


def balanced_accuracy(confusion: NDArray[np.int64]) -> Figures:
    """Mean recall over the classes that have photos; `(..., classes, classes)` to `(...)`."""
    counts = confusion.sum(axis=-1)
    return _mean_where(_ratio(_diagonal(confusion), counts), counts > 0)


def macro_f1(confusion: NDArray[np.int64]) -> Figures:
    """Mean F1 over the classes that have photos; `(..., classes, classes)` to `(...)`."""
    counts = confusion.sum(axis=-1)
    return _mean_where(_f1(confusion), counts > 0)


def matthews_correlation(confusion: NDArray[np.int64]) -> Figures:
    """Correlation of truth and prediction in [-1, 1], 0 where either is constant; `(..., classes, classes)` to `(...)`.

    Reference:
        Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", 2004.
    """
    counts = confusion.astype(np.float64)
    true, predicted, n = counts.sum(axis=-1), counts.sum(axis=-2), counts.sum(axis=(-2, -1))
    covariance = _diagonal(counts).sum(axis=-1) * n - (true * predicted).sum(axis=-1)
    spread_of_true, spread_of_predicted = n**2 - (true**2).sum(axis=-1), n**2 - (predicted**2).sum(axis=-1)
    return _ratio(covariance, np.sqrt(spread_of_true * spread_of_predicted))


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "accuracy": accuracy,
        "balanced_accuracy": balanced_accuracy,
        "mcc": matthews_correlation,
        "macro_f1": macro_f1,
    }
)
"""What is reported with intervals and beside the majority baseline, by its name in `metrics.json`."""


def majority_baseline(confusion: NDArray[np.int64]) -> NDArray[np.int64]:
    """Confusion matrix of the model that always answers the side's most frequent class."""
    counts = confusion.sum(axis=-1)
    baseline = np.zeros_like(confusion)
    baseline[:, counts.argmax()] = counts
    return baseline


def class_table(
    confusion: NDArray[np.int64], labels: Labels, probabilities: Probabilities, classes: Sequence[str]
) -> list[ClassFigures]:
    """Figures of each class, in class order, with 95 % Wilson intervals of precision and recall."""
    counts, num_predicted, right = confusion.sum(axis=1), confusion.sum(axis=0), _diagonal(confusion)
    f1 = _f1(confusion)
    table = []
    for index, label in enumerate(classes):
        n, taken, hits = int(counts[index]), int(num_predicted[index]), int(right[index])
        is_class, scores = labels == index, probabilities[:, index]
        separable = 0 < n < len(labels)
        table.append(
            ClassFigures(
                label=label,
                n=n,
                num_predicted=taken,
                precision=hits / taken if taken else None,
                precision_interval=wilson_interval(hits, taken),
                recall=hits / n if n else None,
                recall_interval=wilson_interval(hits, n),
                f1=float(f1[index]) if n else None,
                roc_auc=float(roc_auc_score(is_class, scores)) if separable else None,
                pr_auc=float(average_precision_score(is_class, scores)) if separable else None,
            )
        )
    return table


def top_confusions(confusion: NDArray[np.int64], classes: Sequence[str], limit: int = 10) -> list[Confused]:
    """The most frequent confusions, most photos first, at most `limit`; ties in class order."""
    counts = confusion.sum(axis=1)
    cells = [
        Confused(classes[row], classes[column], int(n), float(n / counts[row]))
        for (row, column), n in np.ndenumerate(confusion)
        if n and row != column
    ]
    return sorted(cells, key=lambda cell: -cell.n)[:limit]


def roc_curves(labels: Labels, probabilities: Probabilities, classes: Sequence[str]) -> list[Curve]:
    """False positive rate (x) and recall (y) by threshold, a curve for each class that the side can tell apart."""
    curves = []
    for index, label in _separable(labels, classes):
        x, y, thresholds = roc_curve(labels == index, probabilities[:, index])
        curves.append(
            Curve(label, x, y, np.minimum(thresholds, 1.0))
        )  # the first threshold is infinite: nothing passes
    return curves


def precision_recall_curves(labels: Labels, probabilities: Probabilities, classes: Sequence[str]) -> list[Curve]:
    """Recall (x) and precision (y) by threshold, a curve for each class that the side can tell apart."""
    curves = []
    for index, label in _separable(labels, classes):
        y, x, thresholds = precision_recall_curve(labels == index, probabilities[:, index])
        curves.append(Curve(label, x, y, np.append(thresholds, 1.0)))  # the last point has no threshold: nothing passes
    return curves


def _separable(labels: Labels, classes: Sequence[str]) -> list[tuple[int, str]]:
    counts = np.bincount(labels, minlength=len(classes))
    return [(index, label) for index, label in enumerate(classes) if 0 < counts[index] < len(labels)]


def _diagonal(confusion: NDArray[Number]) -> NDArray[Number]:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _f1(confusion: NDArray[np.int64]) -> Figures:
    return _ratio(2 * _diagonal(confusion), confusion.sum(axis=-1) + confusion.sum(axis=-2))


def _ratio(numerator: ArrayLike, denominator: ArrayLike) -> Figures:
    """Numerator over denominator, 0 where the denominator is 0."""
    below = np.asarray(denominator, np.float64)
    ratio: Figures = np.divide(numerator, below, out=np.zeros_like(below), where=below > 0)
    return ratio


def _mean_where(values: Figures, counted: NDArray[np.bool_]) -> Figures:
    return _ratio((values * counted).sum(axis=-1), counted.sum(axis=-1))
