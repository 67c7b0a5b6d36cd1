from typing import Any

import keras
import numpy as np
import pytest

from pipeline.core.errors import MachineError, ParameterError
from pipeline.core.training_parameters import HeadParameters, TrainParameters
from pipeline.learning.classifier import Classifier, build_classifier, build_head, load_pretrained, open_layers

PIXELS = np.random.default_rng(0).uniform(0, 255, (6, 32, 32, 3)).astype("float32")
LABELS = np.array([0, 1, 2, 0, 1, 2])


def parameters(**values: Any) -> TrainParameters:
    tiny = {"width": 0.25, "image_size": 32, "phases": [{"epochs": 1, "unfreeze_from": 0}]}
    return TrainParameters.model_validate({**tiny, **values})


def train_a_step(classifier: Classifier) -> None:
    classifier.network.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    classifier.network.train_on_batch(PIXELS, LABELS)


def test_the_parts_of_a_classifier_are_the_whole() -> None:
    classifier = build_classifier(parameters(), 3)
    features = classifier.features(PIXELS)
    assert features.shape == (6, 4, 4, 32)
    np.testing.assert_allclose(classifier.head(features), classifier.network(PIXELS), atol=1e-5)
    assert classifier.network.output_shape == (None, 3)


@pytest.mark.parametrize(
    ("head", "kinds"),
    (
        ({}, ["GlobalAveragePooling2D", "Dropout", "Dense"]),
        (
            {"hidden_units": 7, "dropout": 0.4},
            ["GlobalAveragePooling2D", "Dropout", "Dense", "Activation", "Dropout", "Dense"],
        ),
        (
            {"hidden_units": 7, "batch_normalisation": True, "activation": "elu"},
            ["GlobalAveragePooling2D", "Dropout", "Dense", "BatchNormalization", "Activation", "Dropout", "Dense"],
        ),
    ),
)
def test_a_head_holds_what_its_parameters_name(head: dict[str, Any], kinds: list[str]) -> None:
    built = build_head(HeadParameters.model_validate(head), (4, 4, 8), 5)
    assert [type(layer).__name__ for layer in built.layers[1:]] == kinds
    assert built.output_shape == (None, 5)
    if head.get("activation"):
        assert keras.activations.serialize(built.layers[-3].activation) == "elu"


def test_a_head_is_regularised_by_the_squares_of_its_weights() -> None:
    head = build_head(HeadParameters(l2=0.01, hidden_units=4), (2, 2, 3), 2)
    squares = [
        float((layer.kernel.numpy() ** 2).sum()) for layer in head.layers if isinstance(layer, keras.layers.Dense)
    ]
    assert float(sum(head.losses)) == pytest.approx(0.01 * sum(squares), rel=1e-4)


def test_logits_have_32_bits_under_mixed_precision(mixed_precision: None) -> None:
    classifier = build_classifier(parameters(), 3)
    assert classifier.network(PIXELS).dtype == "float32"
    assert classifier.features(PIXELS).dtype == "float16"


def test_a_frozen_backbone_moves_neither_parameters_nor_statistics() -> None:
    classifier = build_classifier(parameters(), 3)
    open_layers(classifier.backbone, None)
    before = classifier.backbone.get_weights()
    head_before = classifier.head.get_weights()
    train_a_step(classifier)
    for weight, value in zip(before, classifier.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)
    assert not np.allclose(head_before[0], classifier.head.get_weights()[0])


def test_layers_before_the_first_open_one_stay_and_those_after_it_move() -> None:
    classifier = build_classifier(parameters(), 3)
    first_open = 10
    open_layers(classifier.backbone, first_open)
    before = [layer.get_weights() for layer in classifier.backbone.layers]
    train_a_step(classifier)
    moved = [
        any(not np.array_equal(old, new) for old, new in zip(weights, layer.get_weights(), strict=True))
        for weights, layer in zip(before, classifier.backbone.layers, strict=True)
    ]
    has_weights = [bool(weights) for weights in before]
    assert any(has_weights[:first_open])
    assert not any(moved[:first_open])
    assert moved[first_open:] == has_weights[first_open:]


def test_a_layer_that_was_frozen_opens_again() -> None:
    classifier = build_classifier(parameters(), 3)
    every = len(classifier.network.trainable_weights)
    open_layers(classifier.backbone, None)
    assert len(classifier.network.trainable_weights) == len(classifier.head.trainable_weights)
    open_layers(classifier.backbone, 5)
    assert len(classifier.network.trainable_weights) < every
    open_layers(classifier.backbone, 0)
    assert len(classifier.network.trainable_weights) == every


def test_an_unfreezing_beyond_the_last_layer_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"train\.phases\.1\.unfreeze_from is 500"):
        build_classifier(parameters(phases=[{"epochs": 1}, {"epochs": 1, "unfreeze_from": 500}]), 3)


def test_weights_with_another_hash_than_named_are_refused(shared_weights: object) -> None:
    named = parameters(backbone="MobileNet", weights="imagenet", weights_sha256="0" * 64)
    with pytest.raises(MachineError, match="have the hash") as caught:
        load_pretrained(build_classifier(named, 3), named)
    assert "0" * 64 in caught.value.expected


def test_no_weights_named_leaves_the_backbone_as_it_was() -> None:
    classifier = build_classifier(parameters(), 2)
    before = classifier.backbone.get_weights()
    load_pretrained(classifier, parameters())
    for weight, value in zip(before, classifier.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)
