"""Stage `embed`: a vector per readable photo from a frozen backbone, off unless its weights are named."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import MachineError
from pipeline.core.parameters import EmbedParameters, Parameters
from pipeline.core.paths import Layout
from pipeline.core.progress import with_progress
from pipeline.core.tables import read_rows, replacing, write_text
from pipeline.photos.records import PhotoRow
from serving.contract import PhotoLimits, upright

VECTORS = "vectors.npz"
SUMMARY = "embed.json"

_BATCH_SIZE = 32


@dataclass(frozen=True)
class EmbedResult:
    """What the stage made."""

    num_vectors: int
    backbone: str | None
    """None where the stage is off."""


def run(layout: Layout, parameters: Parameters) -> EmbedResult:
    """Write `vectors.npz` (`paths`, `vectors` float32 of unit length) for the photos of `validate`.

    Raises:
        MachineError: the named weights are out of reach or are others than named.
    """
    folder = layout.artifacts("embed")
    rows = [row for row in read_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow) if not row.error]
    backbone = parameters.embed.backbone
    vectors = np.zeros((0, 0), np.float32)
    if backbone is not None and rows:
        limits = PhotoLimits(parameters.validate_.max_bytes, parameters.validate_.max_pixels)
        photos = (upright((layout.root / row.path).read_bytes(), limits) for row in rows)
        vectors = embed_photos(with_progress(photos, "embedding", len(rows)), parameters.embed, limits)
    with replacing(folder / VECTORS) as temporary, temporary.open("wb") as stream:
        stream.write(_npz_bytes([row.path for row in rows[: len(vectors)]], vectors))
    reason = "" if backbone else "off: params.yaml names no embed.backbone"
    summary = {"backbone": backbone, "photos": len(vectors), "reason": reason}
    write_text(folder / SUMMARY, json.dumps(summary, indent=1) + "\n")
    return EmbedResult(len(vectors), backbone)


def embed_photos(photos: Iterator[bytes], parameters: EmbedParameters, limits: PhotoLimits) -> np.ndarray[Any, Any]:
    """Embed upright photos with the named backbone, pooled over the last feature map.

    Args:
        photos: upright JPEG or PNG bytes.
        parameters: backbone, hash of its weights, image size.
        limits: what the graph refuses.

    Returns:
        `(photos, channels) float32`, rows of unit length.

    Raises:
        MachineError: the weights are out of reach or are others than named.
    """
    import tensorflow as tf

    from pipeline.learning.backbones import IMAGENET, build_backbone, load_weights, scale_pixels
    from pipeline.learning.pixels import PixelLimits, photos_to_pixels

    name = str(parameters.backbone)
    backbone = build_backbone(name, parameters.width, parameters.image_size)
    loaded = load_weights(backbone, name, parameters.width, IMAGENET)
    if parameters.weights_sha256 not in (None, loaded):
        raise MachineError(
            f"the weights of {name} at hand have the hash {loaded}",
            expected=f"embed.weights_sha256, {parameters.weights_sha256}",
            todo="bring the weights that the parameters name, or run `make recipe NAME=<recipe>` to name these",
        )
    pixel_limits = PixelLimits(limits.max_bytes, limits.max_pixels)

    def embed(batch: tf.Tensor) -> tf.Tensor:
        pixels = scale_pixels(photos_to_pixels(batch, parameters.image_size, pixel_limits), name)
        return tf.math.l2_normalize(tf.reduce_mean(backbone(pixels, training=False), axis=(1, 2)), axis=1)

    graph = tf.function(embed, input_signature=[tf.TensorSpec((None,), tf.string)])
    return np.concatenate([graph(tf.constant(batch)).numpy() for batch in _batched(photos)])


def _batched(photos: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for photo in photos:
        batch.append(photo)
        if len(batch) == _BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


def _npz_bytes(paths: Sequence[str], vectors: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, paths=np.array(paths, dtype=np.str_), vectors=vectors)
    return buffer.getvalue()
