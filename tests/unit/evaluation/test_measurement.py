"""Measurement: what two or ten classes give, and the mistakes in order of confidence."""

import numpy as np
import pytest

from pipeline.core.parameters import EvaluateParameters
from pipeline.evaluation.measurement import Answers, mean_over_classes, measure

PARAMETERS = EvaluateParameters(bootstrap_samples=200)


def answers_of(probabilities: list[list[float]], labels: list[int], classes: tuple[str, ...] = ("a", "b")) -> Answers:
    paths = tuple(f"data/x/{classes[label]}/{index}.jpg" for index, label in enumerate(labels))
    thresholds = (1 / len(classes),) * len(classes)
    return Answers(paths, np.array(labels), np.array(probabilities, np.float64), classes, thresholds)


def test_mistakes_stand_most_confident_first() -> None:
    answers = answers_of([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.05, 0.95]], [0, 1, 0, 0])
    mistakes = measure(answers, PARAMETERS, 1).mistakes
    assert [(m.label, m.predicted, m.probability, m.threshold) for m in mistakes] == [
        ("a", "b", 0.95, 0.5),
        ("a", "b", 0.8, 0.5),
        ("b", "a", 0.6, 0.5),
    ]


def test_the_majority_stands_beside_every_figure() -> None:
    measurement = measure(answers_of([[0.9, 0.1]] * 3 + [[0.2, 0.8]], [0, 0, 0, 1]), PARAMETERS, 1)
    assert measurement.figures == {"accuracy": 1, "balanced_accuracy": 1, "mcc": 1, "macro_f1": 1}
    assert measurement.majority["accuracy"] == 0.75
    assert measurement.majority["balanced_accuracy"] == 0.5
    assert measurement.intervals.keys() == measurement.figures.keys() == measurement.majority.keys()


def test_confidence_is_the_probability_of_what_is_predicted() -> None:
    answers = Answers(("p",), np.array([1]), np.array([[0.7, 0.3]]), ("a", "b"), (0.9, 0.1))
    measurement = measure(answers, PARAMETERS, 1)
    assert measurement.mistakes == []
    assert measurement.calibration_error == pytest.approx(0.7)


def test_a_single_photo_can_be_measured() -> None:
    measurement = measure(answers_of([[0.9, 0.1]], [0]), PARAMETERS, 1)
    assert measurement.figures["accuracy"] == 1
    assert measurement.roc == []


def test_means_leave_out_what_is_not_determined() -> None:
    assert mean_over_classes([None, 0.5, 1.0]) == 0.75
    assert mean_over_classes([None]) is None
