"""Answers about files, as `pipeline predict` gets them, without a model."""

from pipeline.predict.answers import Answered
from serving.answers import Prediction

CLASSES = ("cracked", "intact")
THRESHOLDS = (0.6, 0.4)


def answered(
    path: str,
    cracked: float,
    classes: tuple[str, str] = CLASSES,
    thresholds: tuple[float, float] = THRESHOLDS,
) -> Answered:
    """An answer of model `walls`, version 3, with a probability of the first class."""
    named = classes[0] if cracked - thresholds[0] >= (1 - cracked) - thresholds[1] else classes[1]
    prediction = Prediction("walls", 3, classes, (cracked, 1 - cracked), thresholds, named)
    return Answered(path, prediction, f"overlays/{path}.jpg")
