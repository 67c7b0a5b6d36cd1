"""The confusion matrix: the right way round, in readable colours, and each cell opens its photos."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learning_checkouts import tiny_parameters

from pipeline.core.paths import Layout
from pipeline.report.confusion import cell_style, luminance, matrix, section
from pipeline.report.measured import Answer, answers_or_none


def answer(number: int, label: str, predicted: str, probability: float = 0.9) -> Answer:
    probabilities = {"a": 1 - probability, "b": 1 - probability, predicted: probability}
    return Answer(f"data/x/{label}/{number}.jpg", label, predicted, probabilities, 0.5)


def test_rows_are_labels_and_columns_predictions() -> None:
    answers = [answer(1, "a", "b"), answer(2, "a", "b"), answer(3, "a", "a"), answer(4, "b", "b")]
    rows = matrix(answers, ("a", "b"), str)
    assert [[cell.n for cell in row] for row in rows] == [[1, 2], [0, 1]]
    assert rows[0][1].share == pytest.approx(2 / 3)
    assert [photo.mistake for photo in rows[0][1].photos] == [1, 2]
    assert [photo.mistake for photo in rows[0][0].photos] == [None]


def test_a_large_cell_shows_its_most_confident_photos() -> None:
    answers = [answer(number, "a", "b", 1 - number / 1000) for number in range(100)]
    cell = matrix(answers, ("a", "b"), str)[0][1]
    assert cell.n == 100
    assert [photo.answer.path for photo in cell.photos] == [answer.path for answer in answers[:60]]


def test_a_photo_links_to_its_heat_maps_only_where_the_gallery_shows_it() -> None:
    answers = [answer(number, f"{number % 60}", "b", 1 - number / 1000) for number in range(300)]
    rows = matrix(answers, (*map(str, range(60)), "b"), str)
    numbers = sorted(photo.mistake for row in rows for cell in row for photo in cell.photos if photo.mistake)
    assert numbers == list(range(1, 241))


def test_right_photos_are_fewer_where_classes_are_many() -> None:
    classes = [f"class-{number}" for number in range(60)]
    answers = [answer(number, name, name) for name in classes for number in range(20)]
    assert {len(row[index].photos) for index, row in enumerate(matrix(answers, classes, str))} == {8}


def test_every_filled_cell_links_to_its_photos_and_no_other_does(measured: Layout) -> None:
    html = section(measured, tiny_parameters()).html
    linked = re.findall(r'<td[^>]*><a href="#([^"]+)"', html)
    assert linked == re.findall(r'<section class="cell-photos" id="([^"]+)"', html)
    assert linked == ["cell-1-1", "cell-1-2", "cell-2-2", "cell-3-1", "cell-3-3"]


def test_confusions_are_said_in_words_most_photos_first(measured: Layout) -> None:
    html = " ".join(re.sub(r"<[^>]+>", "", section(measured, tiny_parameters()).html).split())
    words = (
        "2 photos of arch (50 % of the class) were taken for dôme. 1 photo of wall &lt;b&gt; (50 % of the class) was"
    )
    assert words in html


def test_a_photo_that_is_gone_leaves_a_place(measured: Layout) -> None:
    html = section(measured, tiny_parameters()).html
    assert 'aria-label="photo data/second/wall &lt;b&gt;/gone.jpg: no picture"' in html
    assert html.count("<img") == len(answers_or_none(measured) or []) - 1


def test_no_confidence_is_called_damage(measured: Layout) -> None:
    html = section(measured, tiny_parameters()).html
    assert "probability of dôme .94 (threshold .30)" in html
    assert "damage" not in html


@given(st.floats(0, 1), st.sampled_from([((0, 75, 120), (86, 180, 233)), ((194, 82, 0), (240, 163, 10))]))
def test_ink_stands_out_from_every_ground(share: float, hues: tuple) -> None:
    style = dict(part.split(":") for part in cell_style(share, hues).split(";"))
    for name in ("day", "night"):
        ground = tuple(bytes.fromhex(style[f"--{name}"][1:]))
        ink = 1.0 if style[f"--{name}-ink"] == "#fff" else 0.0
        light, dark = max(luminance(ground), ink), min(luminance(ground), ink)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_luminance_is_that_of_the_standard() -> None:
    assert luminance((255, 255, 255)) == pytest.approx(1)
    assert luminance((0, 0, 0)) == 0
    assert luminance((255, 0, 0)) == pytest.approx(0.2126)
    assert all(luminance((level,) * 3) < luminance((level + 1,) * 3) for level in range(255))


def test_without_predictions_the_command_is_named(tmp_path: Path) -> None:
    assert "<code>dvc repro</code>" in section(Layout(tmp_path), tiny_parameters()).html
