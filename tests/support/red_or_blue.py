"""A model of two trivially separable classes that honours the contract without Keras, to check by hand."""

import io
import json
from pathlib import Path

import tensorflow as tf
from PIL import Image

THRESHOLDS = (0.5, 0.5)


class RedOrBlue(tf.Module):
    """Says `red` of reddish photos and `blue` of bluish ones; its map is that channel, its heat half of it."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        super().__init__()
        self.gain = tf.Variable(20.0)
        self._classes = tf.constant(classes)

    def _answer(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        lead = tf.reduce_mean(pixels[..., 0] - pixels[..., 2], axis=(1, 2)) * self.gain
        probabilities = tf.nn.softmax(tf.stack([lead / 2, -lead / 2], axis=1))
        count = tf.shape(probabilities)[0]
        return {
            "probabilities": probabilities,
            "classes": tf.tile(self._classes[None], (count, 1)),
            "threshold": tf.tile(tf.constant([THRESHOLDS]), (count, 1)),
        }

    def _pixels(self, image_bytes: tf.Tensor) -> tf.Tensor:
        def decoded(data: tf.Tensor) -> tf.Tensor:
            pixels = tf.io.decode_image(data, channels=3, expand_animations=False)
            return tf.image.resize(tf.ensure_shape(pixels, (None, None, 3)), (16, 16)) / 255.0

        return tf.map_fn(decoded, image_bytes, fn_output_signature=tf.TensorSpec((16, 16, 3), tf.float32))

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="image_bytes")])
    def predict_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._answer(self._pixels(image_bytes))

    @tf.function(
        input_signature=[
            tf.TensorSpec((None,), tf.string, name="image_bytes"),
            tf.TensorSpec((None,), tf.int32, name="class_index"),
        ]
    )
    def explain(self, image_bytes: tf.Tensor, class_index: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = self._pixels(image_bytes)
        answer = self._answer(pixels)
        likeliest = tf.argmax(answer["probabilities"], axis=1, output_type=tf.int32)
        chosen = tf.where(class_index < 0, likeliest, class_index)
        maps = tf.where((chosen == 0)[:, None, None], pixels[..., 0], pixels[..., 2])
        return {**answer, "class_index": chosen, "map": maps, "heatmap": maps / 2}


def save_red_or_blue(folder: Path, classes: tuple[str, ...] = ("red", "blue")) -> Path:
    """Export the model of two trivially separable classes."""
    model = RedOrBlue(classes)
    signatures = {"predict_bytes": model.predict_bytes, "explain": model.explain}
    tf.saved_model.save(model, str(folder), signatures=signatures)
    extra = folder / "assets.extra"
    extra.mkdir()
    (extra / "labels.json").write_text(json.dumps(["red", "blue"]))
    (extra / "thresholds.json").write_text(json.dumps(THRESHOLDS))
    return folder


def photo_of(colour: tuple[int, int, int], size: tuple[int, int] = (12, 9), **saved: object) -> bytes:
    """PNG bytes of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG", **saved)
    return buffer.getvalue()
