import importlib
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from pipeline.core.errors import MachineError, ParameterError
from pipeline.learning.backbones import (
    SCRATCH,
    backbone_names,
    build_backbone,
    input_scaling,
    load_weights,
    scale_pixels,
    weights_sha256,
)

PIXELS = np.random.default_rng(0).uniform(0, 255, (2, 4, 5, 3)).astype("float32")


@pytest.mark.parametrize(
    ("name", "module"),
    (
        ("MobileNet", "mobilenet"),
        ("MobileNetV2", "mobilenet_v2"),
        ("MobileNetV3Small", "mobilenet_v3"),
        ("ResNet50", "resnet"),
        ("ResNet152V2", "resnet_v2"),
        ("DenseNet121", "densenet"),
        ("InceptionResNetV2", "inception_resnet_v2"),
        ("Xception", "xception"),
        ("VGG16", "vgg16"),
        ("NASNetMobile", "nasnet"),
        ("EfficientNetB0", "efficientnet"),
        ("EfficientNetV2B0", "efficientnet_v2"),
        ("ConvNeXtTiny", "convnext"),
    ),
)
def test_pixels_are_scaled_as_the_networks_own_function_does(name: str, module: str) -> None:
    expected = getattr(keras.applications, module).preprocess_input(PIXELS.copy())
    np.testing.assert_allclose(scale_pixels(PIXELS, name), expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("name", backbone_names())
def test_every_backbone_knows_its_scaling(name: str) -> None:
    _, scale, offset = input_scaling(name)
    assert len(scale) == len(offset) == 3
    assert all(factor > 0 for factor in scale)


def test_the_scratch_network_keeps_maps_fine() -> None:
    backbone = build_backbone(SCRATCH, 0.25, 64)
    assert backbone.input_shape == (None, 64, 64, 3)
    assert backbone.output_shape == (None, 8, 8, 32)


@pytest.mark.parametrize(("image_size", "side"), ((16, 2), (33, 5), (96, 12), (100, 13)))
def test_the_scratch_network_takes_any_size_and_strides_no_1x1_convolution(image_size: int, side: int) -> None:
    backbone = build_backbone(SCRATCH, 0.25, image_size)
    assert backbone.output_shape == (None, side, side, 32)
    convolutions = [layer for layer in backbone.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.name for layer in convolutions if layer.kernel_size == (1, 1) and layer.strides != (1, 1)] == []


@pytest.mark.parametrize(("name", "nearest"), (("MobilNet", "MobileNet"), ("resnet_small", SCRATCH), ("Qq", SCRATCH)))
def test_an_unknown_backbone_names_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(ParameterError, match=nearest) as caught:
        build_backbone(name, None, 64)
    assert caught.value.exit_code == 2


def test_a_width_is_refused_where_there_is_none() -> None:
    with pytest.raises(ParameterError, match=r"train\.width"):
        build_backbone("ResNet50", 0.5, 64)


def test_an_image_size_that_the_network_cannot_take_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"train\.image_size"):
        build_backbone("InceptionV3", None, 32)


def test_a_missing_weights_file_is_named(tmp_path: Path) -> None:
    backbone = build_backbone("MobileNet", 0.25, 32)
    with pytest.raises(MachineError, match=r"mine\.weights\.h5") as caught:
        load_weights(backbone, "MobileNet", 0.25, str(tmp_path / "mine.weights.h5"))
    assert caught.value.exit_code == 6


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.weights.h5"
    build_backbone("MobileNet", 0.5, 32).save_weights(path)
    with pytest.raises(MachineError, match="cannot be loaded"):
        load_weights(build_backbone("MobileNet", 0.25, 32), "MobileNet", 0.25, str(path))


def test_weights_that_cannot_be_downloaded_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> str:
        raise ConnectionResetError

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", offline)
    with pytest.raises(MachineError, match="ConnectionResetError"):
        load_weights(build_backbone("MobileNet", 0.25, 32), "MobileNet", 0.25, "imagenet")


def test_the_scratch_network_has_no_weights_to_load() -> None:
    with pytest.raises(ParameterError, match="no published weights"):
        load_weights(build_backbone(SCRATCH, 0.25, 32), SCRATCH, 0.25, "imagenet")


def test_a_weights_file_serves_another_image_size_and_is_known_by_its_tensors(tmp_path: Path) -> None:
    path = tmp_path / "mine.weights.h5"
    source = build_backbone("MobileNet", 0.25, 64)
    source.save_weights(path)
    backbone = build_backbone("MobileNet", 0.25, 32)
    assert weights_sha256(backbone) != weights_sha256(source)
    assert load_weights(backbone, "MobileNet", 0.25, str(path)) == weights_sha256(source)


def test_cached_and_given_weights_have_one_hash(shared_weights: Path) -> None:
    file = shared_weights / "models" / "mobilenet_2_5_224_tf_no_top.h5"
    backbone = build_backbone("MobileNet", 0.25, 32)
    cached = load_weights(backbone, "MobileNet", 0.25, "imagenet")
    assert load_weights(build_backbone("MobileNet", 0.25, 64), "MobileNet", 0.25, str(file)) == cached


def test_an_efficientnet_with_published_weights_computes_what_keras_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(32, 32, 3))
    normalisation = next(layer for layer in published.layers if isinstance(layer, keras.layers.Normalization))
    normalisation.adapt_mean.assign([0.485, 0.456, 0.406])
    normalisation.adapt_variance.assign([0.05, 0.06, 0.07])
    path = tmp_path / "published.h5"
    with h5py.File(path, "w") as file:
        importlib.import_module("keras.src.legacy.saving.legacy_h5_format").save_weights_to_hdf5_group(file, published)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", lambda *_, **__: str(path))
    of_keras = keras.applications.EfficientNetB0(include_top=False, weights="imagenet", input_shape=(32, 32, 3))
    ours = build_backbone("EfficientNetB0", None, 32)
    load_weights(ours, "EfficientNetB0", None, "imagenet")
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    expected, stem = (
        keras.Model(network.input, network.get_layer("stem_conv").output)(pixels) for network in (of_keras, ours)
    )
    np.testing.assert_allclose(stem, expected, rtol=1e-3, atol=1e-4)
