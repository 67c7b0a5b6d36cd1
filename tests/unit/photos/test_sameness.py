"""Sameness: how much detail must agree depends on whether an edit, or a hand with a camera, moved the photo."""

from math import radians

import numpy as np
import pytest

from pipeline.core.parameters import CleanParameters
from pipeline.photos.alignment import Agreement
from pipeline.photos.records import Relation
from pipeline.photos.sameness import is_same_photo, is_still, relation_of
from pipeline.photos.views import WHOLE, Pairing, View

STILL = (1.0, 1.0, 0.0, 0.0, 0.0)
CROPPED = (0.9, 0.9, 0.0, 0.0, 0.0)
TURNED = (1.0, 1.0, radians(3), 0.0, 0.0)
NUDGED = (0.95, 0.95, radians(1), 0.05, 0.0)
"""As a hand moves a camera between two photos."""
SHRUNK = (0.5, 0.5, 0.0, 0.0, 0.0)
SQUEEZED = (1.5, 0.7, 0.0, 0.0, 0.0)


def one(value: float) -> np.ndarray:
    return np.array([value], dtype=np.float32)


def is_same(placement: tuple[float, ...], detail: float, correlation: float = 0.95, contained: float = 1.0) -> bool:
    agreed = Agreement(one(correlation), one(detail), one(contained))
    return bool(is_same_photo(agreed, np.array([placement], dtype=np.float32), CleanParameters())[0])


@pytest.mark.parametrize(
    ("placement", "needed"),
    ((STILL, 0.8), (CROPPED, 0.9), (TURNED, 0.925), (NUDGED, 0.985)),
    ids=("still", "cropped", "turned", "nudged"),
)
def test_the_less_an_edit_explains_the_more_detail_must_agree(placement: tuple[float, ...], needed: float) -> None:
    assert is_same(placement, needed + 0.001)
    assert not is_same(placement, needed - 0.001)


def test_a_crop_that_shows_something_else_besides_must_agree_as_a_turn_must() -> None:
    assert not is_same(CROPPED, 0.92, contained=0.98)
    assert is_same(CROPPED, 0.93, contained=0.98)
    assert not is_same(CROPPED, 0.98, contained=0.97)


@pytest.mark.parametrize("placement", (SHRUNK, SQUEEZED), ids=("shrunk", "squeezed"))
def test_what_no_edit_does_is_never_the_same(placement: tuple[float, ...]) -> None:
    assert not is_same(placement, 1.0)


def test_detail_alone_is_not_enough() -> None:
    assert not is_same(STILL, 1.0, correlation=0.89)


@pytest.mark.parametrize(
    ("placement", "relation"),
    ((STILL, Relation.SAME), (CROPPED, Relation.CROPPED), (TURNED, Relation.TURNED)),
    ids=("still", "cropped", "turned"),
)
def test_the_placement_says_how_two_photos_differ(placement: tuple[float, ...], relation: Relation) -> None:
    where = np.array(placement, dtype=np.float32)
    assert relation_of(Pairing(WHOLE, WHOLE, Relation.SAME), where) == relation
    assert is_still(where[None])[0] == (relation == Relation.SAME)


def test_mirrored_and_captioned_photos_are_told_by_the_views_that_found_them() -> None:
    where = np.array(TURNED, dtype=np.float32)
    strip = View(top=0.12)
    assert relation_of(Pairing(View(mirrored=True), WHOLE, Relation.MIRRORED), where) == Relation.MIRRORED
    assert relation_of(Pairing(strip, strip, Relation.CAPTIONED, strip=True), where) == Relation.CAPTIONED
