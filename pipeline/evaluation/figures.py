"""Figures of an evaluation: data in, a matplotlib figure out; nothing is shown or saved here.

Maps use cividis and lines the palette of Okabe and Ito, which readers with any colour vision tell apart.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise, product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from pipeline.evaluation.calibration import ReliabilityBin
from pipeline.evaluation.intervals import Interval
from pipeline.evaluation.metrics import ClassFigures, Curve
from pipeline.learning.history import EpochRow

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
_LINE_KINDS = ("-", "--", ":")
_BLUE, _ORANGE = _COLOURS[:2]
_GREY = "0.45"

_MAX_CLASSES_WITH_NUMBERS = 25


def confusion_figure(confusion: NDArray[np.int64], classes: Sequence[str], title: str) -> Figure:
    """Draw the confusion matrix twice: counts, and shares of each true class.

    Args:
        confusion: `(classes, classes)`, rows the true classes.
        classes: names in class order.
        title: what was measured.
    """
    num_classes = len(classes)
    side = 2.2 + max(2.0, 0.42 * num_classes)
    figure = Figure(figsize=(2 * side, side + 0.8), layout="compressed")
    counts = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, counts, out=np.full(confusion.shape, np.nan), where=counts > 0)
    left, right = figure.subplots(1, 2)
    figure.suptitle(title)
    _matrix(left, confusion, classes, "photos")
    _matrix(right, shares, classes, "share of the true class")
    right.set_ylabel("")
    right.set_yticks(range(num_classes), [])
    return figure


def reliability_figure(table: Sequence[ReliabilityBin], calibration_error: float, title: str) -> Figure:
    """Draw accuracy against the probability of the prediction, with 95 % intervals and the number of photos.

    Args:
        table: bins of equal width over [0, 1].
        calibration_error: expected calibration error, in [0, 1].
        title: what was measured.
    """
    figure = Figure(figsize=(6, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    figure.suptitle(title)
    filled = [row for row in table if row.accuracy is not None and row.mean_probability is not None]
    x, y = [row.mean_probability or 0.0 for row in filled], np.array([row.accuracy or 0.0 for row in filled])
    upper.plot([0, 1], [0, 1], color=_GREY, linestyle="--", label="perfectly calibrated")
    reaches = _reaches(y, [row.accuracy_interval for row in filled])
    upper.errorbar(x, y, yerr=reaches, fmt="o-", color=_BLUE, capsize=3, label="model, 95 % interval")
    upper.set(ylabel="share that is right", xlim=(0, 1), ylim=(0, 1.02))
    upper.set_title(f"expected calibration error {calibration_error:.3f}", fontsize="medium")
    upper.legend(loc="upper left")
    width = 1 / len(table)
    lower.bar([row.low for row in table], [row.n for row in table], width=width, align="edge", color=_BLUE, ec="white")
    lower.set(xlabel="probability of the predicted class", ylabel="photos")
    return figure


def roc_figure(curves: Sequence[Curve], table: Sequence[ClassFigures], title: str) -> Figure:
    """Draw a ROC curve for each class against the rest, with chance as the dashed line."""
    areas = {row.label: row.roc_auc for row in table}
    names = {label: f"{label} (area {area:.3f})" for label, area in areas.items() if area is not None}
    figure, axes = _curves(curves, names, "default")
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1)
    axes.set(xlabel="false positive rate", ylabel="recall (true positive rate)")
    figure.suptitle(title)
    return figure


def precision_recall_figure(curves: Sequence[Curve], table: Sequence[ClassFigures], title: str) -> Figure:
    """Draw precision over recall for each class; chance is the class's share, given in the legend."""
    n = sum(row.n for row in table)
    names = {
        row.label: f"{row.label} (average precision {row.pr_auc:.3f}, chance {row.n / n:.3f})"
        for row in table
        if row.pr_auc is not None
    }
    figure, axes = _curves(curves, names, "steps-post")  # as average precision sums it: no line between the points
    axes.set(xlabel="recall", ylabel="precision")
    figure.suptitle(title)
    return figure


def recall_figure(table: Sequence[ClassFigures], baseline: float, title: str) -> Figure:
    """Draw the recall of each class with its 95 % Wilson interval.

    Args:
        table: the per-class table; classes without photos are named and left empty.
        baseline: mean recall of always answering the most frequent class.
        title: what was measured.
    """
    figure = Figure(figsize=(7, 1.6 + 0.34 * len(table)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(table))
    recalls = np.array([row.recall or 0.0 for row in table])
    axes.barh(places, recalls, color=_BLUE, height=0.7)
    measured = [index for index, row in enumerate(table) if row.n]
    reaches = _reaches(recalls[measured], [table[index].recall_interval for index in measured])
    axes.errorbar(recalls[measured], places[measured], xerr=reaches, fmt="none", ecolor="black", capsize=3)
    axes.axvline(baseline, color=_ORANGE, linestyle="--", label=f"always the most frequent class: mean {baseline:.2f}")
    axes.set_yticks(places, [f"{row.label} (n = {row.n})" for row in table])
    axes.invert_yaxis()
    axes.set(xlabel="recall, with 95 % interval", xlim=(0, 1.02))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    figure.legend(loc="outside lower center")
    figure.suptitle(title)
    return figure


def learning_figure(history: Sequence[EpochRow], title: str) -> Figure:
    """Draw loss, accuracy and learning rate by epoch, with the phases and the kept epoch marked.

    Args:
        history: an epoch per row, in order.
        title: what was trained.
    """
    figure = Figure(figsize=(8, 8), layout="constrained")
    loss, accuracy, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 2))
    figure.suptitle(title)
    epochs = [row.epoch for row in history]
    loss.plot(epochs, [row.loss for row in history], "o-", markersize=3, color=_BLUE, label="training")
    loss.plot(epochs, [row.val_loss for row in history], "s-", markersize=3, color=_ORANGE, label="validation")
    loss.set_ylabel("loss (nats per photo)")
    accuracy.plot(epochs, [row.accuracy for row in history], "o-", markersize=3, color=_BLUE, label="training")
    for name, marker, colour in (("accuracy", "s-", _ORANGE), ("balanced_accuracy", "^:", _COLOURS[2])):
        values = [getattr(row, f"val_{name}") for row in history]
        accuracy.plot(epochs, values, marker, markersize=3, color=colour, label=f"validation, {name.replace('_', ' ')}")
    accuracy.set_ylabel("accuracy")
    accuracy.yaxis.set_major_formatter(PercentFormatter(1.0))
    rate.plot(epochs, [row.learning_rate for row in history], "o-", markersize=3, color="black")
    rate.set(xlabel="epoch", ylabel="learning rate", yscale="log")
    rate.xaxis.set_major_locator(MaxNLocator(integer=True))
    starts = [row.epoch for before, row in pairwise(history) if row.phase != before.phase]
    kept = [row.epoch for row in history if row.kept][-1:]
    for axes in (loss, accuracy, rate):
        for epoch in starts:
            axes.axvline(epoch - 0.5, color=_GREY, linestyle="--", label="next phase" if epoch == starts[0] else None)
        for epoch in kept:
            axes.axvline(epoch, color=_COLOURS[4], linestyle=":", label=f"kept: epoch {epoch}")
    loss.legend(fontsize="small")
    accuracy.legend(fontsize="small")
    return figure


def _matrix(axes: Axes, values: NDArray[np.generic], classes: Sequence[str], title: str) -> None:
    shown = np.asarray(values, np.float64)
    top = float(np.nanmax(shown)) or 1.0
    axes.imshow(shown, cmap="cividis", vmin=0, vmax=top)
    axes.set_title(title)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_facecolor("0.9")  # rows without photos have no shares
    if len(classes) > _MAX_CLASSES_WITH_NUMBERS:
        return
    size = 11 if len(classes) <= 5 else 8
    for row, column in product(range(len(classes)), repeat=2):
        value = shown[row, column]
        if np.isnan(value) or (value == 0 and len(classes) > 5):  # noughts would drown the rest
            continue
        text = f"{value:.0f}" if np.issubdtype(values.dtype, np.integer) else f"{value:.2f}".removeprefix("0")
        colour = "black" if value > 0.55 * top else "white"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def _curves(curves: Sequence[Curve], names: Mapping[str, str], style: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9.5, 5.5), layout="constrained")
    axes = figure.subplots()
    for index, curve in enumerate(curves):
        kind = _LINE_KINDS[index // len(_COLOURS) % len(_LINE_KINDS)]
        colour = _COLOURS[index % len(_COLOURS)]
        axes.plot(curve.x, curve.y, drawstyle=style, color=colour, linestyle=kind, label=names[curve.label])
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    axes.set_aspect("equal")
    if curves:
        figure.legend(loc="outside right center", fontsize="small")
    return figure, axes


def _reaches(values: NDArray[np.float64], intervals: Sequence[Interval]) -> NDArray[np.float64]:
    """How far each interval reaches below and above its value, `(2, n)`, as error bars want it."""
    bounds = np.array(intervals, np.float64).reshape(-1, 2)
    return np.stack([values - bounds[:, 0], bounds[:, 1] - values])
