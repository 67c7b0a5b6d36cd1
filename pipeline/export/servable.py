"""The served artefact: one `tf.Module` with the signatures of `serving.contract`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from pipeline.explain.class_activation import class_maps
from pipeline.learning.classifier import Classifier
from pipeline.learning.pixels import PixelLimits, photos_to_pixels, squash
from serving import contract


@dataclass(frozen=True)
class ServableFacts:
    """What the artefact carries besides the network."""

    classes: tuple[str, ...]
    thresholds: tuple[float, ...]
    """Per class; predicted is the class with the largest probability minus threshold."""
    map_scale: float
    """Logit units that become 1 on the heat map."""
    image_size: int
    limits: PixelLimits


class Servable(tf.Module):
    """Photos to probabilities and heat maps, from bytes, in one graph.

    Args:
        classifier: a trained network; its variables become the module's.
        facts: class names, thresholds, map scale and limits, stored as constants.
    """

    def __init__(self, classifier: Classifier, facts: ServableFacts) -> None:
        super().__init__(name="heritage_photos")
        self.features = classifier.features
        self.head = classifier.head
        self._facts = facts
        self._classes = tf.constant(facts.classes)
        self._thresholds = tf.constant(facts.thresholds, tf.float32)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name=contract.IMAGES)])
    def predict_arrays(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classify decoded photos, `(batch, height, width, 3) uint8`."""
        return self._answer(self.logits(squash(_at_least_one(images), self._facts.image_size)))

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name=contract.IMAGE_BYTES)])
    def predict_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classify encoded photos, `(batch,) string`."""
        return self._answer(self.logits(self._pixels(image_bytes)))

    @tf.function(
        input_signature=[
            tf.TensorSpec((None,), tf.string, name=contract.IMAGE_BYTES),
            tf.TensorSpec((None,), tf.int32, name=contract.CLASS_INDEX),
        ]
    )
    def explain(self, image_bytes: tf.Tensor, class_index: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classify encoded photos and map the chosen class of each; -1 = the predicted class."""
        num_classes = len(self._facts.classes)
        checks = [
            tf.debugging.assert_greater_equal(class_index, contract.PREDICTED_CLASS, message="class_index below -1"),
            tf.debugging.assert_less(class_index, num_classes, message="class_index beyond the last class"),
            tf.debugging.assert_equal(tf.size(class_index), tf.size(image_bytes), message="one class_index per photo"),
        ]
        with tf.control_dependencies(checks):
            feature_map = self.features(self._pixels(image_bytes), training=False)
        predicted = self._predicted(tf.nn.softmax(self.head(feature_map, training=False)))
        explained = tf.where(class_index == contract.PREDICTED_CLASS, predicted, class_index)
        logits, maps = class_maps(self.head, feature_map, explained)
        heatmap = tf.clip_by_value(maps / self._facts.map_scale, 0.0, 1.0)
        return {
            **self._answer(logits),
            contract.CLASS_INDEX: explained,
            contract.MAP: maps,
            contract.HEATMAP: heatmap,
        }

    def logits(self, pixels: tf.Tensor) -> tf.Tensor:
        """Logits of squashed pixels; graph code."""
        return self.head(self.features(pixels, training=False), training=False)

    def _pixels(self, image_bytes: tf.Tensor) -> tf.Tensor:
        return photos_to_pixels(_at_least_one(image_bytes), self._facts.image_size, self._facts.limits)

    def _predicted(self, probabilities: tf.Tensor) -> tf.Tensor:
        return tf.argmax(probabilities - self._thresholds, axis=1, output_type=tf.int32)

    def _answer(self, logits: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = tf.nn.softmax(logits)
        count = tf.shape(probabilities)[0]
        return {
            contract.PROBABILITIES: probabilities,
            contract.CLASSES: tf.tile(self._classes[None], (count, 1)),
            contract.THRESHOLD: tf.tile(self._thresholds[None], (count, 1)),
        }


def _at_least_one(photos: tf.Tensor) -> tf.Tensor:
    # TensorFlow's convolutions on CPU fail on a batch of none, in words that name no cause.
    with tf.control_dependencies([tf.debugging.assert_positive(tf.shape(photos)[0], message="no photos")]):
        return tf.identity(photos)


def write_saved_model(servable: Servable, folder: Path) -> None:
    """Write the SavedModel with its three signatures.

    Args:
        servable: the module to write.
        folder: made by this call; loads with TensorFlow alone.

    Raises:
        OSError: the folder cannot be written.
        tf.errors.OpError: TensorFlow cannot write, on a full disk for instance.
    """
    signatures = {
        contract.PREDICT_ARRAYS: servable.predict_arrays.get_concrete_function(),
        contract.PREDICT_BYTES: servable.predict_bytes.get_concrete_function(),
        contract.EXPLAIN: servable.explain.get_concrete_function(),
    }
    tf.saved_model.save(servable, str(folder), signatures=signatures)


def measure_map_scale(classifier: Classifier, batches: tf.data.Dataset, quantile: float) -> float:
    """Measure the logit units that stand for a full heat, so that heat means the same on every photo.

    Args:
        classifier: a trained network.
        batches: `(pixels, class indices)` of validation photos.
        quantile: of the positive map values of the photos' own classes, in (0.5, 1].

    Returns:
        A positive number of logit units.
    """
    positives: list[np.ndarray] = []
    for pixels, labels in batches:
        _, maps = class_maps(classifier.head, classifier.features(pixels, training=False), labels)
        values = maps.numpy()
        positives.append(values[values > 0])
    values = np.concatenate(positives)
    return float(np.quantile(values, quantile)) if values.size else 1.0


def equal_thresholds(classes: Sequence[str]) -> tuple[float, ...]:
    """Thresholds that predict the most probable class: one over the number of classes for each."""
    return (1.0 / len(classes),) * len(classes)
