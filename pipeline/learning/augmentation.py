"""Random views of training photos: one geometric resampling and one colour mixing, however many changes are on."""

import math

import keras
import tensorflow as tf

from pipeline.core.training_parameters import AugmentParameters

# Rec. 601 luma, and the rotation axis of hue: the grey diagonal of the colour cube.
_LUMA = (0.299, 0.587, 0.114)


class RandomView(keras.layers.Layer):
    """Flip, rotate, shift and crop in a single bilinear resampling, so that a photo is blurred once at most.

    Input and output: `(batch, height, width, 3) float32` in [0, 255]. Pixels from beyond the border are reflected.

    Args:
        parameters: ranges of the changes.
        seed: seed of the random stream.
    """

    def __init__(self, parameters: AugmentParameters, seed: int) -> None:
        super().__init__(trainable=False, dtype="float32")
        self._parameters = parameters
        self._seeds = keras.random.SeedGenerator(seed)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Give each photo of the batch a view of its own."""
        shape = tf.shape(images)
        transforms = self._transforms(shape[0], tf.cast(shape[1], tf.float32), tf.cast(shape[2], tf.float32))
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=transforms,
            output_shape=shape[1:3],
            interpolation="BILINEAR",
            fill_mode="REFLECT",
            fill_value=0.0,
        )

    def _transforms(self, count: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
        """Output-to-input projective transforms, `(batch, 8)`, around the centre of the photo."""
        parameters = self._parameters
        zoom = tf.sqrt(self._uniform(count, parameters.min_crop_area, 1.0))
        angle = self._uniform(count, -1.0, 1.0) * math.radians(parameters.rotation_degrees)
        flip_x = self._signs(count, parameters.horizontal_flip)
        flip_y = self._signs(count, parameters.vertical_flip)
        # A crop may lie anywhere in the photo; a shift adds to that.
        free = (1.0 - zoom) / 2.0 + parameters.shift
        shift_x = self._uniform(count, -1.0, 1.0) * free * width
        shift_y = self._uniform(count, -1.0, 1.0) * free * height
        cosine, sine = tf.cos(angle) * zoom, tf.sin(angle) * zoom
        centre_x, centre_y = (width - 1.0) / 2.0, (height - 1.0) / 2.0
        x_of_x, x_of_y = cosine * flip_x, -sine * flip_y
        y_of_x, y_of_y = sine * flip_x, cosine * flip_y
        x_offset = centre_x + shift_x - x_of_x * centre_x - x_of_y * centre_y
        y_offset = centre_y + shift_y - y_of_x * centre_x - y_of_y * centre_y
        zeros = tf.zeros_like(zoom)
        return tf.stack([x_of_x, x_of_y, x_offset, y_of_x, y_of_y, y_offset, zeros, zeros], axis=1)

    def _uniform(self, count: tf.Tensor, low: float, high: float) -> tf.Tensor:
        return tf.random.stateless_uniform((count,), self._seed(), low, high)

    def _signs(self, count: tf.Tensor, flips: bool) -> tf.Tensor:
        if not flips:
            return tf.ones((count,))
        return tf.sign(self._uniform(count, -1.0, 1.0) + 1e-9)

    def _seed(self) -> tf.Tensor:
        return tf.cast(self._seeds.next(), tf.int32)


class RandomColour(keras.layers.Layer):
    """Change brightness, contrast, saturation and hue by one colour matrix per photo.

    Input and output: `(batch, height, width, 3) float32` in [0, 255], clipped.

    Args:
        parameters: ranges of the changes.
        seed: seed of the random stream.
    """

    def __init__(self, parameters: AugmentParameters, seed: int) -> None:
        super().__init__(trainable=False, dtype="float32")
        self._parameters = parameters
        self._seeds = keras.random.SeedGenerator(seed)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Give each photo of the batch colours of its own."""
        count = tf.shape(images)[0]
        parameters = self._parameters
        contrast = 1.0 + self._symmetric(count, parameters.contrast)
        saturation = 1.0 + self._symmetric(count, parameters.saturation)
        turn = self._symmetric(count, parameters.hue) * 2.0 * math.pi
        brightness = self._symmetric(count, parameters.brightness) * 255.0
        luma = tf.tile(tf.constant([_LUMA]), (3, 1))
        colour = saturation[:, None, None] * (_hue_rotation(turn) - luma) + luma
        matrix = contrast[:, None, None] * colour
        mean = tf.reduce_mean(images, axis=(1, 2))
        offset = (1.0 - contrast)[:, None] * mean + brightness[:, None]
        mixed = tf.einsum("bhwc,bdc->bhwd", images, matrix) + offset[:, None, None, :]
        return tf.clip_by_value(mixed, 0.0, 255.0)

    def _symmetric(self, count: tf.Tensor, reach: float) -> tf.Tensor:
        return tf.random.stateless_uniform((count,), tf.cast(self._seeds.next(), tf.int32), -reach, reach)


def build_augmentation(parameters: AugmentParameters, seed: int) -> keras.Sequential:
    """Build the random changes that parameters switch on, in a fixed order.

    Args:
        parameters: ranges of the changes; all off gives a network that changes nothing.
        seed: seed of the random streams.

    Returns:
        A model on `(batch, height, width, 3) float32` in [0, 255].
    """
    layers: list[keras.layers.Layer] = []
    if _changes_view(parameters):
        layers.append(RandomView(parameters, seed))
    if parameters.brightness or parameters.contrast or parameters.saturation or parameters.hue:
        layers.append(RandomColour(parameters, seed + 1))
    # Keras builds no network without a layer.
    return keras.Sequential(layers or [keras.layers.Identity(dtype="float32")], name="augmentation")


def _changes_view(parameters: AugmentParameters) -> bool:
    turned = parameters.horizontal_flip or parameters.vertical_flip or parameters.rotation_degrees > 0
    return turned or parameters.shift > 0 or parameters.min_crop_area < 1


def _hue_rotation(turn: tf.Tensor) -> tf.Tensor:
    """Rotation about the grey axis by `turn` radians, `(batch,)` to `(batch, 3, 3)` (Rodrigues' formula)."""
    cosine = tf.cos(turn)[:, None, None]
    sine = tf.sin(turn)[:, None, None]
    axis = 1.0 / math.sqrt(3.0)
    cross = tf.constant([[0.0, -axis, axis], [axis, 0.0, -axis], [-axis, axis, 0.0]])
    return cosine * tf.eye(3) + sine * cross + (1.0 - cosine) / 3.0 * tf.ones((3, 3))
