"""The gallery as text; `test_gallery_page.py` looks at it in a browser."""

import re
from datetime import UTC, datetime

import pytest
from folder_answers import answered

from pipeline.predict.answers import Unanswered
from pipeline.predict.gallery import Asked, gallery_page

ASKED = Asked("survey", "walls", 3, datetime(2026, 11, 21, 12, 0, tzinfo=UTC))


def test_photos_come_by_their_margins_those_below_the_threshold_first() -> None:
    page = gallery_page(
        [
            answered("a.jpg", 0.9),
            answered("b.jpg", 0.55),
            answered("c.jpg", 0.61),
            answered("d.jpg", 0.5, thresholds=(0.9, 0.9)),
        ],
        [],
        ASKED,
    )

    assert re.findall(r'<span class="line muted">(\S+)</span>', page) == ["d.jpg", "c.jpg", "b.jpg", "a.jpg"]


def test_the_page_says_who_answered_and_when() -> None:
    page = gallery_page([answered("a.jpg", 0.9)], [], ASKED)

    assert "1 photo, answered by <strong>walls version 3</strong>" in page
    assert "21 November 2026, 12:00 UTC" in page
    assert "probability of cracked .900 (threshold .600)" in page


@pytest.mark.parametrize("word", ("% damaged", "% cracked", "damage:"))
def test_a_probability_is_never_called_a_share_of_damage(word: str) -> None:
    assert word not in gallery_page([answered("a.jpg", 0.9)], [], ASKED)


def test_what_file_names_and_labels_say_is_escaped() -> None:
    odd = "<script>alert(1)</script>\"'.jpg"
    page = gallery_page(
        [answered(odd, 0.9, ("<b>", "intact"))], [Unanswered(odd, odd)], Asked(odd, "<i>", 3, ASKED.time)
    )

    assert "<script>alert" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "overlays/%3Cscript%3Ealert%281%29%3C/script%3E%22%27.jpg.jpg" in page


def test_files_without_an_answer_stand_at_the_end_with_the_reason() -> None:
    page = gallery_page([answered("a.jpg", 0.9)], [Unanswered("b.txt", "not a photo")], ASKED)

    assert page.index("b.txt") > page.index("a.jpg")
    assert "<td>not a photo</td>" in page
    assert "Files without an answer" not in gallery_page([answered("a.jpg", 0.9)], [], ASKED)
