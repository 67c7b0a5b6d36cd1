import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.photos.drawing.fields import NOISE_RANGE, ONE, blend, blurred, noise, ramp, rough_length, rough_noise
from pipeline.photos.drawing.streams import Stream


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), height=st.integers(1, 40), width=st.integers(1, 40), cell=st.integers(1, 50))
def test_noise_stays_in_its_range(seed: int, height: int, width: int, cell: int) -> None:
    values = noise(Stream(seed), (height, width), cell)
    assert values.shape == (height, width)
    assert np.abs(values).max() <= NOISE_RANGE


def test_coarse_noise_changes_slowly_and_fine_noise_fast() -> None:
    steps = [np.abs(np.diff(noise(Stream(5), (64, 64), cell), axis=1)).mean() for cell in (32, 2)]
    assert steps[0] * 4 < steps[1]


def test_rough_noise_stays_in_its_range() -> None:
    assert np.abs(rough_noise(Stream(5), (64, 64), 16, 4)).max() <= NOISE_RANGE


@pytest.mark.parametrize(("start", "end"), ((-100, 300), (300, -100)))
def test_a_ramp_climbs_from_start_to_end(start: int, end: int) -> None:
    weights = ramp(np.array([start, (start + end) // 2, end, 2 * end - start], np.int32), start, end)
    assert weights.tolist() == [0, ONE // 2, ONE, ONE]


def test_a_blend_goes_from_the_first_to_the_second() -> None:
    first, second = np.array([100], np.int32), np.array([900], np.int32)
    assert [int(blend(first, second, weight)[0]) for weight in (0, ONE // 2, ONE)] == [100, 500, 900]


def test_a_blur_is_the_mean_over_a_square_window() -> None:
    values = Stream(4).grid(0, 4095, (9, 11))
    padded = np.pad(values, 2, mode="edge")
    expected = [[padded[row : row + 5, column : column + 5].mean() for column in range(11)] for row in range(9)]
    assert np.abs(blurred(values, 2) - np.array(expected)).max() <= 1


@given(across=st.integers(-2000, 2000), along=st.integers(-2000, 2000))
def test_a_rough_length_is_within_7_percent_and_the_rounding(across: int, along: int) -> None:
    length = int(rough_length(np.array([across], np.int32), np.array([along], np.int32))[0])
    euclidean = np.hypot(across, along)
    assert abs(length - euclidean) <= 0.07 * euclidean + 1
