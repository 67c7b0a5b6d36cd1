"""Which of two copies was made from the other, told by what only one of them shows."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipeline.core.parameters import CleanParameters
from pipeline.photos.copies import find_copies
from pipeline.photos.fingerprints import THUMBNAIL_SIDE
from pipeline.photos.originals import FIRST, SECOND, UNKNOWN, derived_one

SIDE = THUMBNAIL_SIDE
WHOLE = np.ones(SIDE * SIDE, dtype=np.bool_)
STILL = np.array([1, 1, 0, 0, 0], np.float32)


def picture(seed: int = 3) -> Image.Image:
    rng = np.random.default_rng(seed)
    coarse, fine = (rng.integers(0, 256, (cells, cells), dtype=np.uint8) for cells in (6, 40))
    layers = [Image.fromarray(cells).resize((480, 480), Image.Resampling.BICUBIC) for cells in (coarse, fine)]
    return Image.blend(*layers, 0.3)


def cropped(image: Image.Image) -> Image.Image:
    return image.crop((29, 29, 451, 451))


def with_bar(image: Image.Image) -> Image.Image:
    taller = Image.new("L", (480, 528), 255)
    taller.paste(image, (0, 0))
    ImageDraw.Draw(taller).text((20, 500), "a caption", fill=0)
    return taller


def covered(image: Image.Image) -> Image.Image:
    copy = image.copy()
    ImageDraw.Draw(copy).rectangle((0, 432, 480, 480), fill=255)
    return copy


def turned(image: Image.Image) -> Image.Image:
    return image.rotate(3, Image.Resampling.BICUBIC)


def derived(first: Image.Image, second: Image.Image) -> str:
    rows = [np.asarray(one.resize((SIDE, SIDE), Image.Resampling.BOX)).ravel() for one in (first, second)]
    (alike,) = find_copies(["a", "b"], np.stack(rows), CleanParameters()).pairs
    return alike.derived


@pytest.mark.parametrize("edit", (cropped, with_bar, covered, turned))
def test_the_edited_photo_was_made_from_the_other(edit: Callable[[Image.Image], Image.Image]) -> None:
    original = picture()
    assert derived(original, edit(original)) == "second"
    assert derived(edit(original), original) == "first"


def test_of_photos_that_differ_in_light_alone_neither_was_made_from_the_other() -> None:
    original = picture()
    assert derived(original, original.point(lambda grey: grey * 0.8)) == ""


def test_of_two_parts_neither_was_made_from_the_other() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0, 255, (2, SIDE * SIDE)).astype(np.float32)
    shifted = np.array([1, 1, 0, 0.1, 0], np.float32)
    assert derived_one(first, second, shifted, WHOLE) == UNKNOWN
    assert derived_one(first, second, STILL, WHOLE) == UNKNOWN
    plain = np.full(SIDE * SIDE, 255, np.float32)
    assert derived_one(first, plain, shifted, WHOLE) == SECOND
    assert derived_one(plain, second, shifted, WHOLE) == FIRST
