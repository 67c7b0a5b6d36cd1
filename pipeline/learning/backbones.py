"""Backbones by name: any network of `keras.applications`, or a small residual network trained from scratch."""

import difflib
import hashlib
import inspect
import socket
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pipeline.core.errors import MachineError, ParameterError, first_line

SCRATCH = "residual_small"
WITHOUT_WEIGHTS = "none"
IMAGENET = "imagenet"

_LOADING_SIZE = 224  # the size at which every published weights file without its top can be loaded
_DOWNLOAD_TIMEOUT_SECONDS = 20
_STAGE_CHANNELS = (32, 64, 96, 128)
# The published EfficientNet B0 to B7 divide by the square root of these after they have normalised.
_IMAGENET_DEVIATIONS = (0.229, 0.224, 0.225)


def backbone_names() -> list[str]:
    """Every backbone that can be named, sorted."""
    applications = [name for name, value in vars(keras.applications).items() if _is_network(name, value)]
    return sorted([*applications, SCRATCH])


def build_backbone(name: str, width: float | None, image_size: int) -> keras.Model:
    """Build an untrained backbone without its top.

    Args:
        name: `residual_small` or the name of a network in `keras.applications`.
        width: width multiplier (`alpha`) where the network has one, None for its own default.
        image_size: side of the square input, pixels.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, scaled as `input_scaling` says, to the last feature map
        `(batch, height, width, channels)`.

    Raises:
        ParameterError: no such backbone, or no width multiplier where one is given.
    """
    if name == SCRATCH:
        return _residual_small(image_size, width or 1.0)
    build = _network_called(name)
    arguments: dict[str, Any] = {"include_top": False, "weights": None, "input_shape": (image_size, image_size, 3)}
    parameters = inspect.signature(build).parameters
    if width is not None:
        if "alpha" not in parameters:
            raise ParameterError(
                f"train.width is {width}, but {name} has no width multiplier",
                expected="width for networks of the MobileNet family and residual_small only",
                todo="remove train.width from params.yaml",
            )
        arguments["alpha"] = width
    if "include_preprocessing" in parameters:
        arguments["include_preprocessing"] = True
    try:
        return build(**arguments)
    except ValueError as error:
        raise ParameterError(
            f"{name} cannot be built for {image_size} pixels: {error}",
            expected="an image size that the network accepts",
            todo="change train.image_size in params.yaml",
        ) from None


def load_weights(backbone: keras.Model, name: str, width: float | None, weights: str) -> str:
    """Load pretrained weights into a backbone.

    They are loaded into the network at its published size and copied tensor by tensor, so that one weights file
    serves every image size.

    Args:
        backbone: as `build_backbone` made it; changed in place.
        name: its name.
        width: its width multiplier.
        weights: `imagenet` (Keras' cache, else a download), or the path of a weights file without the top.

    Returns:
        Hex sha256 over the loaded tensors, the same whatever file format they came from.

    Raises:
        MachineError: the weights are neither at hand nor reachable, or belong to another network.
        ParameterError: the network is one that nobody has published weights of.
    """
    if name == SCRATCH:
        raise ParameterError(
            f"train.weights is {weights!r}, but {SCRATCH} has no published weights",
            expected=f"{WITHOUT_WEIGHTS}",
            todo=f"set train.weights to {WITHOUT_WEIGHTS}, or name a network of keras.applications",
        )
    if weights != IMAGENET and not Path(weights).is_file():
        raise _unreachable(name, weights, "the file does not exist")
    build = _network_called(name)
    arguments: dict[str, Any] = {"include_top": False, "weights": weights, "input_shape": (_LOADING_SIZE,) * 2 + (3,)}
    if width is not None:
        arguments["alpha"] = width
    previous_timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = build(**arguments)
    except Exception as error:  # downloads and file formats fail in many ways, all of them for the same reason
        raise _unreachable(name, weights, first_line(error)) from None
    finally:
        socket.setdefaulttimeout(previous_timeout)
    backbone.set_weights(loaded.get_weights())
    _settle_normalisation(backbone, name)
    return weights_sha256(backbone)


def weights_sha256(network: keras.Model) -> str:
    """Hex sha256 over a network's tensors in order, each with its shape."""
    digest = hashlib.sha256()
    for tensor in network.get_weights():
        digest.update(str(tensor.shape).encode())
        digest.update(np.ascontiguousarray(tensor, dtype="<f4").tobytes())
    return digest.hexdigest()


def input_scaling(name: str) -> tuple[bool, list[float], list[float]]:
    """How a backbone wants its pixels, measured on the network's own preprocessing function.

    Returns:
        Whether the channels are reversed to blue, green, red; the factor and the offset of each channel, to be
        applied to pixels in [0, 255] after the reversal.
    """
    if name == SCRATCH:
        return False, [1 / 127.5] * 3, [-1.0] * 3
    _network_called(name)
    preprocess = _preprocessing_of(name)
    black = np.asarray(preprocess(np.zeros((1, 1, 1, 3), "float32"))).reshape(3)
    red = np.asarray(preprocess(np.array([[[[255.0, 0, 0]]]], "float32"))).reshape(3)
    white = np.asarray(preprocess(np.full((1, 1, 1, 3), 255.0, "float32"))).reshape(3)
    is_reversed = bool(red[0] == black[0])
    return is_reversed, [float(value) for value in (white - black) / 255], [float(value) for value in black]


def scale_pixels(pixels: Any, name: str) -> Any:
    """Scale pixels as a backbone wants them; works on Keras inputs and on tensors.

    Args:
        pixels: `(batch, height, width, 3) float32` in [0, 255].
        name: the backbone's name.
    """
    is_reversed, scale, offset = input_scaling(name)
    ordered = keras.ops.flip(pixels, axis=-1) if is_reversed else pixels
    return keras.layers.Rescaling(scale, offset, name="scaling")(ordered)


def _network_called(name: str) -> Callable[..., keras.Model]:
    network = getattr(keras.applications, name, None)
    if network is None or not _is_network(name, network):
        near = difflib.get_close_matches(name, backbone_names(), n=3, cutoff=0.4)
        raise ParameterError(
            f"unknown backbone {name!r}",
            expected=f"one of {', '.join(near)}" if near else "residual_small or the name of a Keras application",
            todo="mend the name in params.yaml; `python -c 'import keras; help(keras.applications)'` lists them all",
        )
    return network


def _is_network(name: str, value: Any) -> bool:
    return name[:1].isupper() and callable(value)


def _preprocessing_of(name: str) -> Callable[..., Any]:
    modules = [value for value in vars(keras.applications).values() if isinstance(value, types.ModuleType)]
    homes = [module for module in modules if hasattr(module, name)]
    # Keras lists the networks of MobileNetV3 outside their module.
    module = homes[0] if homes else keras.applications.mobilenet_v3
    return module.preprocess_input


def _settle_normalisation(backbone: keras.Model, name: str) -> None:
    """Let normalisation layers take up the statistics that were loaded into their variables.

    A published EfficientNet holds one more division in a layer that Keras adds for its own weights only; here it
    moves into the variance, so that the network is the same with and without weights.
    """
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.input_mean is None:
            if name.startswith("EfficientNetB"):
                layer.adapt_variance.assign(layer.adapt_variance * np.array(_IMAGENET_DEVIATIONS, "float32"))
            layer.finalize_state()


def _unreachable(name: str, weights: str, reason: str) -> MachineError:
    return MachineError(
        f"weights {weights!r} of {name} cannot be loaded: {reason}",
        expected="a weights file without the top, in Keras' cache ($KERAS_HOME/models) or at the path given",
        todo="set KERAS_HOME to a folder that holds it, or choose what is at hand with `make recipe NAME=<recipe>`",
    )


def _residual_small(image_size: int, width: float) -> keras.Model:
    """Residual network of He et al. (arXiv 1512.03385) in miniature: four stages, stride 8, so that maps stay fine."""
    layers = keras.layers
    channels = [max(8, round(count * width)) for count in _STAGE_CHANNELS]
    inputs = keras.Input((image_size, image_size, 3))
    features = _convolution(inputs, channels[0], 3, strides=2)
    features = layers.Activation("relu")(features)
    for stage, count in enumerate(channels):
        features = _residual_block(features, count, strides=2 if stage in (1, 2) else 1)
    return keras.Model(inputs, features, name=SCRATCH)


def _residual_block(features: Any, channels: int, strides: int) -> Any:
    layers = keras.layers
    shortcut = features
    if strides > 1:
        # Pooled, then projected, as in arXiv 1812.01187: no value is thrown away, and no 1x1 convolution is strided,
        # whose gradient writes beyond its memory on some CPUs (docs/decisions/007).
        shortcut = layers.AveragePooling2D(strides, padding="same")(shortcut)
    if features.shape[-1] != channels:
        shortcut = _convolution(shortcut, channels, 1)
    features = layers.Activation("relu")(_convolution(features, channels, 3, strides))
    features = _convolution(features, channels, 3)
    return layers.Activation("relu")(layers.Add()([features, shortcut]))


def _convolution(features: Any, channels: int, kernel: int, strides: int = 1) -> Any:
    layers = keras.layers
    features = layers.Conv2D(channels, kernel, strides, padding="same", use_bias=False)(features)
    return layers.BatchNormalization(momentum=0.9)(features)
