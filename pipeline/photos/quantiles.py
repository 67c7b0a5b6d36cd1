"""Quantiles: how the photos of a run lie against the threshold of each rule, so that a person can move it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.core.parameters import CleanParameters
from pipeline.photos.reasons import RULES, Rule
from pipeline.photos.records import PhotoRow

LEVELS = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class MeasureSummary:
    """One measure of all readable photos, and the rule that judges it."""

    rule: str
    measure: str
    parameter: str
    """Key of the threshold in the section `clean` of `params.yaml`."""
    threshold: float
    trips_below: bool
    """Whether photos below the threshold trip the rule, or those above."""
    num_tripped: int
    quantiles: Mapping[str, float]
    """By level, `0` to `1`."""


def summarise_measures(photos: Sequence[PhotoRow], parameters: CleanParameters) -> list[MeasureSummary]:
    """Quantiles of each measure of the readable photos, with its threshold and how many photos trip it."""
    readable = [photo for photo in photos if not photo.error]
    return [_summary(rule, readable, parameters) for rule in RULES] if readable else []


def _summary(rule: Rule, photos: Sequence[PhotoRow], parameters: CleanParameters) -> MeasureSummary:
    values = np.array([rule.value(photo) for photo in photos], dtype=np.float64)
    threshold = rule.threshold(parameters)
    tripped = values < threshold if rule.is_floor else values > threshold
    levels = np.quantile(values, LEVELS, method="lower")
    return MeasureSummary(
        rule=rule.reason,
        measure=rule.measure,
        parameter=rule.parameter,
        threshold=threshold,
        trips_below=rule.is_floor,
        num_tripped=int(tripped.sum()),
        quantiles={f"{name:g}": round(float(value), 4) for name, value in zip(LEVELS, levels, strict=True)},
    )
