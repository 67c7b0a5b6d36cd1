"""The contact sheet of random views: what training sees of a photo."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

NUM_VARIANTS = 9

_CELL_INCHES = 1.5


def variants_sheet(photos: Sequence[tuple[str, tf.Tensor]], augmentation: keras.Model) -> Figure:
    """Draw nine random variants beside each photo, a row per photo.

    Args:
        photos: titles, and pixels `(size, size, 3) float32` in [0, 255].
        augmentation: the random changes of training.
    """
    columns = NUM_VARIANTS + 1
    figure = Figure(figsize=(columns * _CELL_INCHES, len(photos) * _CELL_INCHES + 0.7), layout="constrained")
    axes = figure.subplots(len(photos), columns, squeeze=False)
    figure.suptitle("What training sees: a photo of each class and nine random variants of it")
    for row, (title, pixels) in enumerate(photos):
        variants = augmentation(tf.repeat(pixels[None], NUM_VARIANTS, axis=0), training=True)
        for column, image in enumerate([pixels, *variants]):
            axis = axes[row][column]
            axis.imshow(np.asarray(image).round().clip(0, 255).astype(np.uint8))
            axis.set_xticks([])
            axis.set_yticks([])
        axes[row][0].set_ylabel(title)
        if row == 0:
            axes[0][0].set_title("photo")
    return figure
