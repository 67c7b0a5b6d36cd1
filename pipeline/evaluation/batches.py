"""Figures of each batch: photos come in batches, and a batch that falls behind is how trouble first shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from pipeline.evaluation.intervals import CONFIDENCE, Interval, wilson_interval
from pipeline.evaluation.metrics import Labels


@dataclass(frozen=True)
class BatchFigures:
    """A line of the table of batches; shares in [0, 1]."""

    batch: str
    n: int
    num_mistakes: int
    accuracy: float
    accuracy_interval: Interval
    expected_accuracy: float
    """What its classes alone would give: the mean, over its photos, of the recall of their class on the whole side."""
    p_value: float | None
    """Chance of so few right photos if the batch were like all others together; None where there is no other."""
    falls_behind: bool
    """Whether the p-value is below 5 %, divided by the number of batches that are looked at."""


def batch_table(batches: Sequence[str], labels: Labels, correct: NDArray[np.bool_]) -> list[BatchFigures]:
    """Measure each batch by itself, by name, with 95 % Wilson intervals.

    Args:
        batches: `(n,)`, the batch of each photo.
        labels: `(n,)`, true classes.
        correct: `(n,)`, whether the prediction is right.

    The p-value is that of Fisher's exact test, one-sided: a bad batch makes all others look good, and they must not be
    marked for it.

    Reference:
        Fisher, "On the interpretation of chi-squared from contingency tables", JRSS 85, 1922; the level is divided by
        the number of comparisons after Bonferroni.
    """
    of_photos = np.array(batches, object)
    names = sorted(set(batches))
    recalls = np.bincount(labels, correct) / np.maximum(np.bincount(labels), 1)
    level = (1 - CONFIDENCE) / len(names)
    table = []
    for name in names:
        inside = of_photos == name
        n, hits = int(inside.sum()), int(correct[inside].sum())
        p_value = _p_value(hits, n, int(correct.sum()), len(correct)) if n < len(correct) else None
        table.append(
            BatchFigures(
                batch=name,
                n=n,
                num_mistakes=n - hits,
                accuracy=hits / n,
                accuracy_interval=wilson_interval(hits, n),
                expected_accuracy=float(recalls[labels[inside]].mean()),
                p_value=p_value,
                falls_behind=p_value is not None and p_value < level,
            )
        )
    return table


def _p_value(hits: int, n: int, all_hits: int, num_photos: int) -> float:
    rest_hits, rest = all_hits - hits, num_photos - n
    return float(fisher_exact(np.array([[hits, n - hits], [rest_hits, rest - rest_hits]]), alternative="less").pvalue)
