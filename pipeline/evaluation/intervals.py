"""Intervals: how far a figure that was measured on so many photos can be trusted."""

import math
from collections.abc import Callable, Iterator, Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
Measure = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""Confusion matrices `(..., classes, classes)`, rows the true classes, to one figure each."""

CONFIDENCE = 0.95

_DRAWS_AT_ONCE = 1_000


def wilson_interval(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Two-sided Wilson score interval of a share.

    Args:
        successes: how many of `n`.
        n: how many were tried; 0 gives the interval that says nothing, 0 to 1.
        confidence: in (0, 1).

    Returns:
        Low and high, in [0, 1]; the share lies between them.

    Reference:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    z = _two_sided(confidence)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # Rounding must not push the bounds past the share itself, at shares of 0 and 1.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def bootstrap_intervals(
    confusion: NDArray[np.int64],
    measures: Mapping[str, Measure],
    seed: int,
    samples: int,
    confidence: float = CONFIDENCE,
) -> dict[str, Interval]:
    """Two-sided percentile bootstrap intervals of figures that a confusion matrix determines.

    Drawing photos with replacement and counting them is one multinomial draw over the cells of the confusion matrix,
    so no photo is drawn at all and the cost does not grow with their number.

    Args:
        confusion: `(classes, classes)`, rows the true classes; at least one photo.
        measures: by name; each takes many matrices at once.
        seed: of the draws; equal seeds give equal intervals.
        samples: number of draws.
        confidence: in (0, 1).

    Returns:
        Low and high by name; all figures rest on the same draws.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    drawn: dict[str, list[NDArray[np.float64]]] = {name: [] for name in measures}
    for confusions in _redrawn(confusion, seed, samples):
        for name, measure in measures.items():
            drawn[name].append(measure(confusions))
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    return {name: _quantiles(np.concatenate(values), tails) for name, values in drawn.items()}


def paired_bootstrap_lower_bound(
    candidate_correct: NDArray[np.bool_],
    champion_correct: NDArray[np.bool_],
    seed: int,
    samples: int,
    confidence: float = CONFIDENCE,
) -> float:
    """One-sided lower bound of the candidate's gain of accuracy over the champion, photo by photo.

    Args:
        candidate_correct: `(n,)`, whether the candidate is right on each photo; at least one photo.
        champion_correct: the same of the champion, in the same order.
        seed: of the draws.
        samples: number of draws.
        confidence: share of the draws that lie above the bound.

    Returns:
        Difference of accuracies in [-1, 1]; negative where the candidate may be worse.

    Raises:
        ValueError: no photos, or answers to different numbers of photos.
    """
    n = len(candidate_correct)
    if n == 0 or n != len(champion_correct):
        raise ValueError(f"answers to {n} and {len(champion_correct)} photos cannot be paired")
    better = np.count_nonzero(candidate_correct & ~champion_correct)
    worse = np.count_nonzero(champion_correct & ~candidate_correct)
    shares = np.array([better, worse, n - better - worse]) / n
    drawn = np.random.default_rng(seed).multinomial(n, shares, size=samples)
    return float(np.quantile((drawn[:, 0] - drawn[:, 1]) / n, 1 - confidence))


def photos_needed_for_margin(
    candidate_correct: NDArray[np.bool_],
    champion_correct: NDArray[np.bool_],
    margin: float,
    confidence: float = CONFIDENCE,
    power: float = 0.8,
) -> int:
    """How many test photos a margin needs, so that a candidate as good as the champion passes.

    Normal approximation: with equal accuracies the mean paired difference over n photos has the variance d / n, where
    d is the share of photos on which just one of the two models is right, and its lower bound must clear -margin with
    the probability `power`. Models that never disagree still need enough photos for that to mean something: n with
    (1 - margin)^n <= 1 - confidence.

    Args:
        candidate_correct: `(n,)`, whether the candidate is right on each photo; d is measured on these.
        champion_correct: the same of the champion, in the same order.
        margin: largest accepted loss of accuracy, in (0, 1).
        confidence: of the one-sided lower bound, in (0, 1).
        power: probability that an equal candidate passes, in (0, 1).

    Reference:
        Connor, "Sample size for testing differences in proportions for the paired-sample design", Biometrics 43, 1987.
    """
    disagreement = float(np.mean(candidate_correct != champion_correct)) if len(candidate_correct) else 0.0
    z = NormalDist().inv_cdf(confidence) + NormalDist().inv_cdf(power)
    by_approximation = z**2 * disagreement / margin**2
    without_disagreement = math.log(1 - confidence) / math.log(1 - margin)
    return math.ceil(max(by_approximation, without_disagreement))


def _two_sided(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _redrawn(confusion: NDArray[np.int64], seed: int, samples: int) -> Iterator[NDArray[np.int64]]:
    """Confusion matrices of redrawn photos, `(draws, classes, classes)`, some at a time to bound memory."""
    n = int(confusion.sum())
    generator = np.random.default_rng(seed)
    shares = confusion.ravel() / n
    for done in range(0, samples, _DRAWS_AT_ONCE):
        draws = min(_DRAWS_AT_ONCE, samples - done)
        yield generator.multinomial(n, shares, size=draws).reshape(draws, *confusion.shape)


def _quantiles(values: NDArray[np.float64], tails: tuple[float, float]) -> Interval:
    low, high = np.quantile(values, tails)
    return float(low), float(high)
