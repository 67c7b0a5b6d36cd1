import hashlib
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from pipeline.photos.drawing.photos import Condition, Drawing, View, draw_photo
from pipeline.photos.drawing.streams import Stream

STREAM = Stream(7, "test")
GOLDEN_PIXELS = "2c86b1531c54f90462fc35882585c7b66633e5318642f3a296c06b3a81264093"
NUM_WALLS = 4


@pytest.fixture(scope="module")
def drawings() -> dict[Condition, list[Drawing]]:
    return {
        condition: [draw_photo(View(wall, 0, condition), STREAM) for wall in range(NUM_WALLS)]
        for condition in Condition
    }


def thumbnail(drawing: Drawing) -> np.ndarray:
    greys = np.asarray(Image.fromarray(drawing.pixels).convert("L").resize((32, 32), Image.Resampling.BOX), np.float64)
    return (greys - greys.mean()) / greys.std()


def mean_inside_and_around(drawing: Drawing, values: np.ndarray) -> tuple[float, float]:
    near = drawing.mask
    for _ in range(8):
        near = near | np.roll(near, 1, 0) | np.roll(near, -1, 0) | np.roll(near, 1, 1) | np.roll(near, -1, 1)
    return float(values[drawing.mask].mean()), float(values[near & ~drawing.mask].mean())


def test_the_pixels_are_these_and_no_others(drawings: dict[Condition, list[Drawing]]) -> None:
    digest = hashlib.sha256()
    for condition in Condition:
        for drawing in drawings[condition][:2]:
            digest.update(drawing.pixels.tobytes() + drawing.mask.tobytes())
    assert digest.hexdigest() == GOLDEN_PIXELS


def test_every_damaged_photo_has_a_mask_that_leaves_most_of_the_wall_and_an_intact_one_has_none(
    drawings: dict[Condition, list[Drawing]],
) -> None:
    for condition, group in drawings.items():
        for drawing in group:
            share = drawing.mask.mean()
            assert share == 0 if condition is Condition.INTACT else 0.003 < share < 0.6, condition


@pytest.mark.parametrize("condition", (Condition.CRACK, Condition.MISSING_BRICK))
def test_cracks_and_holes_are_darker_than_what_surrounds_them(
    condition: Condition, drawings: dict[Condition, list[Drawing]]
) -> None:
    pairs = [mean_inside_and_around(drawing, drawing.pixels.mean(axis=-1)) for drawing in drawings[condition]]
    assert np.mean([inside / around for inside, around in pairs]) < 0.75


def test_salts_are_brighter_than_what_surrounds_them(drawings: dict[Condition, list[Drawing]]) -> None:
    for drawing in drawings[Condition.EFFLORESCENCE]:
        inside, around = mean_inside_and_around(drawing, drawing.pixels.mean(axis=-1))
        assert inside > 1.05 * around


def test_stretches_of_one_wall_are_different_photos() -> None:
    stretches = [thumbnail(draw_photo(View(5, stretch, Condition.INTACT), STREAM)) for stretch in range(3)]
    assert all((first * second).mean() < 0.8 for first, second in combinations(stretches, 2))
