"""What all pages share: figures as people write them, and nothing unescaped."""

import base64
import io

import jinja2
import pytest
from PIL import Image

from pipeline.pages.page import figure, interval, moment, prose, share, templates_of
from pipeline.pages.pictures import thumbnail


@pytest.mark.parametrize(
    ("value", "text"), ((0.925, ".925"), (-0.012, "-.012"), (1.0, "1.000"), (12.5, "12.500"), (None, "-"))
)
def test_a_figure_has_no_leading_nought(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_shares_and_intervals_are_in_words_for_people() -> None:
    assert (share(0.126), share(None), interval((0.8, 0.95)), interval(None)) == ("13 %", "-", ".800 to .950", "-")


@pytest.mark.parametrize("time", ("2026-05-01T09:30:59+00:00", "2026-05-01T11:30:00+02:00"))
def test_a_moment_is_in_words_for_people_and_in_one_zone(time: str) -> None:
    assert moment(time) == "2026-05-01 09:30 UTC"


def test_names_of_a_sentence_are_code_and_nothing_in_it_is_markup() -> None:
    assert prose("photos of `<b>` & more") == "photos of <code>&lt;b&gt;</code> &amp; more"


def test_what_people_write_is_escaped() -> None:
    template = templates_of("pipeline.pages").from_string("{{ name }}")

    assert template.render(name="<script>") == "&lt;script&gt;"


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="name"):
        templates_of("pipeline.pages").from_string("{{ name }}").render()


def test_a_thumbnail_is_a_small_jpeg_and_the_photo_stays() -> None:
    photo = Image.new("RGB", (400, 200), "red")

    head, _, data = thumbnail(photo, 100).partition(",")

    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (100, 50)
    assert photo.size == (400, 200)
