"""The gallery of mistakes, most confident first: each photo with its grounds, and with those its label asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.evaluation.heatmaps import HEATMAPS, HeatMapRow, heatmap_of
from pipeline.pages.pictures import thumbnail
from pipeline.photos.provenance import Credit, credit_of
from pipeline.photos.records import SplitRow
from pipeline.report.files import metrics_or_none, rows_or_none
from pipeline.report.measured import Answer, answers_or_none
from pipeline.report.photos import THUMBNAIL_PIXELS, Thumbnails, thumbnails_of
from pipeline.report.sections import Section, section_of
from serving.overlay import COLD, heatmap_over_photo

MAX_SHOWN = 240
"""A page with more pictures than this is no longer a page that one sends to a colleague."""

_Maps = Mapping[tuple[str, str], NDArray[np.float32]]
"""By path and explained class."""


@dataclass(frozen=True)
class Grounds:
    """A heat map over its photo."""

    explained: str
    picture: str
    is_cold: bool
    """Whether no place on it stands out."""


@dataclass(frozen=True)
class MistakeCard:
    """A mistake as the gallery shows it."""

    number: int
    """From 1."""
    answer: Answer
    picture: str
    """Empty where the photo is gone."""
    grounds: Sequence[Grounds]
    """For the predicted class, then for the label; none where there are no maps."""
    credit: Credit


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `mistakes`."""
    answers = answers_or_none(layout)
    wrong = [answer for answer in answers or [] if not answer.is_right]
    rows = rows_or_none(layout.artifacts("evaluate") / HEATMAPS, HeatMapRow)
    photos = rows_or_none(layout.artifacts("split") / "photos.parquet", SplitRow) or []
    maps = {(row.path, row.explained): heatmap_of(row) for row in rows or []}
    credits = {row.path: credit_of(row) for row in photos}
    return section_of(
        "mistakes",
        "Mistakes",
        answers=answers,
        num_mistakes=len(wrong),
        cards=cards(wrong[:MAX_SHOWN], maps, thumbnails_of(layout, parameters), credits),
        has_maps=rows is not None,
        metrics=metrics_or_none(layout),
    )


def cards(
    mistakes: Sequence[Answer], maps: _Maps, thumbnails: Thumbnails, credits: Mapping[str, Credit]
) -> list[MistakeCard]:
    """The cards of mistakes, in their order.

    Args:
        mistakes: wrong answers.
        maps: heat in [0, 1].
        thumbnails: of the checkout's photos.
        credits: whom photos are owed to, by path; photos may be missing.
    """
    found = []
    for number, answer in enumerate(mistakes, start=1):
        small, credit = thumbnails.image(answer.path), credits.get(answer.path, Credit())
        if small is None:
            found.append(MistakeCard(number, answer, "", [], credit))
            continue
        asked = [name for name in (answer.predicted, answer.label) if (answer.path, name) in maps]
        grounds = [_grounds(small, name, maps[answer.path, name]) for name in asked]
        found.append(MistakeCard(number, answer, thumbnail(small, THUMBNAIL_PIXELS), grounds, credit))
    return found


def _grounds(small: Image.Image, explained: str, heatmap: NDArray[np.float32]) -> Grounds:
    picture = thumbnail(heatmap_over_photo(small, heatmap), THUMBNAIL_PIXELS)
    return Grounds(explained, picture, bool(heatmap.max() < COLD))
