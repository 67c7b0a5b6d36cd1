"""The classifier: scaling, backbone and head as one network from squashed pixels to logits."""

from dataclasses import dataclass

import keras

from pipeline.core.errors import MachineError, ParameterError
from pipeline.core.training_parameters import HeadParameters, TrainParameters
from pipeline.learning.backbones import WITHOUT_WEIGHTS, build_backbone, load_weights, scale_pixels


@dataclass(frozen=True)
class Classifier:
    """A network and its parts, which share their variables."""

    network: keras.Model
    """`(batch, size, size, 3) float32` in [0, 255] to `(batch, classes)` logits."""
    features: keras.Model
    """The same input to the last feature map `(batch, height, width, channels)`, which feeds the pooling."""
    head: keras.Model
    """The feature map to logits."""
    backbone: keras.Model
    """Scaled pixels to the feature map."""


def build_classifier(parameters: TrainParameters, num_classes: int) -> Classifier:
    """Build an untrained classifier.

    Raises:
        ParameterError: the backbone is unknown, does not fit the image size or has no layer to unfreeze from.
    """
    backbone = build_backbone(parameters.backbone, parameters.width, parameters.image_size)
    _check_phases(parameters, len(backbone.layers))
    head = build_head(parameters.head, backbone.output_shape[1:], num_classes)
    pixels = keras.Input((parameters.image_size, parameters.image_size, 3), name="pixels")
    feature_map = backbone(scale_pixels(pixels, parameters.backbone))
    features = keras.Model(pixels, feature_map, name="features")
    network = keras.Model(pixels, head(feature_map), name="classifier")
    return Classifier(network, features, head, backbone)


def build_head(parameters: HeadParameters, feature_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Build a head: pooling, dropout, an optional dense layer, and one logit per class.

    Args:
        parameters: dropout, dense layer and its regularisation.
        feature_shape: height, width and channels of the feature map.
        num_classes: number of logits, at least 2.
    """
    layers = keras.layers
    regularizer = keras.regularizers.L2(parameters.l2) if parameters.l2 else None
    inputs = keras.Input(feature_shape, name="feature_map")
    vector = layers.GlobalAveragePooling2D(name="pooling")(inputs)
    vector = layers.Dropout(parameters.dropout)(vector)
    if parameters.hidden_units:
        vector = layers.Dense(parameters.hidden_units, kernel_regularizer=regularizer)(vector)
        if parameters.batch_normalisation:
            vector = layers.BatchNormalization()(vector)
        vector = layers.Activation(parameters.activation)(vector)
        vector = layers.Dropout(parameters.dropout)(vector)
    logits = layers.Dense(num_classes, kernel_regularizer=regularizer, dtype="float32", name="logits")(vector)
    return keras.Model(inputs, logits, name="head")


def load_pretrained(classifier: Classifier, parameters: TrainParameters) -> None:
    """Load the backbone's pretrained weights, where parameters name any, and check their hash.

    Raises:
        MachineError: the weights are out of reach, or are others than the parameters name.
    """
    if parameters.weights == WITHOUT_WEIGHTS:
        return
    loaded = load_weights(classifier.backbone, parameters.backbone, parameters.width, parameters.weights)
    if parameters.weights_sha256 not in (None, loaded):
        raise MachineError(
            f"weights {parameters.weights!r} of {parameters.backbone} have the hash {loaded}",
            expected=f"train.weights_sha256, {parameters.weights_sha256}",
            todo="bring the weights that the parameters name, or run `make recipe NAME=<recipe>` to name these",
        )


def open_layers(backbone: keras.Model, unfreeze_from: int | None) -> None:
    """Open the backbone's layers from one on and freeze those before it, batch statistics included.

    Args:
        backbone: changed in place.
        unfreeze_from: index of the first trainable layer, counted from the input; None freezes all.
    """
    backbone.trainable = unfreeze_from is not None
    # Each layer by itself: a network that is open already does not hand the word on to its layers.
    for index, layer in enumerate(backbone.layers):
        layer.trainable = unfreeze_from is not None and index >= unfreeze_from


def _check_phases(parameters: TrainParameters, num_layers: int) -> None:
    for number, phase in enumerate(parameters.phases):
        if phase.unfreeze_from is not None and phase.unfreeze_from >= num_layers:
            raise ParameterError(
                f"train.phases.{number}.unfreeze_from is {phase.unfreeze_from}, which would leave the backbone frozen",
                expected=f"below {num_layers}, the number of layers of {parameters.backbone}",
                todo="lower it in params.yaml, or remove it to freeze the backbone",
            )
