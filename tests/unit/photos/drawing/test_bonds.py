from itertools import pairwise

import numpy as np
import pytest

from pipeline.photos.drawing.bonds import STONE, Bond, Courses, Span, Unit, lay_courses
from pipeline.photos.drawing.streams import Stream

UNIT = Unit(height=6000, length=18000, joint=900)
SPAN = Span(left=200_000, right=300_000, top=50_000, bottom=110_000)


def laid(bond: Bond, seed: int = 1) -> Courses:
    return lay_courses(bond, UNIT, SPAN, Stream(seed))


def lengths(courses: Courses) -> np.ndarray:
    """Lengths of the faces in each course, in half bricks."""
    return np.round(np.diff(courses.heads) / (UNIT.length / 2))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bond", Bond)
def test_courses_cover_the_span_and_joints_rise(bond: Bond, seed: int) -> None:
    courses = laid(bond, seed)
    assert courses.beds[0] <= SPAN.top
    assert courses.beds[-1] > SPAN.bottom
    assert (courses.heads[:, 0] <= SPAN.left).all()
    assert (courses.heads[:, -1] > SPAN.right).all()
    assert (np.diff(courses.beds) > UNIT.joint).all()
    assert (np.diff(courses.heads) > UNIT.joint).all()
    assert len(courses.beds) == len(courses.heads) + 1


def test_every_course_of_a_flemish_bond_alternates_long_and_short() -> None:
    for faces in lengths(laid(Bond.FLEMISH)):
        assert set(faces[::2].tolist()) == {faces[0]}
        assert {faces[0], faces[1]} == {1, 2}


def test_a_header_of_a_flemish_bond_lies_over_the_middle_of_a_stretcher() -> None:
    courses = laid(Bond.FLEMISH)
    upper, lower = courses.heads[0], courses.heads[1]
    header = int(np.argmin(np.diff(upper)[2:6])) + 2
    middle = (upper[header] + upper[header + 1]) // 2
    below = int(np.searchsorted(lower, middle))
    assert lower[below] - lower[below - 1] > UNIT.length * 0.8
    assert abs((lower[below] + lower[below - 1]) // 2 - middle) < UNIT.length * 0.15


def test_courses_of_an_english_bond_are_stretchers_and_headers_in_turn() -> None:
    kinds = [set(faces.tolist()) for faces in lengths(laid(Bond.ENGLISH))]
    assert {frozenset(kind) for kind in kinds} == {frozenset({1.0}), frozenset({2.0})}
    assert all(first != second for first, second in pairwise(kinds))


def test_a_garden_bond_has_a_course_of_headers_after_three_of_stretchers() -> None:
    headers = [set(faces.tolist()) == {1.0} for faces in lengths(laid(Bond.GARDEN))]
    numbers = np.nonzero(headers)[0]
    assert len(numbers) >= 2
    assert set(np.diff(numbers).tolist()) == {4}


@pytest.mark.parametrize(
    ("bond", "lap"), ((Bond.RUNNING, 1 / 2), (Bond.HEADER, 1 / 4), (Bond.ENGLISH, 1 / 4), (Bond.STACK, 0))
)
def test_upright_joints_lap_as_the_bond_says(bond: Bond, lap: float) -> None:
    courses = laid(bond)
    for upper, lower in pairwise(courses.heads):
        seen = upper[(upper > SPAN.left) & (upper < SPAN.right)]
        nearest = np.abs(seen[:, None] - lower[None, :]).min(axis=1)
        if bond is Bond.ENGLISH and len(seen) > 6:  # a course of headers: each second joint meets a stretcher's middle
            nearest = np.sort(nearest)[: len(nearest) // 2]
        assert np.abs(nearest / UNIT.length - lap).max() < 0.13


@pytest.mark.parametrize("bond", STONE)
def test_courses_and_stones_of_stone_are_uneven(bond: Bond) -> None:
    courses = laid(bond)
    heights, lengths = np.diff(courses.beds), np.diff(courses.heads)
    assert heights.max() > 1.2 * heights.min()
    assert (lengths.max(axis=1) > 1.5 * lengths.min(axis=1)).all()
