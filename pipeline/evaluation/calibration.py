"""Calibration: whether a model that says 80 % is right eight times in ten."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.intervals import Interval, wilson_interval

_SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class ReliabilityBin:
    """Photos whose prediction is about equally sure."""

    low: float
    high: float
    """Probability of the predicted class, low < p <= high (the first bin holds 0 too)."""
    n: int
    mean_probability: float | None
    accuracy: float | None
    """None, as the mean, in an empty bin."""
    accuracy_interval: Interval


def reliability_table(
    confidences: NDArray[np.float64], correct: NDArray[np.bool_], num_bins: int
) -> list[ReliabilityBin]:
    """Compare what the model says with how often it is right, in bins of equal width.

    Args:
        confidences: `(n,)`, probability of the predicted class of each photo, in [0, 1].
        correct: `(n,)`, whether the prediction is right.
        num_bins: bins over [0, 1].
    """
    edges = np.linspace(0.0, 1.0, num_bins + 1)
    bin_of = np.clip(np.searchsorted(edges, confidences, side="left") - 1, 0, num_bins - 1)
    table = []
    for index in range(num_bins):
        inside = bin_of == index
        n, hits = int(inside.sum()), int(correct[inside].sum())
        table.append(
            ReliabilityBin(
                low=float(edges[index]),
                high=float(edges[index + 1]),
                n=n,
                mean_probability=float(confidences[inside].mean()) if n else None,
                accuracy=hits / n if n else None,
                accuracy_interval=wilson_interval(hits, n),
            )
        )
    return table


def expected_calibration_error(table: list[ReliabilityBin]) -> float:
    """Mean gap between probability and accuracy over the bins, weighted by their photos, in [0, 1].

    Reference:
        Guo et al., "On calibration of modern neural networks", arXiv 1706.04599.
    """
    n = sum(row.n for row in table)
    gaps = (
        row.n * abs(row.mean_probability - row.accuracy)
        for row in table
        if row.mean_probability is not None and row.accuracy is not None
    )
    return sum(gaps) / n


def brier_score(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Mean squared distance of the probabilities from the truth, summed over the classes, in [0, 2].

    Reference:
        Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78, 1950.
    """
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def negative_log_likelihood(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Mean cross-entropy in nats per photo; a probability of 0 counts as the smallest normal float32."""
    of_truth = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_truth, _SMALLEST_PROBABILITY)).mean())
