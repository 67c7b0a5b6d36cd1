"""Class weights and the validation measures that choose an epoch."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def class_weights(class_counts: Sequence[int], kind: str) -> list[float]:
    """Loss weight of each class: 1, or inverse to its count and normalised to mean 1 over the photos.

    Args:
        class_counts: training photos per class, each at least 1.
        kind: `none` or `balanced`.
    """
    if kind == "none":
        return [1.0] * len(class_counts)
    return [sum(class_counts) / (len(class_counts) * count) for count in class_counts]


def validation_measures(logits: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> dict[str, float]:
    """Cross-entropy, accuracy and balanced accuracy of validation photos.

    Args:
        logits: `(photos, classes)`.
        labels: `(photos,)`, class indices.

    Returns:
        `val_loss` in nats per photo, `val_accuracy` and `val_balanced_accuracy` in [0, 1].
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    right = logits.argmax(axis=1) == labels
    recalls = [float(right[labels == label].mean()) for label in np.unique(labels)]
    return {
        "val_loss": float(-log_probabilities[np.arange(len(labels)), labels].mean()),
        "val_accuracy": float(right.mean()),
        "val_balanced_accuracy": float(np.mean(recalls)),
    }
