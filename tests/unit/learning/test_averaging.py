import keras
import numpy as np
import pytest

from pipeline.learning.averaging import AveragedWeights

STEPS = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")


@pytest.mark.parametrize("momentum", (0.5, 0.9, 0.999))
def test_the_average_follows_its_closed_form(momentum: float) -> None:
    weight = keras.Variable(np.zeros(3, "float32"))
    average = AveragedWeights([weight], momentum)
    expected = np.zeros(3)
    for number, value in enumerate(STEPS, start=1):
        weight.assign(value)
        average.update()
        kept = min(momentum, number / (10 + number))
        expected = kept * expected + (1 - kept) * value
    np.testing.assert_allclose(average.values()[0], expected, atol=1e-5)


def test_without_averaging_the_weights_are_the_average() -> None:
    weight = keras.Variable([1.0, 2.0])
    average = AveragedWeights([weight], 0)
    average.start_from([np.array([9.0, 9.0])])
    weight.assign([3.0, 4.0])
    average.update()
    np.testing.assert_array_equal(average.values()[0], [3, 4])


def test_the_average_stands_in_for_the_length_of_a_block_even_if_it_fails() -> None:
    weight = keras.Variable([1.0, 2.0])
    average = AveragedWeights([weight], 0.9)
    weight.assign([5.0, 6.0])
    with pytest.raises(pytest.fail.Exception, match="stands in"), average.in_place():
        pytest.fail("it stands in" if weight.numpy().tolist() == [1, 2] else "it does not")
    np.testing.assert_array_equal(weight, [5, 6])


def test_values_are_copies() -> None:
    weight = keras.Variable([1.0, 2.0])
    average = AveragedWeights([weight], 0.9)
    before = average.values()
    average.start_from([np.array([7.0, 8.0])])
    np.testing.assert_array_equal(before[0], [1, 2])
    np.testing.assert_array_equal(average.values()[0], [7, 8])


def test_whole_numbers_among_the_weights_pass() -> None:
    count = keras.Variable(3, dtype="int32")
    average = AveragedWeights([count], 0.9)
    average.update()
    assert average.values()[0] == 3
