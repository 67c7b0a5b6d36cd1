"""Probabilities are said to be off where labels contradict them by more than chance."""

import numpy as np
import pytest

from pipeline.evaluation.calibration import expected_calibration_error
from pipeline.watch import trust
from pipeline.watch.trust import calibration_of


def labelled(number: int, seed: int, gap: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    certainty = random.uniform(0.4, 1, number)
    return certainty, random.random(number) < certainty - gap


def test_a_well_calibrated_model_is_hardly_ever_accused():
    assert sum(calibration_of(*labelled(60, seed), seed=7).is_off(0.15) for seed in range(200)) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_a_model_that_is_far_too_sure_is_found(seed):
    found = calibration_of(*labelled(80, seed, gap=0.35), seed=7)
    assert found.is_off(0.15)
    assert found.certainty - found.accuracy > 0.2


def test_the_error_is_that_of_evaluation_less_what_chance_gives():
    certainty, correct = labelled(100, 3)
    found = calibration_of(certainty, correct, seed=7)
    assert found.error < expected_calibration_error(list(found.bins))
    assert sum(row.n for row in found.bins) == found.num_photos == 100


def test_errors_of_draws_are_those_of_the_table():
    certainty, correct = labelled(50, 4)
    seen = expected_calibration_error(list(calibration_of(certainty, correct, seed=7).bins))
    assert trust._errors(certainty, correct[None])[0] == pytest.approx(seen)
