"""Answers and how they are counted."""

import pytest
from folder_answers import answered

from pipeline.predict.answers import ClassCount, class_counts


def test_the_margin_is_the_distance_of_the_predicted_class_from_its_threshold() -> None:
    answer = answered("a.jpg", cracked=0.7)

    assert (answer.prediction.predicted, answer.probability, answer.threshold) == ("cracked", 0.7, 0.6)
    assert answer.margin == pytest.approx(0.1)


@pytest.mark.parametrize(("cracked", "is_close"), ((0.61, True), (0.59, True), (0.72, False), (0.48, False)))
def test_close_is_close_on_both_sides_of_the_threshold(cracked: float, is_close: bool) -> None:
    assert answered("a.jpg", cracked).is_close is is_close


def test_classes_are_counted_in_class_order_those_without_photos_too() -> None:
    assert class_counts([answered("a.jpg", 0.1), answered("b.jpg", 0.59)]) == [
        ClassCount("cracked", 0.6, 0, 0),
        ClassCount("intact", 0.4, 2, 1),
    ]
