"""Trust: whether the model is right as often as it says, on photos that were labelled after it was trained."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.calibration import ReliabilityBin, expected_calibration_error, reliability_table
from pipeline.watch.comparison import LEAST_SERIES, MAX_P_VALUE

_NUM_BINS = 10
_NUM_DRAWS = 1_999


@dataclass(frozen=True)
class Calibration:
    """What the labels say of the probabilities."""

    num_photos: int
    accuracy: float
    certainty: float
    """Mean probability of the predicted class."""
    error: float
    """Expected calibration error beyond what chance gives a well calibrated model on so few photos, from 0."""
    p_value: float
    """How rarely a well calibrated model errs so much."""
    bins: tuple[ReliabilityBin, ...]

    def is_off(self, max_error: float) -> bool:
        """Whether the error is both large and no chance."""
        return self.error > max_error and self.p_value < MAX_P_VALUE


def calibration_of(certainty: NDArray[np.float64], correct: NDArray[np.bool_], seed: int) -> Calibration:
    """Hold what the model said against what was right.

    Chance is what remains where each answer is right with the very probability that the model gave it, and where so
    many photos tell as little as in series of `LEAST_SERIES`.

    Args:
        certainty: (n,) probability of the predicted class, in [0, 1]; n at least 1.
        correct: (n,) whether that class is the photo's label.
        seed: of the draws; equal seeds give equal results.

    Reference:
        Bröcker and Smith, "Increasing the reliability of reliability diagrams", Weather and Forecasting 22, 2007.
    """
    table = reliability_table(certainty, correct, _NUM_BINS)
    seen = expected_calibration_error(table)
    drawn = np.random.default_rng(seed).random((_NUM_DRAWS, len(certainty))) < certainty
    by_chance = _errors(certainty, drawn) * np.sqrt(LEAST_SERIES)
    as_far = int(np.count_nonzero(by_chance >= seen - 1e-12))
    return Calibration(
        num_photos=len(correct),
        accuracy=float(correct.mean()),
        certainty=float(certainty.mean()),
        error=max(0.0, seen - float(by_chance.mean())),
        p_value=(1 + as_far) / (1 + _NUM_DRAWS),
        bins=tuple(table),
    )


def _errors(certainty: NDArray[np.float64], correct: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Expected calibration errors of many draws at once, (draws, n) to (draws,); the bins are those of the table."""
    edges = np.linspace(0.0, 1.0, _NUM_BINS + 1)
    bin_of = np.clip(np.searchsorted(edges, certainty, side="left") - 1, 0, _NUM_BINS - 1)
    gaps = (certainty - correct) @ np.eye(_NUM_BINS)[bin_of]
    errors: NDArray[np.float64] = np.abs(gaps).sum(axis=1) / len(certainty)
    return errors
