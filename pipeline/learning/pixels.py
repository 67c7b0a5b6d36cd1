"""From the bytes of a photo to the pixels of a model: the one path that training, evaluation and serving share.

Every function here is TensorFlow graph code and is exported with the model, so a real TensorFlow Serving checks and
decodes exactly as training did.
"""

from dataclasses import dataclass

import tensorflow as tf

_JPEG_MAGIC = b"\xff\xd8\xff"
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_SIZE_AT = 16  # byte offset of width and height in the header chunk, four bytes each, big endian


@dataclass(frozen=True)
class PixelLimits:
    """Limits that the graph checks before it decodes."""

    max_bytes: int
    max_pixels: int


def decode_photo(data: tf.Tensor, limits: PixelLimits) -> tf.Tensor:
    """Check and decode one upright photo.

    Type and size are read from the first bytes before anything is decoded, so that a small file which claims a
    huge picture costs nothing.

    Args:
        data: scalar string, the bytes of an upright 8-bit JPEG or PNG photo.
        limits: what is refused.

    Returns:
        `(height, width, 3) uint8`; JPEG decoded with the accurate integer method, bit-equal to Pillow.

    Raises:
        tf.errors.InvalidArgumentError: no JPEG or PNG, damaged, or beyond the limits.
    """
    num_bytes = tf.strings.length(data)
    is_jpeg = tf.equal(tf.strings.substr(data, 0, len(_JPEG_MAGIC)), _JPEG_MAGIC)
    is_png = tf.equal(tf.strings.substr(data, 0, len(_PNG_MAGIC)), _PNG_MAGIC)
    checks = [
        tf.debugging.assert_less_equal(num_bytes, limits.max_bytes, message="photo has too many bytes"),
        tf.debugging.Assert(tf.logical_or(is_jpeg, is_png), ["photo is neither JPEG nor PNG"]),
    ]
    with tf.control_dependencies(checks):
        height, width = tf.cond(is_jpeg, lambda: _jpeg_size(data), lambda: _png_size(data))
    checks = [
        tf.debugging.assert_positive(tf.minimum(height, width), message="photo has no pixels"),
        tf.debugging.assert_less_equal(
            height * width, tf.constant(limits.max_pixels, tf.int64), message="photo too large"
        ),
    ]
    with tf.control_dependencies(checks):
        pixels = tf.cond(
            is_jpeg,
            lambda: tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE"),
            lambda: tf.io.decode_png(data, channels=3),
        )
    return tf.ensure_shape(pixels, (None, None, 3))


def squash(pixels: tf.Tensor, image_size: int) -> tf.Tensor:
    """Resize to a square with antialiased bilinear sampling; the aspect ratio is not kept.

    Args:
        pixels: `(height, width, 3)` or `(batch, height, width, 3) uint8`.
        image_size: side of the square, pixels.

    Returns:
        `(image_size, image_size, 3)` or `(batch, image_size, image_size, 3) float32` in [0, 255].
    """
    resized: tf.Tensor = tf.image.resize(pixels, (image_size, image_size), method="bilinear", antialias=True)
    return resized


def photos_to_pixels(photos: tf.Tensor, image_size: int, limits: PixelLimits) -> tf.Tensor:
    """Decode and squash a batch of photos of any sizes.

    Args:
        photos: `(batch,) string`, upright JPEG or PNG bytes.
        image_size: side of the square, pixels.
        limits: what is refused.

    Returns:
        `(batch, image_size, image_size, 3) float32` in [0, 255].

    Raises:
        tf.errors.InvalidArgumentError: one of the photos is refused; the batch then fails as a whole.
    """
    return tf.map_fn(
        lambda data: squash(decode_photo(data, limits), image_size),
        photos,
        fn_output_signature=tf.TensorSpec((image_size, image_size, 3), tf.float32),
        parallel_iterations=4,
    )


def _jpeg_size(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    shape = tf.cast(tf.io.extract_jpeg_shape(data), tf.int64)
    return shape[0], shape[1]


def _png_size(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    with tf.control_dependencies([tf.debugging.assert_greater(tf.strings.length(data), _PNG_SIZE_AT + 8)]):
        header = tf.io.decode_raw(tf.strings.substr(data, _PNG_SIZE_AT, 8), tf.uint8)
    values = tf.cast(header, tf.int64)
    place_values = tf.constant([1 << 24, 1 << 16, 1 << 8, 1], tf.int64)
    return tf.reduce_sum(values[4:8] * place_values), tf.reduce_sum(values[:4] * place_values)
