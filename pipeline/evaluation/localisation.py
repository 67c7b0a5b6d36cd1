"""Localisation: whether the class activation map points at the damage that a person marked.

Every figure stands beside what a blob in the middle of the photo would get, because damage is often photographed
in the middle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score

from pipeline.core.errors import DataError
from pipeline.evaluation.intervals import Interval, wilson_interval

MIN_PHOTOS = 5
"""With fewer marked photos than this nothing is reported."""

_MAX_MASK_SIDE = 512
_POINTING_TOLERANCE = 0.03
"""Share of the longer side; the 15 pixels of the original game on photos of about 500."""

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Localisation:
    """Means over the marked photos; shares in [0, 1]."""

    n: int
    pixel_auroc: float
    """How well the map ranks marked pixels before others, mean over photos; chance is 0.5."""
    centre_pixel_auroc: float
    """The same of a blob in the middle of the photo."""
    pointing_hits: float
    """Share of the photos where the map's highest cell lies on the mask, or within 3 % of the longer side of it."""
    pointing_hits_interval: Interval
    centre_pointing_hits: float
    """The same of the middle of the photo."""


def localise(maps: Sequence[Map], masks: Sequence[Mask]) -> Localisation | None:
    """Score maps against masks.

    Each map is enlarged to its mask (bilinear, half-pixel centres), so that thin damage keeps its shape.

    Args:
        maps: `(height, width) float32` each, of any scale; the greater, the more it speaks for the class.
        masks: `(height, width) bool` each, of the same upright photos; True = marked. Masks that mark nothing or
            everything are left out.

    Returns:
        The figures, or None where fewer than `MIN_PHOTOS` photos are marked.

    Reference:
        Zhang et al., "Top-down neural attention by excitation backprop", arXiv 1608.00507, for the pointing game.
    """
    pairs = [(photo_map, mask) for photo_map, mask in zip(maps, masks, strict=True) if mask.any() and not mask.all()]
    if len(pairs) < MIN_PHOTOS:
        return None
    hits = [pointing_hit(mask, *_peak(photo_map)) for photo_map, mask in pairs]
    return Localisation(
        n=len(pairs),
        pixel_auroc=float(np.mean([pixel_auroc(_enlarged(photo_map, mask), mask) for photo_map, mask in pairs])),
        centre_pixel_auroc=float(np.mean([pixel_auroc(_centre_blob(mask), mask) for _, mask in pairs])),
        pointing_hits=float(np.mean(hits)),
        pointing_hits_interval=wilson_interval(sum(hits), len(hits)),
        centre_pointing_hits=float(np.mean([pointing_hit(mask, 0.5, 0.5) for _, mask in pairs])),
    )


def read_mask(path: Path) -> Mask:
    """Read a pixel mask: marked is what is brighter than half of its brightest value, so 0/1 and 0/255 both do.

    A mask beyond 512 pixels is brought down to that, where a pixel is marked if any part of it was.

    Returns:
        `(height, width) bool`.

    Raises:
        DataError: the file is missing or no picture.
    """
    try:
        with Image.open(path) as image:
            values = np.asarray(image.convert("L"))
    except (OSError, Image.DecompressionBombError) as error:
        raise DataError(
            f"the mask {path} cannot be read: {' '.join(str(error).split())}",
            expected="a picture in which damage is bright",
            todo="mend the file, or empty its cell in the batch's photos.csv",
        ) from None
    marked: Mask = values > values.max() / 2
    height, width = marked.shape
    shrink = max(height, width) / _MAX_MASK_SIDE
    if shrink <= 1:
        return marked
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    shares = Image.fromarray(marked.astype(np.float32)).resize(size, Image.Resampling.BOX)
    any_part: Mask = np.asarray(shares) > 0
    return any_part


def pixel_auroc(values: Map, mask: Mask) -> float:
    """Area under the ROC curve of pixel values against a mask of the same shape, in [0, 1]."""
    return float(roc_auc_score(mask.ravel(), values.ravel()))


def pointing_hit(mask: Mask, row: float, column: float) -> bool:
    """Whether a point lies on the mask or near it.

    Args:
        mask: `(height, width) bool` with at least one True.
        row: the point, as a share of the height in [0, 1].
        column: as a share of the width.
    """
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    distances = np.hypot(rows + 0.5 - row * height, columns + 0.5 - column * width)
    return bool(distances.min() <= max(1.0, _POINTING_TOLERANCE * max(mask.shape)))


def _peak(photo_map: Map) -> tuple[float, float]:
    """Middle of the highest cell, as shares of height and width."""
    row, column = np.unravel_index(photo_map.argmax(), photo_map.shape)
    return (float(row) + 0.5) / photo_map.shape[0], (float(column) + 0.5) / photo_map.shape[1]


def _enlarged(photo_map: Map, mask: Mask) -> Map:
    height, width = mask.shape
    image = Image.fromarray(np.ascontiguousarray(photo_map, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def _centre_blob(mask: Mask) -> Map:
    height, width = mask.shape
    rows = (np.arange(height) + 0.5) / height - 0.5
    columns = (np.arange(width) + 0.5) / width - 0.5
    blob: Map = -np.hypot(rows[:, None], columns[None, :]).astype(np.float32)
    return blob
