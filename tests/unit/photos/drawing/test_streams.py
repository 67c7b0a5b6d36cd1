import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.photos.drawing.streams import Stream

FIRST_NUMBERS = [397002, 584306, 201562, 74131]
BOUNDS = st.tuples(st.integers(-5000, 5000), st.integers(0, 9000)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(bounds=BOUNDS, count=st.integers(1, 20), seed=st.integers(0, 2**31))
def test_a_grid_holds_what_single_draws_would_give(bounds: tuple[int, int], count: int, seed: int) -> None:
    single, whole = Stream(seed), Stream(seed)
    assert whole.grid(*bounds, (count,)).tolist() == [single.between(*bounds) for _ in range(count)]
    assert whole.between(*bounds) == single.between(*bounds)


def test_the_stream_is_this_one_and_no_other() -> None:
    stream = Stream(7, "demo-1")
    assert [stream.between(0, 10**6) for _ in range(4)] == FIRST_NUMBERS


def test_a_child_does_not_depend_on_what_was_drawn_before() -> None:
    fresh, used = Stream(7), Stream(7)
    used.grid(0, 9, (50,))
    assert fresh.child("wall", 3).between(0, 10**9) == used.child("wall", 3).between(0, 10**9)


def test_draws_reach_both_bounds_and_none_beyond() -> None:
    drawn = Stream(1).grid(-2, 2, (500,))
    assert sorted(set(drawn.tolist())) == [-2, -1, 0, 1, 2]
    assert drawn.dtype == np.int32


@pytest.mark.parametrize(("percent", "expected"), ((0, 0), (100, 200)))
def test_chances_of_none_and_all_are_certain(percent: int, expected: int) -> None:
    stream = Stream(3)
    assert sum(stream.chance(percent) for _ in range(200)) == expected
