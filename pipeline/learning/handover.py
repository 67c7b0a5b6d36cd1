"""What one learning stage hands over to the next: names of files, the class order, the limits of the graph."""

import json

from pipeline.core.errors import DataError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.learning.pixels import PixelLimits

SHARD_TABLE = "photos.parquet"
CLASSES = "classes.json"
MODEL = "model.keras"
"""What `train` hands over to export."""


def read_classes(layout: Layout) -> tuple[str, ...]:
    """The class order that `augment` stored.

    Raises:
        DataError: nothing is stored.
    """
    path = layout.artifacts("augment") / CLASSES
    try:
        return tuple(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DataError(
            f"{path} does not exist", expected="the class order that `augment` stores", todo="run `dvc repro`"
        ) from None


def pixel_limits(parameters: Parameters) -> PixelLimits:
    """Limits that the graph checks, in training and in service."""
    return PixelLimits(max_bytes=parameters.export.max_bytes, max_pixels=parameters.export.max_pixels)
