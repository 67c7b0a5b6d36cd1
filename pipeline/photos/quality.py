"""Quality: measures of a photo that the cleaning rules judge."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

MEASURED_SIDE = 256
"""Larger photos are shrunk towards this longer side first, so that one threshold fits all sizes."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures of one photo; see `PhotoRow` for their units."""

    brightness_low: float
    brightness_high: float
    entropy: float
    sharpness: float
    colourfulness: float


def measurable(image: Image.Image) -> Image.Image:
    """Shrink a photo by a whole factor so that its longer side is below twice `MEASURED_SIDE`; small ones pass.

    Args:
        image: mode RGB, upright.
    """
    factor = max(image.size) // MEASURED_SIDE
    return image.reduce(factor) if factor > 1 else image


def quality_of(image: Image.Image, grey: Image.Image) -> Quality:
    """Measure a photo.

    Args:
        image: mode RGB, upright, from `measurable`.
        grey: mode L, the luma of `image`.
    """
    counts = np.asarray(grey.histogram(), dtype=np.int64)
    return Quality(
        brightness_low=_quantile(counts, 5),
        brightness_high=_quantile(counts, 99),
        entropy=_entropy(counts),
        sharpness=_sharpness(np.asarray(grey, dtype=np.int64)),
        colourfulness=_colourfulness(image),
    )


def _quantile(counts: npt.NDArray[np.int64], percent: int) -> float:
    reached = np.cumsum(counts) * 100 >= counts.sum() * percent
    return float(np.argmax(reached)) / 255


def _entropy(counts: npt.NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    # Rounded, since the last digits depend on the machine's logarithm; + 0.0 turns a negative zero into zero.
    return round(float(-(shares * np.log2(shares)).sum()), 6) + 0.0


def _sharpness(greys: npt.NDArray[np.int64]) -> float:
    if min(greys.shape) < 3:
        return 0.0
    inner = greys[1:-1, 1:-1]
    laplacian = greys[:-2, 1:-1] + greys[2:, 1:-1] + greys[1:-1, :-2] + greys[1:-1, 2:] - 4 * inner
    spread = _variance(greys)
    return round(_variance(laplacian) / spread, 6) if spread else 0.0


def _variance(values: npt.NDArray[np.int64]) -> float:
    size, total, squares = int(values.size), int(values.sum()), int(np.square(values).sum())
    return (size * squares - total * total) / (size * size)


def _colourfulness(image: Image.Image) -> float:
    red, green, blue = (np.asarray(channel) for channel in image.split())
    highest = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    spread = int(highest.sum(dtype=np.int64)) - int(lowest.sum(dtype=np.int64))
    return round(spread / (image.width * image.height * 255), 6)
