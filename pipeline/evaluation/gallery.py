"""The sheet of the most confident mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from PIL import Image

MAX_PHOTOS = 20

_COLUMNS = 5
_CELL_INCHES = 2.2
_THUMBNAIL_PIXELS = 256


@dataclass(frozen=True)
class Mistake:
    """A photo that the model takes for another class."""

    path: str
    label: str
    predicted: str
    probability: float
    """Of the predicted class, [0, 1]."""
    threshold: float
    """Of the predicted class, [0, 1]."""


def mistakes_sheet(mistakes: Sequence[Mistake], photos: Sequence[Image.Image], title: str) -> Figure:
    """Draw wrongly predicted photos, each with truth, prediction, probability and threshold.

    Args:
        mistakes: in the order in which they are drawn.
        photos: upright photos of any size, one for each mistake.
        title: what was measured.
    """
    num_rows = max(1, -(-len(mistakes) // _COLUMNS))
    figure = Figure(figsize=(_COLUMNS * _CELL_INCHES, num_rows * (_CELL_INCHES + 0.7) + 0.5), layout="constrained")
    figure.suptitle(title)
    cells = figure.subplots(num_rows, _COLUMNS, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, mistake, photo in zip(cells, mistakes, photos, strict=False):
        shown = photo.copy()
        shown.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
        axes.imshow(shown)
        axes.set_title(
            f"true: {mistake.label}\npredicted: {mistake.predicted}\n"
            f"probability {mistake.probability:.3f}, threshold {mistake.threshold:.3f}",
            fontsize=8,
        )
    return figure
