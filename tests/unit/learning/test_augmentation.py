from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipeline.core.training_parameters import AugmentParameters
from pipeline.learning.augmentation import RandomColour, build_augmentation

Pixels = np.ndarray[Any, Any]


def photos(count: int = 4, height: int = 24, width: int = 20) -> Pixels:
    coarse = np.random.default_rng(0).uniform(0, 255, (count, 6, 5, 3))
    return np.asarray(tf.image.resize(coarse, (height, width)), np.float32)


def changed(images: Pixels, seed: int = 3, **values: Any) -> Pixels:
    parameters = AugmentParameters.model_validate({"horizontal_flip": False, **values})
    return np.asarray(build_augmentation(parameters, seed)(images, training=True))


ALL = {
    "horizontal_flip": True,
    "vertical_flip": True,
    "rotation_degrees": 30,
    "shift": 0.2,
    "min_crop_area": 0.5,
    "brightness": 0.5,
    "contrast": 0.5,
    "saturation": 0.5,
    "hue": 0.2,
}


def test_off_changes_nothing() -> None:
    np.testing.assert_array_equal(changed(photos()), photos())


@pytest.mark.parametrize(("direction", "axis"), (("horizontal_flip", 2), ("vertical_flip", 1)))
def test_a_flip_alone_mirrors_photos_exactly(direction: str, axis: int) -> None:
    images = photos(16)
    flipped = changed(images, **{direction: True})
    mirrored = np.flip(images, axis)
    is_flipped = [bool((image == mirror).all()) for image, mirror in zip(flipped, mirrored, strict=True)]
    is_kept = [bool((image == original).all()) for image, original in zip(flipped, images, strict=True)]
    assert all(flip != keep for flip, keep in zip(is_flipped, is_kept, strict=True))
    assert 0 < sum(is_flipped) < 16


@pytest.mark.parametrize("size", ((24, 20), (17, 33)))
def test_every_change_keeps_shape_type_and_range(size: tuple[int, int]) -> None:
    images = photos(8, *size)
    views = changed(images, **ALL)
    assert views.shape == images.shape
    assert views.dtype == np.float32
    assert views.min() >= 0
    assert views.max() <= 255
    assert not np.allclose(views, images)


def test_a_seed_repeats_and_another_seed_differs() -> None:
    images = photos()
    np.testing.assert_array_equal(changed(images, 3, **ALL), changed(images, 3, **ALL))
    assert not np.allclose(changed(images, 3, **ALL), changed(images, 4, **ALL))


def test_a_photo_is_another_each_time_it_comes() -> None:
    augmentation = build_augmentation(AugmentParameters.model_validate(ALL), 3)
    first, second = (np.asarray(augmentation(photos(), training=True)) for _ in range(2))
    assert not np.allclose(first, second)


@pytest.mark.parametrize(
    "values",
    (
        {"rotation_degrees": 40},
        {"shift": 0.3},
        {"min_crop_area": 0.3},
        {"brightness": 0.3},
        {"contrast": 0.5},
        {"hue": 0.2},
    ),
    ids=lambda values: next(iter(values)),
)
def test_each_photo_of_a_batch_gets_its_own(values: dict[str, float]) -> None:
    same = np.repeat(photos(1), 6, axis=0)
    views = changed(same, **values)
    for first in range(6):
        for second in range(first):
            assert not np.allclose(views[first], views[second], atol=0.1)


def test_grey_stays_grey_and_black_and_white_stay_finite() -> None:
    grey = np.repeat(photos()[..., :1], 3, axis=-1)
    views = changed(grey, brightness=0.3, contrast=0.5, saturation=0.9, hue=0.5)
    np.testing.assert_allclose(views, np.repeat(views[..., :1], 3, axis=-1), atol=1e-3)
    for level in (0.0, 255.0):
        assert np.isfinite(changed(np.full((2, 9, 9, 3), level, np.float32), **ALL)).all()


def test_no_colour_change_is_the_identity() -> None:
    layer = RandomColour(AugmentParameters(), seed=0)
    np.testing.assert_allclose(layer(photos()), photos(), atol=1e-3)


def test_a_third_of_a_turn_of_hue_moves_red_to_another_primary() -> None:
    red = np.zeros((40, 2, 2, 3), np.float32)
    red[..., 0] = 200
    turned = changed(red, hue=1 / 3)
    assert turned[..., 1].max() > 150
    assert turned[..., 2].max() > 150


def test_a_change_of_contrast_keeps_the_mean() -> None:
    images = 100 + photos() / 10
    np.testing.assert_allclose(changed(images, contrast=0.5).mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=0.01)


def test_a_crop_shows_a_part_of_the_photo_only() -> None:
    ramp = np.broadcast_to(np.arange(100, dtype=np.float32)[None, None, :, None], (32, 100, 100, 3))
    views = changed(np.ascontiguousarray(ramp), min_crop_area=0.25)
    spans = views[:, 50, :, 0].max(axis=1) - views[:, 50, :, 0].min(axis=1)
    assert (spans >= 48).all()
    assert spans.min() < 70
    assert spans.max() <= 99.01
