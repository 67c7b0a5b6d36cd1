"""Answers and how they are counted."""

import pytest
from folder_answers import answered

from pipeline.predict.answers import ClassCount, class_counts


def test_the_margin_is_the_distance_of_the_predicted_class_from_its_threshold() -> None:
    answer = answered("a.jpg", cracked=0.7)

    assert (answer.prediction.predicted, answer.probability, answer.threshold) == ("cracked", 0.7, 0.6)
    assert answer.margin == pytest.approx(0.1)


@pytest.mark.parametrize(("cracked", "is_close"), ((0.61, True), (0.59, True), (0.72, False), (0.48, False)))
def test_a_small_margin_is_close_whichever_class_has_it(cracked: float, is_close: bool) -> None:
    assert answered("a.jpg", cracked).is_close is is_close


def test_a_photo_that_no_class_fits_is_close_however_far_below_its_threshold() -> None:
    answer = answered("a.jpg", cracked=0.5, thresholds=(0.9, 0.95))

    assert answer.margin == pytest.approx(-0.4)
    assert answer.is_close


def test_classes_are_counted_in_class_order_those_without_photos_too() -> None:
    assert class_counts([answered("a.jpg", 0.1), answered("b.jpg", 0.59)]) == [
        ClassCount("cracked", 0.6, 0, 0),
        ClassCount("intact", 0.4, 2, 1),
    ]
