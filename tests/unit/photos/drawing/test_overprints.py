import numpy as np
import pytest

from pipeline.photos.drawing.letters import written
from pipeline.photos.drawing.overprints import captioned, watermarked
from pipeline.photos.drawing.streams import Stream

GREY = np.full((160, 240, 3), 120, np.uint8)


def test_a_line_of_text_has_one_cell_for_each_letter() -> None:
    ink = written("T1", size=2)
    assert ink.shape == (14, 22)
    assert ink[:2, :10].all()
    assert not ink[:, 10:12].any()


def test_a_letter_that_nobody_drew_is_refused() -> None:
    with pytest.raises(KeyError):
        written("?")


@pytest.mark.parametrize("number", range(12))
def test_a_caption_hides_a_bar_at_the_lower_edge_or_nothing(number: int) -> None:
    printed, hidden = captioned(GREY, Stream("caption", number))
    assert printed.shape[:2] == hidden.shape
    rows = hidden.any(axis=1)
    assert (hidden[rows]).all()
    assert not rows[: len(rows) * 3 // 4].any()
    assert (printed[: len(rows) * 3 // 4] == 120).all()
    assert (printed[len(rows) * 3 // 4 :] != 120).any()


def test_some_captions_hang_below_the_photo_and_some_lie_on_it() -> None:
    heights = {len(captioned(GREY, Stream("caption", number))[0]) > 160 for number in range(12)}
    assert heights == {False, True}


@pytest.mark.parametrize("number", range(6))
def test_a_watermark_lightens_some_of_the_photo_and_hides_none(number: int) -> None:
    printed = watermarked(GREY, Stream("mark", number))
    marked = printed != 120
    assert 0.01 < marked.mean() < 0.5
    assert 120 < printed[marked].min() <= printed.max() < 230
