"""Calibration: closed forms, and scikit-learn where it has the figure."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from pipeline.evaluation.calibration import (
    brier_score,
    expected_calibration_error,
    negative_log_likelihood,
    reliability_table,
)


def test_a_sure_model_that_is_right_half_the_time_is_off_by_a_half() -> None:
    table = reliability_table(np.ones(10), np.arange(10) < 5, 15)
    assert expected_calibration_error(table) == pytest.approx(0.5)
    assert [row.n for row in table] == [0] * 14 + [10]


def test_a_model_that_is_right_as_often_as_it_says_is_calibrated() -> None:
    confidences = np.repeat([0.55, 0.75], [20, 20])
    correct = np.concatenate([np.arange(20) < 11, np.arange(20) < 15])
    assert expected_calibration_error(reliability_table(confidences, correct, 10)) == pytest.approx(0)


def test_gaps_are_weighted_by_the_photos_of_their_bins() -> None:
    confidences, correct = np.array([0.65, 0.95, 0.95, 0.95]), np.array([True, True, True, False])
    table = reliability_table(confidences, correct, 10)
    expected = (1 * (1 - 0.65) + 3 * (0.95 - 2 / 3)) / 4
    assert expected_calibration_error(table) == pytest.approx(expected)
    assert [row.accuracy for row in table if row.n] == [1.0, pytest.approx(2 / 3)]
    assert table[0].mean_probability is None


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50), st.integers(2, 20))
def test_every_photo_falls_into_one_bin_that_holds_it(answers: list[tuple[float, bool]], num_bins: int) -> None:
    confidences, correct = np.array(answers, float).T
    table = reliability_table(confidences, correct.astype(bool), num_bins)
    assert sum(row.n for row in table) == len(answers)
    for row in table:
        if row.mean_probability is not None:
            assert row.low - 1e-9 <= row.mean_probability <= row.high + 1e-9
            assert row.accuracy_interval[0] <= row.accuracy <= row.accuracy_interval[1]
    assert 0 <= expected_calibration_error(table) <= 1


def test_brier_score_runs_from_nought_to_two() -> None:
    labels = np.array([0, 1])
    assert brier_score(labels, np.eye(2)) == 0
    assert brier_score(labels, np.eye(2)[::-1]) == 2
    assert brier_score(labels, np.full((2, 2), 0.5)) == 0.5


def test_negative_log_likelihood_is_the_log_loss_of_scikit_learn() -> None:
    labels = np.array([0, 2, 1, 1])
    probabilities = np.random.default_rng(2).dirichlet(np.ones(3), 4)
    assert negative_log_likelihood(labels, probabilities) == pytest.approx(log_loss(labels, probabilities))


def test_a_probability_of_nought_for_the_truth_is_a_finite_loss() -> None:
    assert np.isfinite(negative_log_likelihood(np.array([0]), np.array([[0.0, 1.0]])))
