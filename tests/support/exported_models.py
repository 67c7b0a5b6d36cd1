"""A tiny exported model for tests, and photos to ask it about."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from pipeline.export.servable import ServableFacts
from pipeline.learning.classifier import Classifier

CLASSES = ("arch", "dôme", "wall")


@dataclass(frozen=True)
class Exported:
    """A SavedModel, and what it was made from."""

    folder: Path
    classifier: Classifier
    facts: ServableFacts
    loaded: Any

    def ask(self, signature: str, **inputs: Any) -> dict[str, np.ndarray]:
        """Call a signature of the loaded SavedModel."""
        answer = self.loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: tensor.numpy() for name, tensor in answer.items()}


def photo(seed: int, size: tuple[int, int] = (40, 30), kind: str = "JPEG") -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()
