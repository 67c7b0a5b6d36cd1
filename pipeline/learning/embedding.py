"""Embedding: a vector per photo from a frozen backbone."""

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import MachineError
from pipeline.core.hashing import sha256_of_file, sha256_of_value
from pipeline.core.parameters import EmbedParameters
from serving.contract import PhotoLimits

BATCH_SIZE = 32
"""Every batch has this size, filled up where needed: a network rounds differently for batches of different sizes, and
with one size a photo's vector depends on the photo alone."""

_MODULES = (__name__, "pipeline.learning.backbones", "pipeline.learning.pixels", "serving.contract", "serving.metadata")
"""The code that shapes a vector."""


class Embedder:
    """A frozen backbone, pooled over its last feature map.

    Args:
        parameters: backbone, hash of its weights, image size.
        limits: what the graph refuses.

    Raises:
        MachineError: the weights are out of reach or are others than named.
    """

    def __init__(self, parameters: EmbedParameters, limits: PhotoLimits) -> None:
        import tensorflow as tf

        from pipeline.learning.backbones import IMAGENET, build_backbone, load_weights, scale_pixels
        from pipeline.learning.pixels import PixelLimits, photos_to_pixels

        name = str(parameters.backbone)
        backbone = build_backbone(name, parameters.width, parameters.image_size)
        self.weights_sha256 = load_weights(backbone, name, parameters.width, IMAGENET)
        if parameters.weights_sha256 not in (None, self.weights_sha256):
            raise MachineError(
                f"the weights of {name} at hand have the hash {self.weights_sha256}",
                expected=f"embed.weights_sha256, {parameters.weights_sha256}",
                todo="bring the weights that the parameters name, or run `make recipe NAME=<recipe>` to name these",
            )
        pixel_limits = PixelLimits(limits.max_bytes, limits.max_pixels)

        def embed(batch: tf.Tensor) -> tf.Tensor:
            pixels = scale_pixels(photos_to_pixels(batch, parameters.image_size, pixel_limits), name)
            return tf.math.l2_normalize(tf.reduce_mean(backbone(pixels, training=False), axis=(1, 2)), axis=1)

        self._graph: Any = tf.function(embed, input_signature=[tf.TensorSpec((BATCH_SIZE,), tf.string)])

    def vectors_of(self, photos: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """Embed photos.

        Args:
            photos: upright JPEG or PNG bytes, 1 to `BATCH_SIZE`.

        Returns:
            `(photos, channels) float32`, rows of unit length.
        """
        filled = [*photos, *[photos[0]] * (BATCH_SIZE - len(photos))]
        vectors: npt.NDArray[np.float32] = self._graph(filled).numpy()[: len(photos)]
        return vectors


def making_of_vectors(parameters: EmbedParameters, limits: PhotoLimits, weights_sha256: str) -> str:
    """Hash of all that shapes a vector beside the photo: network, weights, sizes, code and TensorFlow."""
    code = {}
    for module in _MODULES:
        spec = importlib.util.find_spec(module)
        code[module] = sha256_of_file(Path(spec.origin)) if spec and spec.origin else ""
    return sha256_of_value(
        {
            "backbone": parameters.backbone,
            "width": parameters.width,
            "weights": weights_sha256,
            "image_size": parameters.image_size,
            "limits": [limits.max_bytes, limits.max_pixels],
            "code": code,
            "tensorflow": importlib.metadata.version("tensorflow"),
        }
    )
