"""Intervals: against scipy and closed forms, and the bounds that decide a release."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from pipeline.evaluation import metrics
from pipeline.evaluation.intervals import (
    bootstrap_intervals,
    paired_bootstrap_lower_bound,
    photos_needed_for_margin,
    wilson_interval,
)

shares = st.integers(0, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(shares)
def test_a_wilson_interval_holds_its_share(share: tuple[int, int]) -> None:
    successes, n = share
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= (successes / n if n else 0.5) <= high <= 1


@pytest.mark.parametrize(("successes", "n"), ((0, 1), (1, 1), (3, 7), (50, 100), (1404, 1404), (1309, 1404)))
@pytest.mark.parametrize("confidence", (0.9, 0.95))
def test_a_wilson_interval_is_the_one_of_scipy(successes: int, n: int, confidence: float) -> None:
    expected = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert wilson_interval(successes, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_no_photos_say_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


CONFUSION = np.array([[40, 8, 2], [5, 60, 5], [1, 3, 26]])


def test_bootstrap_intervals_hold_the_figures_and_follow_the_seed() -> None:
    intervals = bootstrap_intervals(CONFUSION, metrics.MEASURES, seed=1, samples=1500)
    for name, measure in metrics.MEASURES.items():
        low, high = intervals[name]
        assert low < measure(CONFUSION) < high
    assert intervals == bootstrap_intervals(CONFUSION, metrics.MEASURES, seed=1, samples=1500)
    assert intervals != bootstrap_intervals(CONFUSION, metrics.MEASURES, seed=2, samples=1500)


def test_the_bootstrap_of_the_confusion_matrix_is_the_bootstrap_of_the_photos() -> None:
    generator = np.random.default_rng(0)
    pairs = np.repeat(np.argwhere(CONFUSION >= 0), CONFUSION.ravel(), axis=0)
    drawn = []
    for _ in range(1500):
        labels, predicted = pairs[generator.integers(0, len(pairs), len(pairs))].T
        drawn.append(metrics.matthews_correlation(metrics.confusion_matrix(labels, predicted, 3)))
    expected = np.quantile(drawn, [0.025, 0.975])
    interval = bootstrap_intervals(CONFUSION, {"mcc": metrics.matthews_correlation}, seed=0, samples=4000)["mcc"]
    assert interval == pytest.approx(expected, abs=0.015)


def test_a_perfect_model_has_an_interval_of_no_width() -> None:
    intervals = bootstrap_intervals(np.diag([5, 9]), metrics.MEASURES, seed=1, samples=100)
    assert intervals["accuracy"] == (1.0, 1.0)


def test_the_paired_bound_is_close_to_the_normal_one() -> None:
    candidate = np.repeat([True, True, False, False], [900, 60, 40, 0])
    champion = np.repeat([True, False, True, False], [900, 60, 40, 0])
    gain, deviation = 0.02, np.sqrt((0.1 - 0.02**2) / 1000)
    bound = paired_bootstrap_lower_bound(candidate, champion, seed=5, samples=20_000)
    assert bound == pytest.approx(gain - 1.645 * deviation, abs=0.001)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_paired_bound_lies_in_range_and_depends_on_the_seed_alone(pairs: list[tuple[bool, bool]]) -> None:
    candidate, champion = np.array(pairs).T
    bound = paired_bootstrap_lower_bound(candidate, champion, seed=1, samples=200)
    assert -1 <= bound <= 1
    assert bound == paired_bootstrap_lower_bound(candidate[::-1], champion[::-1], seed=1, samples=200)


def test_the_same_answers_have_no_difference() -> None:
    answers = np.array([True, False, True])
    assert paired_bootstrap_lower_bound(answers, answers, seed=1, samples=100) == 0


@pytest.mark.parametrize(("ours", "theirs"), (([], []), ([True], [True, False])))
def test_answers_that_cannot_be_paired_are_refused(ours: list[bool], theirs: list[bool]) -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        paired_bootstrap_lower_bound(np.array(ours, bool), np.array(theirs, bool), seed=1, samples=100)


def test_an_equal_candidate_passes_as_often_as_promised_with_the_photos_that_the_margin_needs() -> None:
    margin, half = 0.05, 0.05  # each model alone is right on 5 % of the photos
    pattern = np.repeat([0, 1, 2], [90, 5, 5])
    n = photos_needed_for_margin(pattern != 1, pattern != 2, margin)
    generator = np.random.default_rng(11)
    passed = 0
    for _ in range(400):
        kind = generator.choice(3, size=n, p=[1 - 2 * half, half, half])
        passed += paired_bootstrap_lower_bound(kind != 1, kind != 2, seed=1, samples=300) > -margin
    assert passed / 400 == pytest.approx(0.8, abs=0.06)


def test_a_smaller_margin_needs_more_photos() -> None:
    ours, theirs = np.array([True] * 18 + [False, True]), np.array([True] * 18 + [True, False])
    needed = [photos_needed_for_margin(ours, theirs, margin) for margin in (0.1, 0.05, 0.02, 0.01)]
    assert needed == sorted(needed)
    assert needed[-1] == pytest.approx(6.18 * 0.1 / 0.01**2, rel=0.01)


def test_models_that_never_disagree_still_need_photos() -> None:
    answers = np.ones(4, bool)
    assert photos_needed_for_margin(answers, answers, 0.1) == 29
    assert photos_needed_for_margin(answers[:0], answers[:0], 0.1) == 29
