"""Comparisons: whether the photos that are asked about differ from those of training by more than chance would have it.

Two questions are asked of each measure, and both must be answered with yes. Is the difference large: its population
stability index, less what chance alone gives so few photos, above a limit? And is it no chance: would photos that are
dealt out anew between the two sides hardly ever differ so much, though all measures are looked at together?

Photos come in series, of one wall or one afternoon, and ten of a series tell little more than one. So many photos count
as fewer: as two of five at most, and as fewer still where photos that were asked about one after the other are much
alike. That also pays for the days: a release is looked at daily, and each look is a chance for a false alarm.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

MAX_P_VALUE = 0.01
"""Of all measures together: so rarely does one of them drift by chance."""

LEAST_SERIES = 2.5
"""So many photos count as one at least."""

_NUM_BINS = 10
_MIN_PHOTOS_PER_BIN = 10
"""Of the reference; with fewer photos there are fewer bins, and two at least."""
_NUM_DEALS = 4_999
_HALF = 0.5
"""Added to each count, so that an empty bin tells much and not everything."""

Values = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Comparison:
    """One measure of the photos of training, and of those that are asked about."""

    name: str
    drift: float
    """Population stability index beyond what chance gives, from 0: above 0.1 some change, above 0.25 a large one."""
    p_value: float
    """How rarely chance makes such a difference; once `settled` has seen all measures, among so many of them."""
    reference: Values
    """(m,) of the photos that were trained on; of classes, their indices."""
    asked: Values
    """(n,) of the photos that are asked about."""

    def has_drifted(self, max_drift: float) -> bool:
        """Whether the difference is both large and no chance."""
        return self.drift > max_drift and self.p_value < MAX_P_VALUE


def compared(name: str, reference: Values, asked: Values, seed: int) -> Comparison:
    """Compare the values of a measure, in bins that hold equally many values of the reference.

    Args:
        name: of the measure.
        reference: (m,), m at least 1.
        asked: (n,), n at least 1, in the order in which photos were asked about.
        seed: of the deals; equal seeds give equal results.
    """
    edges = _edges(reference)
    drift, p_value = _drift(np.searchsorted(edges, reference), np.searchsorted(edges, asked), seed)
    return Comparison(name, drift, p_value, reference, asked)


def compared_classes(name: str, reference: Counts, asked: Counts, seed: int) -> Comparison:
    """Compare which classes are predicted.

    Args:
        name: of the measure.
        reference: (m,) class indices, m at least 1.
        asked: (n,) class indices, n at least 1, in the order in which photos were asked about.
        seed: see `compared`.
    """
    drift, p_value = _drift(reference, asked, seed)
    return Comparison(name, drift, p_value, reference.astype(np.float64), asked.astype(np.float64))


def settled(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons, each with its p-value among so many: chance gets no further try with every measure.

    Reference:
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
    """
    order = sorted(range(len(comparisons)), key=lambda index: comparisons[index].p_value)
    adjusted = {}
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, comparisons[index].p_value * (len(order) - rank)))
        adjusted[index] = largest
    return [replace(comparison, p_value=adjusted[index]) for index, comparison in enumerate(comparisons)]


def stability_index(reference: Counts, asked: Counts) -> Values:
    """Population stability index: how far two sides fall into other bins, from 0.

    Args:
        reference: (..., bins) counts.
        asked: (..., bins) counts.
    """
    shares = [
        (counts + _HALF) / (counts.sum(axis=-1, keepdims=True) + _HALF * counts.shape[-1])
        for counts in (reference, asked)
    ]
    index: Values = ((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum(axis=-1)
    return index


def series_length(bins: Counts) -> float:
    """How many photos of a row tell as much as one of its own, from 1: more where neighbours fall into one bin.

    Args:
        bins: (n,) bin of each photo, in the order in which photos were asked about.

    Reference:
        Rao and Scott, "On chi-squared tests for multiway contingency tables with cell proportions estimated from
        survey data", Annals of Statistics 12, 1984, for what such a length does to counts.
    """
    number = len(bins)
    by_chance = float(((np.bincount(bins) / number) ** 2).sum())
    length = 1.0
    for lag in range(1, number // 4 if by_chance < 1 else 0):
        likeness = (float(np.mean(bins[lag:] == bins[:-lag])) - by_chance) / (1 - by_chance)
        if likeness <= 0:
            break
        length += 2 * (1 - lag / number) * likeness
    return length


def _edges(reference: Values) -> Values:
    """Upper ends of all bins but the last; a value that fills several bins, such as a usual size, has its own."""
    num_bins = int(np.clip(len(reference) // _MIN_PHOTOS_PER_BIN, 2, _NUM_BINS))
    ends, counts = np.unique(
        np.quantile(reference, np.arange(1, num_bins) / num_bins, method="lower"), return_counts=True
    )
    usual = ends[(counts > 1) | (ends == reference.max())]
    return np.union1d(ends, np.nextafter(usual, -np.inf))


def _drift(reference: Counts, asked: Counts, seed: int) -> tuple[float, float]:
    """Drift beyond chance, and how rarely chance comes so far; of two rows of bins."""
    num_bins = 1 + int(max(reference.max(), asked.max()))
    counts = [np.bincount(bins, minlength=num_bins) for bins in (reference, asked)]
    seen, pooled = float(stability_index(counts[0], counts[1])), counts[0] + counts[1]
    deals = np.random.default_rng(seed).multivariate_hypergeometric(
        pooled, len(asked), size=_NUM_DEALS, method="marginals"
    )
    # Series make shares of bins vary so many times as much, and the index with them.
    by_chance = stability_index(pooled - deals, deals) * max(LEAST_SERIES, series_length(asked))
    as_far = int(np.count_nonzero(by_chance >= seen - 1e-12))
    return max(0.0, seen - float(by_chance.mean())), (1 + as_far) / (1 + _NUM_DEALS)
