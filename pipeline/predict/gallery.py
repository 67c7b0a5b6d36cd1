"""The gallery: the answers of a folder as a page to look through, the doubtful ones first."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

import numpy as np
from PIL import Image

from pipeline.pages.page import templates_of
from pipeline.pages.pictures import data_uri
from pipeline.predict.answers import CLOSE_MARGIN, Answered, Unanswered, class_counts
from pipeline.predict.output import TABLE
from serving.overlay import heatmap_over_photo

_CLEAR_MARGIN = 0.3
"""From this margin on, of 1, an answer is clear."""


@dataclass(frozen=True)
class Asked:
    """What was asked, of whom and when."""

    folder: str
    """Name of the folder or photo."""
    model: str
    version: int
    time: datetime


def gallery_page(answered: Sequence[Answered], unanswered: Sequence[Unanswered], asked: Asked) -> str:
    """Draw the page; it links to the overlays and the table beside it.

    Args:
        answered: at least one, in the order of their paths.
        unanswered: files without an answer, in the order of their paths.
        asked: for the heading.
    """
    counts = class_counts(answered)
    positions = {count.name: position for position, count in enumerate(counts)}
    photos = [
        {
            "answer": answer,
            "place": place,
            "of_class": positions[answer.prediction.predicted],
            "address": quote(answer.overlay),
        }
        for place, answer in enumerate(answered)
    ]
    return (
        templates_of("pipeline.predict")
        .get_template("gallery.html")
        .render(
            asked=asked,
            counts=counts,
            photos=sorted(photos, key=lambda photo: photo["answer"].margin),
            unanswered=unanswered,
            table=TABLE,
            scale=_colour_scale(),
            close=CLOSE_MARGIN,
            clear=_CLEAR_MARGIN,
        )
    )


def _colour_scale() -> str:
    """Heat 0 to 1 from left to right over grey, drawn as on the photos."""
    grey = Image.new("RGB", (240, 16), "grey")
    heat = np.linspace(0, 1, grey.width, dtype=np.float32)[None]
    picture = io.BytesIO()
    heatmap_over_photo(grey, heat).save(picture, "PNG")
    return data_uri(picture.getvalue(), "image/png")
