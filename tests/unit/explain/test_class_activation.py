from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.core.training_parameters import HeadParameters
from pipeline.explain.class_activation import class_maps
from pipeline.learning.classifier import build_head

FEATURES = np.random.default_rng(0).normal(size=(5, 4, 6, 8)).astype("float32")
DEEP = {"hidden_units": 16, "batch_normalisation": True, "activation": "elu", "dropout": 0.3}


def head_with(num_classes: int, **values: Any) -> keras.Model:
    keras.utils.set_random_seed(1)
    head = build_head(HeadParameters.model_validate(values), (4, 6, 8), num_classes)
    head.layers[-1].bias.assign(np.random.default_rng(1).normal(size=num_classes))
    return head


def maps_of(head: keras.Model, features: np.ndarray, class_index: int) -> tuple[np.ndarray, np.ndarray]:
    index = tf.fill((len(features),), class_index)
    logits, maps = tf.function(class_maps)(head, tf.constant(features), index)
    return logits.numpy(), maps.numpy()


@pytest.mark.parametrize("num_classes", (2, 3, 10))
def test_the_mean_of_a_map_plus_the_bias_is_the_centred_logit_for_every_class(num_classes: int) -> None:
    head = head_with(num_classes)
    bias = head.layers[-1].bias.numpy()
    for class_index in range(num_classes):
        logits, maps = maps_of(head, FEATURES, class_index)
        centred = logits[:, class_index] - logits.mean(axis=1)
        np.testing.assert_allclose(maps.mean(axis=(1, 2)) + bias[class_index] - bias.mean(), centred, atol=1e-4)


@pytest.mark.parametrize("values", ({}, DEEP), ids=("linear", "deep"))
def test_logits_come_out_as_the_head_gives_them(values: dict[str, Any]) -> None:
    head = head_with(3, **values)
    np.testing.assert_allclose(maps_of(head, FEATURES, 0)[0], head(FEATURES, training=False), atol=1e-6)


def test_a_deep_head_is_mapped_by_the_gradient_of_its_centred_logit() -> None:
    head = head_with(3, **DEEP)
    watched = tf.constant(FEATURES)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        logits = head(watched, training=False)
        score = logits[:, 1] - (logits[:, 0] + logits[:, 1] + logits[:, 2]) / 3
    weights = tape.gradient(score, watched).numpy().sum(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(maps_of(head, FEATURES, 1)[1], (FEATURES * weights).sum(axis=-1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("values", ({}, DEEP), ids=("linear", "deep"))
def test_two_classes_have_opposite_maps(values: dict[str, Any]) -> None:
    head = head_with(2, **values)
    np.testing.assert_allclose(maps_of(head, FEATURES, 0)[1], -maps_of(head, FEATURES, 1)[1], atol=1e-5)


def test_each_photo_is_mapped_for_its_own_class() -> None:
    head = head_with(3)
    _, mixed = class_maps(head, tf.constant(FEATURES[:3]), tf.constant([2, 0, 1]))
    for row, class_index in enumerate((2, 0, 1)):
        np.testing.assert_allclose(mixed[row], maps_of(head, FEATURES, class_index)[1][row], atol=1e-5)


def test_a_sure_answer_does_not_fade() -> None:
    head = head_with(2)
    _, unsure = maps_of(head, FEATURES, 0)
    head.layers[-1].kernel.assign(head.layers[-1].kernel * 1000)
    _, sure = maps_of(head, FEATURES, 0)
    np.testing.assert_allclose(sure, 1000 * unsure, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("shape", ((32, 32), (16, 64), (64, 16)), ids=str)
@pytest.mark.parametrize("corner", ((0, 0), (0, 1), (1, 0), (1, 1)), ids=str)
def test_the_square_that_decides_is_where_the_map_is_warmest(shape: tuple[int, int], corner: tuple[int, int]) -> None:
    inputs = keras.Input((*shape, 3))
    brightness = keras.layers.Conv2D(1, 4, 4, use_bias=False, kernel_initializer="ones")(inputs)
    features = keras.Model(inputs, brightness)
    head = build_head(HeadParameters(), features.output_shape[1:], 2)
    head.layers[-1].set_weights([np.array([[-1.0, 1.0]]), np.zeros(2)])
    pixels = np.zeros((1, *shape, 3), np.float32)
    top, left = (at * (side - 4) for at, side in zip(corner, shape, strict=True))
    pixels[0, top : top + 4, left : left + 4] = 255
    _, maps = class_maps(head, features(pixels), tf.constant([1]))
    assert np.unravel_index(np.argmax(maps[0]), maps[0].shape) == (top // 4, left // 4)
    assert np.count_nonzero(maps[0]) == 1


@pytest.mark.parametrize("values", ({}, DEEP), ids=("linear", "deep"))
@pytest.mark.parametrize("level", (0.0, 1.0, 255.0))
def test_constant_feature_maps_give_finite_maps(values: dict[str, Any], level: float) -> None:
    logits, maps = maps_of(head_with(3, **values), np.full_like(FEATURES, level), 0)
    assert np.isfinite(logits).all()
    assert np.isfinite(maps).all()
