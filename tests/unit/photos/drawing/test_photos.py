import hashlib
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from pipeline.photos.drawing.cameras import place_camera
from pipeline.photos.drawing.photos import Drawing, View, draw_photo
from pipeline.photos.drawing.streams import Stream

STREAM = Stream(7, "test")
GOLDEN_PIXELS = "19cdcf9a73b1282fffa167910a362ab499112bf6c4dfb5ce72acb68ee03ca4d5"


@pytest.fixture(scope="module")
def cracked() -> list[Drawing]:
    return [draw_photo(View(wall, 0, cracked=True), STREAM) for wall in range(12)]


@pytest.fixture(scope="module")
def intact() -> list[Drawing]:
    return [draw_photo(View(wall, 0, cracked=False), STREAM) for wall in range(12)]


def thumbnail(drawing: Drawing) -> np.ndarray:
    greys = np.asarray(Image.fromarray(drawing.pixels).convert("L").resize((32, 32), Image.Resampling.BOX), np.float64)
    return (greys - greys.mean()) / greys.std()


def test_the_pixels_are_these_and_no_others(cracked: list[Drawing]) -> None:
    digest = hashlib.sha256(b"".join(drawing.pixels.tobytes() + drawing.mask.tobytes() for drawing in cracked[:4]))
    assert digest.hexdigest() == GOLDEN_PIXELS


def test_photos_come_in_several_formats_of_like_size(cracked: list[Drawing], intact: list[Drawing]) -> None:
    shapes = {drawing.mask.shape for drawing in cracked + intact}
    assert len(shapes) > 2
    assert all(min(shape) >= 160 and max(shape) <= 240 for shape in shapes)


def test_the_mask_covers_the_cracks_and_an_intact_wall_has_none(cracked: list[Drawing], intact: list[Drawing]) -> None:
    assert all(drawing.mask.sum() >= 100 for drawing in cracked)
    assert not any(drawing.mask.any() for drawing in intact)


def test_cracks_are_darker_than_what_surrounds_them(cracked: list[Drawing]) -> None:
    for drawing in cracked:
        greys = np.asarray(Image.fromarray(drawing.pixels).convert("L"), np.float64)
        near = drawing.mask
        for _ in range(8):
            near = near | np.roll(near, 1, 0) | np.roll(near, -1, 0) | np.roll(near, 1, 1) | np.roll(near, -1, 1)
        assert greys[drawing.mask].mean() < 0.8 * greys[near & ~drawing.mask].mean()


def test_a_crack_changes_a_wall_at_the_crack_alone() -> None:
    whole, broken = (draw_photo(View(3, 0, cracked), STREAM) for cracked in (False, True))
    far = np.ones_like(broken.mask)
    for row, column in zip(*np.nonzero(broken.mask), strict=True):
        far[max(0, row - 16) : row + 17, max(0, column - 16) : column + 17] = False
    assert far.any()
    difference = np.abs(whole.pixels.astype(int) - broken.pixels)
    # The exposure follows the mean, hence a little everywhere.
    assert difference[far].mean() < 12 < difference[broken.mask].mean()


def test_stretches_of_one_wall_are_different_photos() -> None:
    stretches = [thumbnail(draw_photo(View(5, stretch, cracked=False), STREAM)) for stretch in range(3)]
    assert all((first * second).mean() < 0.8 for first, second in combinations(stretches, 2))


@pytest.mark.parametrize("number", range(8))
def test_the_camera_finds_back_to_the_pixel_that_shows_a_place(number: int) -> None:
    camera = place_camera(Stream("camera", number), 75)
    along, down = camera.wall_grids()
    for row, column in ((0, 0), (40, 100), (camera.height - 1, camera.width - 1)):
        x, y = camera.on_photo(int(along[row, column]), int(down[row, column]))
        assert abs(x - 256 * column) <= 8
        assert abs(y - 256 * row) <= 8
