"""Quality: measures of a photo that the cleaning rules judge."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

MEASURED_SIDE = 256
"""Larger photos are shrunk towards this longer side first, so that one threshold fits all sizes."""
DETAILED_SIDE = 1024
"""The same for sharpness, which a photo loses as it shrinks."""

_COARSER = 4
"""Detail is compared with detail so many times as coarse: in a sharp photo the two are about equally strong."""
_DETAIL_PERCENT = 99
_ROUNDING = 11
"""Square of the detail that rounding to 256 greys alone makes of a smooth picture."""
_MIN_CONTRAST = 1.5
"""Detail is held against so many standard deviations of the greys at least, or else a photo that is blurred beyond all
detail would be compared with nothing but its compression."""
_ENOUGH_PIXELS = 1 << 18
"""Of larger pictures a part of the rows is looked at, evenly spread."""
_POWERS = np.arange(256, dtype=np.int64) ** np.arange(3)[:, None]
"""(3, 256): times counts of greys, the number of pixels, the sum of their greys and of the squares."""

Pixels = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]
"""(256,): how many pixels have each grey."""


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


def detailed(image: Image.Image) -> Image.Image:
    """The luma of a photo, shrunk by a whole factor so that its longer side is below twice `DETAILED_SIDE`.

    Args:
        image: mode RGB, upright.
    """
    grey = image.convert("L")
    factor = max(grey.size) // DETAILED_SIDE
    return grey.reduce(factor) if factor > 1 else grey


def quality_of(pixels: Pixels, grey: Image.Image, detail: Image.Image) -> Quality:
    """Measure a photo.

    Args:
        pixels: (height, width, 3) uint8, upright, from `measurable`.
        grey: mode L, the luma of these pixels.
        detail: mode L, the same photo from `detailed`; may be `grey` itself.
    """
    counts = _counts(grey)
    reached = np.cumsum(counts) * 100
    return Quality(
        brightness_low=_quantile(reached, 5),
        brightness_high=_quantile(reached, 99),
        entropy=_entropy(counts),
        sharpness=sharpness_of(detail, counts if detail is grey else _counts(detail)),
        colourfulness=_colourfulness(pixels),
    )


def sharpness_of(detail: Image.Image, counts: Counts) -> float:
    """Compare the finest detail of a photo with detail four times as coarse.

    In photos both are about equally strong at any size, since what they show has no scale of its own; blur takes the
    finest detail away and leaves the coarse. The measure needs no reference and hardly depends on how much detail
    there is.

    Args:
        detail: mode L, from `detailed`.
        counts: (256,) int64: its pixels by grey.

    Returns:
        0 (blurred beyond all detail, constant, or a side below 12 pixels), about 0.5 to 1 for a sharp photo, up to 4
        for noise.

    Reference:
        Field, "Relations between the statistics of natural images and the response properties of cortical cells",
        JOSA A 1987, for the equal strength of detail at all scales.
    """
    if min(detail.size) < 3 * _COARSER:
        return 0.0
    fine = _detail(np.asarray(detail))
    coarse = max(_detail(np.asarray(detail.reduce(_COARSER))), _MIN_CONTRAST * _deviation(counts), 1)
    return round(math.sqrt(max(0, fine * fine - _ROUNDING)) / coarse, 6)


def _counts(grey: Image.Image) -> Counts:
    return np.array(grey.histogram(), dtype=np.int64)


def _quantile(reached: Counts, percent: int) -> float:
    """Of the greys, given 100 times how many pixels are at most as light as each."""
    return int(np.searchsorted(reached, int(reached[-1]) // 100 * percent)) / 255


def _entropy(counts: Counts) -> float:
    present = counts[counts > 0]
    shares = present / present.sum()
    # Rounded, since the last digits depend on the machine's logarithm; + 0.0 turns a negative zero into zero.
    return round(-float((shares * np.log2(shares)).sum()), 6) + 0.0


def _detail(pixels: npt.NDArray[np.uint8]) -> int:
    """How strong the strongest detail of a picture is: the 99th percentile of the Laplacian, 0 to 1020.

    A percentile, since part of a photo may well be out of focus, and since a few scratches must not decide.
    """
    greys = pixels.astype(np.int16)
    step = 1 + greys.size // _ENOUGH_PIXELS
    laplacian = greys[:-2:step, 1:-1] + greys[2::step, 1:-1]
    middle = greys[1:-1:step]
    laplacian += middle[:, :-2]
    laplacian += middle[:, 2:]
    laplacian -= 4 * middle[:, 1:-1]
    reached = np.cumsum(np.bincount(np.abs(laplacian).ravel()))
    return int(np.searchsorted(reached, -(-laplacian.size * _DETAIL_PERCENT // 100)))


def _deviation(counts: Counts) -> float:
    size, total, squares = (int(one) for one in _POWERS @ counts)
    return math.sqrt(size * squares - total * total) / size


def _colourfulness(pixels: Pixels) -> float:
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    highest = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    spread = int(highest.sum(dtype=np.int64)) - int(lowest.sum(dtype=np.int64))
    return round(spread / (highest.size * 255), 6)
