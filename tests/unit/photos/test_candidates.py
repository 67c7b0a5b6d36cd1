import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.photos import candidates
from pipeline.photos.candidates import MAX_DISTANCE, near_pairs

HASHES = st.integers(0, 2**64 - 1)


@st.composite
def families(draw: st.DrawFn) -> list[int]:
    """Hashes of which many differ in few bits from another."""
    found = draw(st.lists(HASHES | st.integers(0, 3), min_size=1, max_size=12))
    for _ in range(draw(st.integers(0, 24))):
        flips = draw(st.lists(st.integers(0, 63), max_size=10))
        found.append(draw(st.sampled_from(found)) ^ sum({1 << bit for bit in flips}))
    return found


@pytest.fixture(autouse=True, params=(0, 1 << 18), ids=("looked up", "one by one"))
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of search must keep every promise."""
    monkeypatch.setattr(candidates, "_FEW_COMPARISONS", request.param)


def near(left: list[int], right: list[int], max_distance: int) -> list[tuple[int, int]]:
    arrays = (np.array(side, dtype=np.uint64) for side in (left, right))
    return [
        (int(one), int(other))
        for rows, others in near_pairs(*arrays, max_distance)
        for one, other in zip(rows, others, strict=True)
    ]


@given(left=families(), right=families(), max_distance=st.integers(0, MAX_DISTANCE), block=st.integers(1, 50))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_search_by_quarters_finds_each_pair_that_comparing_one_by_one_finds_once(
    left: list[int], right: list[int], max_distance: int, block: int
) -> None:
    right = right + left[::2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "_COMPARISONS_AT_ONCE", block)
        found = near(left, right, max_distance)
    expected = {
        (one, other)
        for one, first in enumerate(left)
        for other, second in enumerate(right)
        if (first ^ second).bit_count() <= max_distance
    }
    assert len(found) == len(set(found))
    assert set(found) == expected


@given(families())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_near_is_symmetric(hashes: list[int]) -> None:
    found = set(near(hashes, hashes, 5))
    assert found == {(second, first) for first, second in found}


@given(first=HASHES, second=HASHES, third=HASHES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_distances_keep_the_triangle_inequality(first: int, second: int, third: int) -> None:
    def distance(one: int, other: int) -> int:
        bits = np.bitwise_count(np.array([one], dtype=np.uint64) ^ np.array([other], dtype=np.uint64))
        return int(bits[0])

    assert distance(first, third) <= distance(first, second) + distance(second, third)


def test_every_way_to_spread_seven_bits_over_the_quarters_is_found() -> None:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**63, 300, dtype=np.uint64)
    flips = [rng.choice(64, MAX_DISTANCE, replace=False) for _ in hashes]
    others = [int(one) ^ sum(1 << int(bit) for bit in bits) for one, bits in zip(hashes, flips, strict=True)]
    found = near([int(one) for one in hashes], others, MAX_DISTANCE)
    assert {(row, row) for row in range(300)} <= set(found)
    assert near([int(one) for one in hashes], others, MAX_DISTANCE - 1) == []


def test_nothing_is_near_nothing() -> None:
    assert near([], [1, 2], 7) == near([1, 2], [], 7) == []


@pytest.mark.parametrize("max_distance", (-1, 8))
def test_a_distance_that_cannot_be_searched_is_refused(max_distance: int) -> None:
    with pytest.raises(ValueError, match=f"max_distance is {max_distance}; 0 to 7"):
        near([1], [1], max_distance)
