"""All that a model's answers to one side's photos say, gathered for tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.core.parameters import EvaluateParameters
from pipeline.evaluation import calibration, metrics
from pipeline.evaluation.calibration import ReliabilityBin
from pipeline.evaluation.gallery import Mistake
from pipeline.evaluation.intervals import Interval, bootstrap_intervals
from pipeline.evaluation.metrics import ClassFigures, Confused, Curve, Labels, Probabilities
from pipeline.evaluation.scoring import predicted_classes


@dataclass(frozen=True, eq=False)
class Answers:
    """A model's answers to photos of known class."""

    paths: tuple[str, ...]
    labels: Labels
    """True classes."""
    probabilities: Probabilities
    classes: tuple[str, ...]
    thresholds: tuple[float, ...]
    """Per class, in [0, 1]."""

    @property
    def predicted(self) -> Labels:
        """Predicted classes."""
        return predicted_classes(self.probabilities, self.thresholds)


@dataclass(frozen=True, eq=False)
class Measurement:
    """Figures of a model on one side; tables are in class order unless they say otherwise."""

    answers: Answers
    confusion: NDArray[np.int64]
    """`(classes, classes)`, rows the true classes."""
    figures: dict[str, float]
    """By the names of `metrics.MEASURES`."""
    intervals: dict[str, Interval]
    """95 % bootstrap intervals of the same."""
    majority: dict[str, float]
    """The same figures of always answering the most frequent class."""
    class_table: list[ClassFigures]
    top_confusions: list[Confused]
    """Most photos first."""
    reliability: list[ReliabilityBin]
    calibration_error: float
    brier_score: float
    negative_log_likelihood: float
    roc: list[Curve]
    precision_recall: list[Curve]
    mistakes: list[Mistake]
    """Most confident first."""


def measure(answers: Answers, parameters: EvaluateParameters, seed: int) -> Measurement:
    """Measure a model by its answers to at least one photo.

    Args:
        answers: probabilities and truth, photo by photo.
        parameters: bins of the calibration and draws of the bootstrap.
        seed: of the bootstrap.
    """
    labels, probabilities, predicted = answers.labels, answers.probabilities, answers.predicted
    confusion = metrics.confusion_matrix(labels, predicted, len(answers.classes))
    confidences = probabilities[np.arange(len(labels)), predicted]
    reliability = calibration.reliability_table(confidences, predicted == labels, parameters.calibration_bins)
    return Measurement(
        answers=answers,
        confusion=confusion,
        figures=_figures(confusion),
        intervals=bootstrap_intervals(confusion, metrics.MEASURES, seed, parameters.bootstrap_samples),
        majority=_figures(metrics.majority_baseline(confusion)),
        class_table=metrics.class_table(confusion, labels, probabilities, answers.classes),
        top_confusions=metrics.top_confusions(confusion, answers.classes),
        reliability=reliability,
        calibration_error=calibration.expected_calibration_error(reliability),
        brier_score=calibration.brier_score(labels, probabilities),
        negative_log_likelihood=calibration.negative_log_likelihood(labels, probabilities),
        roc=metrics.roc_curves(labels, probabilities, answers.classes),
        precision_recall=metrics.precision_recall_curves(labels, probabilities, answers.classes),
        mistakes=_mistakes(answers),
    )


def mean_over_classes(values: Sequence[float | None]) -> float | None:
    """Mean of the classes for which a figure is determined, None where there is none."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _figures(confusion: NDArray[np.int64]) -> dict[str, float]:
    return {name: float(measure_of(confusion)) for name, measure_of in metrics.MEASURES.items()}


def _mistakes(answers: Answers) -> list[Mistake]:
    predicted = answers.predicted
    mistakes = [
        Mistake(
            path=answers.paths[index],
            label=answers.classes[answers.labels[index]],
            predicted=answers.classes[predicted[index]],
            probability=float(answers.probabilities[index, predicted[index]]),
            threshold=answers.thresholds[predicted[index]],
        )
        for index in np.flatnonzero(predicted != answers.labels)
    ]
    return sorted(mistakes, key=lambda mistake: (-mistake.probability, mistake.path))
