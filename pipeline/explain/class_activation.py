"""Where on a photo a class's logit comes from."""

import keras
import tensorflow as tf


def class_maps(head: keras.Model, feature_map: tf.Tensor, class_index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Class activation map of one class per photo, in logit units; graph code.

    The channels of the feature map are weighted by the gradient of the class's logit, summed over the map. For a
    head that is linear after the pooling this is the closed form of CAM: the map's mean plus the bias is the logit.
    For other heads it is Grad-CAM in the same units. No softmax is differentiated, so a sure answer does not fade.
    Logits are centred over the classes first, which leaves probabilities as they are and gives two classes opposite
    maps.

    Args:
        head: the feature map to logits.
        feature_map: `(batch, height, width, channels) float32`.
        class_index: `(batch,) int32`, the class to explain for each photo.

    Returns:
        Logits `(batch, classes)`, not centred, and maps `(batch, height, width)`, both float32.

    Reference:
        Zhou et al., arXiv 1512.04150 (CAM); Selvaraju et al., arXiv 1610.02391 (Grad-CAM).
    """
    with tf.GradientTape() as tape:
        tape.watch(feature_map)
        logits = head(feature_map, training=False)
        centred = logits - tf.reduce_mean(logits, axis=1, keepdims=True)
        score = tf.gather(centred, class_index, axis=1, batch_dims=1)
    gradient = tape.gradient(score, feature_map)
    channel_weights = tf.reduce_sum(gradient, axis=(1, 2))
    return logits, tf.einsum("bhwc,bc->bhw", feature_map, channel_weights)
