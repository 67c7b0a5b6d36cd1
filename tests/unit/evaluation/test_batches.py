"""Figures of batches: a batch that falls behind is named, chance is not."""

import numpy as np
import pytest

from pipeline.evaluation.batches import batch_table
from pipeline.evaluation.intervals import wilson_interval


def test_each_batch_is_measured_by_itself_by_name() -> None:
    batches = ["spring"] * 4 + ["autumn"] * 2
    correct = np.array([True, True, True, False, False, True])
    autumn, spring = batch_table(batches, np.zeros(6, np.int64), correct)
    assert (autumn.batch, autumn.n, autumn.num_mistakes, autumn.accuracy) == ("autumn", 2, 1, 0.5)
    assert (spring.batch, spring.n, spring.num_mistakes, spring.accuracy) == ("spring", 4, 1, 0.75)
    assert spring.accuracy_interval == wilson_interval(3, 4)


def test_a_batch_of_hard_classes_is_expected_to_be_harder() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    correct = np.array([True, True, True, True, True, False, False, False])
    easy, hard = batch_table(["easy"] * 4 + ["hard"] * 4, labels, correct)
    assert (easy.expected_accuracy, hard.expected_accuracy) == (1.0, 0.25)


def test_a_bad_batch_falls_behind_and_makes_no_other_do_so() -> None:
    batches = [name for name in ("a", "b", "c") for _ in range(40)]
    correct = np.array([True] * 38 + [False] * 2 + [True] * 37 + [False] * 3 + [True] * 15 + [False] * 25)
    table = batch_table(batches, np.zeros(120, np.int64), correct)
    assert [row.falls_behind for row in table] == [False, False, True]


def test_even_batches_do_not_fall_behind() -> None:
    correct = np.array([True, True, True, False] * 20)
    table = batch_table(["a", "a", "a", "a", "b", "b", "b", "b"] * 10, np.zeros(80, np.int64), correct)
    assert [row.falls_behind for row in table] == [False, False]


def test_the_level_is_divided_by_the_number_of_batches() -> None:
    """Nine of ten right against all right elsewhere: p is near 3 %, enough for two batches and not for three."""
    correct = np.array([True] * 7 + [False] * 3 + [True] * 20)
    two = batch_table(["a"] * 10 + ["b"] * 20, np.zeros(30, np.int64), correct)
    three = batch_table(["a"] * 10 + ["b"] * 10 + ["c"] * 10, np.zeros(30, np.int64), correct)
    assert two[0].p_value == pytest.approx(120 / 4060)
    assert (three[0].p_value, three[0].falls_behind) == (two[0].p_value, False)


def test_a_lone_batch_has_nothing_to_differ_from() -> None:
    [row] = batch_table(["only"] * 5, np.zeros(5, np.int64), np.array([True] * 4 + [False]))
    assert (row.p_value, row.falls_behind) == (None, False)
