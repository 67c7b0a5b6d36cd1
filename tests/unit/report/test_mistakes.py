"""The gallery of mistakes: all of them, most confident first, with the grounds of both answers."""

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from learning_checkouts import tiny_parameters
from measured_runs import MOST_CONFIDENT_MISTAKE, write_measured
from PIL import Image
from reported_runs import split_row

from pipeline.core.paths import Layout
from pipeline.core.tables import write_rows
from pipeline.photos.records import SplitRow
from pipeline.report.measured import answers_or_none
from pipeline.report.mistakes import cards, section
from pipeline.report.photos import thumbnails_of


def mistakes_of(layout: Layout) -> list:
    return [answer for answer in answers_or_none(layout) or [] if not answer.is_right]


def pixels(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))), np.int16)


def test_the_map_lies_over_the_photo_for_the_prediction_and_for_the_label(tmp_path: Path) -> None:
    layout = write_measured(tmp_path)
    mistake = mistakes_of(layout)[0]
    corner = np.zeros((4, 4), np.float32)
    corner[0, 0] = 1
    maps = {(mistake.path, "dôme"): corner, (mistake.path, "arch"): np.zeros((4, 4), np.float32)}
    [card] = cards([mistake], maps, thumbnails_of(layout, tiny_parameters()), {})
    hot, cold = card.grounds
    assert [(one.explained, one.is_cold) for one in card.grounds] == [("dôme", False), ("arch", True)]
    change = np.abs(pixels(hot.picture) - pixels(card.picture)).sum(axis=2)
    assert change[:5, :5].mean() > 10 * max(1.0, change[-10:, -10:].mean())
    assert np.abs(pixels(cold.picture) - pixels(card.picture)).max() < 5


def test_all_mistakes_are_shown_most_confident_first(measured: Layout) -> None:
    html = section(measured, tiny_parameters()).html
    places = [
        html.index(f'<p class="muted mono">{answer.path}'.replace("<b>", "&lt;b&gt;"))
        for answer in mistakes_of(measured)
    ]
    assert places == sorted(places)
    assert len(places) == html.count("<article") == 3
    assert MOST_CONFIDENT_MISTAKE in html[: places[1]]
    assert "3 of 8 photos" in html


def test_a_mistake_bears_the_credit_of_its_photo(tmp_path: Path) -> None:
    layout = write_measured(tmp_path)
    row = replace(split_row(MOST_CONFIDENT_MISTAKE, "arch", "test"), author="Ada", url="https://example.org/1")
    write_rows(layout.artifacts("split") / "photos.parquet", SplitRow, [row])
    html = section(layout, tiny_parameters()).html
    assert html.count("by Ada") == html.count('href="https://example.org/1"') == 1


def test_a_cold_map_is_said_to_be_cold(measured: Layout) -> None:
    html = section(measured, tiny_parameters()).html
    assert html.count("(cold: no place stands out)") == 3
    assert "They explain the model, not the building" in html


def test_a_mistake_whose_photo_is_gone_keeps_its_card(tmp_path: Path) -> None:
    layout = write_measured(tmp_path)
    (layout.root / MOST_CONFIDENT_MISTAKE).unlink()
    html = section(layout, tiny_parameters()).html
    assert html.count("<article") == 3
    assert f'aria-label="photo {MOST_CONFIDENT_MISTAKE}: no picture"' in html


def test_without_heat_maps_the_photos_stand_alone_and_the_command_is_named(tmp_path: Path) -> None:
    layout = write_measured(tmp_path)
    (layout.artifacts("evaluate") / "heatmaps.parquet").unlink()
    html = section(layout, tiny_parameters()).html
    assert html.count("<img") == 3
    assert "<code>dvc repro</code>" in html


def test_without_predictions_the_command_is_named(tmp_path: Path) -> None:
    assert "<code>dvc repro</code>" in section(Layout(tmp_path), tiny_parameters()).html
