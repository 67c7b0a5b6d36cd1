"""Drift is told where it is both large and no chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.watch.comparison import (
    Comparison,
    compared,
    compared_classes,
    series_length,
    settled,
    stability_index,
)


def normal(number: int, seed: int, mean: float = 0.0, spread: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, spread, number)


def shuffled(values: list[float], counts: list[int]) -> np.ndarray:
    return np.random.default_rng(5).permutation(np.repeat(values, counts))


def alarms(reference: int, asked: int, draws: int, num_measures: int = 9) -> int:
    """How many of so many watches of photos like those of training raise any alarm."""
    raised = 0
    for draw in range(draws):
        seeds = range(1000 * draw, 1000 * draw + num_measures)
        found = [compared(f"{s}", normal(reference, s), normal(asked, s + 500), seed=7) for s in seeds]
        raised += any(one.has_drifted(0.25) for one in settled(found))
    return raised


@pytest.mark.parametrize(("reference", "asked"), ((2000, 50), (100, 50), (400, 500)))
def test_photos_like_those_of_training_hardly_ever_raise_an_alarm(reference, asked):
    assert alarms(reference, asked, 20) == 0


@pytest.mark.long
@pytest.mark.parametrize(("reference", "asked"), ((2000, 50), (60, 50), (500, 200)))
def test_false_alarms_stay_below_two_in_a_hundred(reference, asked):
    assert alarms(reference, asked, 200) <= 4


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_by_one_deviation_is_found_in_eighty_photos(seed):
    [one] = settled([compared("light", normal(1000, seed), normal(80, seed + 100, mean=1), seed=7)])
    assert one.has_drifted(0.25)


@pytest.mark.parametrize("seed", range(3))
def test_a_wider_spread_is_found_though_the_middle_stays(seed):
    assert compared("light", normal(1000, seed), normal(100, seed + 100, spread=2.5), seed=7).has_drifted(0.25)


def test_a_small_change_of_many_photos_is_no_chance_and_yet_no_drift():
    one = compared("light", normal(2000, 1), normal(2000, 2, mean=0.3), seed=7)
    assert one.p_value < 0.01
    assert not one.has_drifted(0.25)


def test_a_large_index_of_few_photos_may_be_chance():
    one = Comparison("light", 0.4, 0.2, np.zeros(1), np.zeros(1))
    assert not one.has_drifted(0.25)


def test_a_measure_that_never_varied_drifts_once_it_does():
    assert compared("size", np.full(300, 640.0), np.full(60, 640.0), seed=7).drift == 0
    assert compared("size", np.full(300, 640.0), np.full(60, 1280.0), seed=7).has_drifted(0.25)
    assert compared("size", np.full(300, 640.0), np.full(60, 320.0), seed=7).has_drifted(0.25)


def test_two_sizes_in_other_shares_are_found():
    reference = np.repeat([640.0, 1280.0], [270, 30])
    assert compared("size", reference, shuffled([640.0, 1280.0], [20, 60]), seed=7).has_drifted(0.25)
    assert not compared("size", reference, shuffled([640.0, 1280.0], [72, 8]), seed=7).has_drifted(0.25)


def test_classes_in_other_shares_are_found_and_the_same_shares_are_not():
    reference = np.repeat([0, 1, 2], [100, 60, 40])
    assert compared_classes("classes", reference, shuffled([0, 1, 2], [5, 5, 50]), seed=7).has_drifted(0.25)
    assert not compared_classes("classes", reference, shuffled([0, 1, 2], [30, 18, 12]), seed=7).has_drifted(0.25)


def test_a_class_that_evaluation_never_met_counts():
    assert compared_classes("classes", np.zeros(100, int), np.full(60, 2), seed=7).has_drifted(0.25)


def test_equal_seeds_give_equal_results():
    sides = normal(200, 1), normal(60, 2)
    assert compared("light", *sides, seed=3).p_value == compared("light", *sides, seed=3).p_value


def test_p_values_among_many_are_those_of_holm():
    values = [0.01, 0.04, 0.03, 0.005]
    found = settled([Comparison(str(p), 1.0, p, np.zeros(1), np.zeros(1)) for p in values])
    assert [one.p_value for one in found] == pytest.approx([0.03, 0.06, 0.06, 0.02])


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=10))
def test_the_index_is_zero_for_equal_shares_and_never_negative(counts):
    reference, asked = (np.array(side) for side in zip(*counts, strict=True))
    assert stability_index(reference, reference) == pytest.approx(0)
    assert stability_index(reference, asked) >= 0
    assert stability_index(reference, asked) == pytest.approx(stability_index(asked, reference))


def test_photos_in_series_count_as_fewer():
    alone = np.random.default_rng(1).integers(0, 5, 200)
    assert series_length(alone) < 1.5
    assert 2 < series_length(np.repeat(alone[:80], 3)) < 4.5
    assert series_length(np.zeros(50, int)) == 1


def walls(number: int, seed: int, num_photos: int = 5) -> np.ndarray:
    """Six measures of series of photos: seven tenths of what varies lie between walls."""
    random = np.random.default_rng(seed)
    between = random.normal(0, np.sqrt(0.7), (number, 1, 6))
    return (between + random.normal(0, np.sqrt(0.3), (number, num_photos, 6))).reshape(-1, 6)


@pytest.mark.long
def test_daily_looks_at_series_of_photos_hardly_ever_raise_an_alarm_within_two_weeks():
    raised = 0
    for release in range(15):
        reference = walls(400, release)
        coming = walls(4 * 14, 1000 + release)
        looks = [coming[: 20 * day] for day in range(3, 15)]
        raised += any(
            one.has_drifted(0.25)
            for kept in looks
            for one in settled([compared(str(m), reference[:, m], kept[:, m], seed=7) for m in range(6)])
        )
    assert raised <= 1


def test_photos_of_a_few_walls_are_hardly_ever_drift():
    raised = 0
    for seed in range(20):
        asked = np.repeat(normal(12, seed), 5) + normal(60, seed + 50, spread=0.1)
        raised += compared("light", normal(1000, seed + 90), asked, seed=7).has_drifted(0.25)
    assert raised <= 1
