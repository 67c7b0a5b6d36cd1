"""The confusion matrix, whose cells open their photos."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.report.measured import Answer, answers_or_none
from pipeline.report.mistakes import MAX_SHOWN
from pipeline.report.photos import thumbnails_of
from pipeline.report.sections import Section, section_of

_MAX_PHOTOS_OF_CELL = 60
_MAX_RIGHT_PHOTOS = 480
"""Over all classes: the page has to open within a blink, and mistakes are what people come for."""
_NUM_WORDS = 8

_Colour = tuple[int, int, int]
_PAGE: tuple[_Colour, _Colour] = ((0xFF, 0xFF, 0xFF), (0x21, 0x1F, 0x1D))
"""Ground of a cell without photos, on a light page and on a dark one."""
_RIGHT: tuple[_Colour, _Colour] = ((0x00, 0x4B, 0x78), (0x56, 0xB4, 0xE9))
_WRONG: tuple[_Colour, _Colour] = ((0xC2, 0x52, 0x00), (0xF0, 0xA3, 0x0A))
"""Blue and orange, which readers with any colour vision tell apart."""
_FAINTEST = 0.12
"""Share of the hue in a cell of one photo in many, so that no mistake is overlooked."""


@dataclass(frozen=True)
class Photo:
    """A photo of a cell."""

    answer: Answer
    picture: str
    mistake: int | None
    """Its number in the gallery of mistakes, from 1; None where it is right, or beyond the gallery's last one."""


@dataclass(frozen=True)
class Cell:
    """Photos of one class that are predicted as one class."""

    anchor: str
    label: str
    predicted: str
    n: int
    share: float
    """Of the photos of the class `label`; 0 where it has none."""
    style: str
    """Colours in light and dark, and of the ink on them; empty for an empty cell."""
    photos: Sequence[Photo]
    """The most confident ones."""


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `confusion`."""
    answers = answers_or_none(layout)
    if not answers:
        return section_of("confusion", "Confusions", rows=[], words=[], classes=())
    classes = tuple(answers[0].probabilities)
    rows = matrix(answers, classes, thumbnails_of(layout, parameters))
    wrong = [cell for row in rows for cell in row if cell.n and cell.label != cell.predicted]
    words = sorted(wrong, key=lambda cell: -cell.n)[:_NUM_WORDS]
    return section_of("confusion", "Confusions", rows=rows, words=words, classes=classes)


def matrix(answers: Sequence[Answer], classes: Sequence[str], thumbnail: Callable[[str], str]) -> list[list[Cell]]:
    """Cells of the confusion matrix: rows are the labels, columns the predictions, both in class order.

    Args:
        answers: most confident first.
        classes: names in class order.
        thumbnail: a photo's path to its picture, which is empty for a photo that is gone.
    """
    wrong = [answer.path for answer in answers if not answer.is_right]
    numbers = {path: number for number, path in enumerate(wrong[:MAX_SHOWN], start=1)}
    cells: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    counts: dict[str, int] = defaultdict(int)
    for answer in answers:
        cells[answer.label, answer.predicted].append(answer)
        counts[answer.label] += 1
    max_right = min(_MAX_PHOTOS_OF_CELL, -(-_MAX_RIGHT_PHOTOS // len(classes)))

    def cell(row: int, column: int) -> Cell:
        label, predicted = classes[row], classes[column]
        inside = cells[label, predicted]
        share = len(inside) / counts[label] if inside else 0.0
        shown = inside[: max_right if row == column else _MAX_PHOTOS_OF_CELL]
        photos = [Photo(answer, thumbnail(answer.path), numbers.get(answer.path)) for answer in shown]
        style = cell_style(share, _RIGHT if row == column else _WRONG) if inside else ""
        return Cell(f"cell-{row + 1}-{column + 1}", label, predicted, len(inside), share, style, photos)

    indices = range(len(classes))
    return [[cell(row, column) for column in indices] for row in indices]


def cell_style(share: float, hues: tuple[_Colour, _Colour]) -> str:
    """Custom properties of a cell: ground and ink on a light page and on a dark one.

    Args:
        share: how much of the hue, in [0, 1]; the rest is the page's ground.
        hues: of a full cell, on a light page and on a dark one; red, green and blue, 0 to 255.
    """
    amount = _FAINTEST + (1 - _FAINTEST) * share
    day, night = (_mixed(ground, hue, amount) for ground, hue in zip(_PAGE, hues, strict=True))
    return f"--day:{_hex(day)};--day-ink:{_ink(day)};--night:{_hex(night)};--night-ink:{_ink(night)}"


def luminance(colour: _Colour) -> float:
    """Relative luminance of an sRGB colour, 0 to 1, as contrast is reckoned with (WCAG 2.2)."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mixed(ground: _Colour, hue: _Colour, amount: float) -> _Colour:
    red, green, blue = (round(one + (other - one) * amount) for one, other in zip(ground, hue, strict=True))
    return red, green, blue


def _ink(ground: _Colour) -> str:
    """Black or white, whichever stands out more: 4.5 to 1 at the least on any ground."""
    level = luminance(ground)
    return "#000" if (level + 0.05) / 0.05 >= 1.05 / (level + 0.05) else "#fff"


def _hex(colour: _Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
