"""The model card: where photos come from, and what the figures cannot say."""

from dataclasses import replace
from pathlib import Path

import pytest
from reported_runs import split_row, write_run

from pipeline.core.tables import read_rows, write_rows
from pipeline.photos.records import SplitRow
from pipeline.report.card import caveats, openings, section, sources_of

ROWS = [split_row(f"data/one/red/{number}", "red", "test") for number in range(30)]


def test_sources_are_summed_up_with_licences_authors_and_dates() -> None:
    two, one, three = (split_row(f"data/{batch}/red/a", "red", "train") for batch in ("two", "one", "three"))
    rows = [
        replace(two, licence="CC0-1.0", author="Ada", taken_at="2026-05-03"),
        replace(one, taken_at="2025-01-01"),
        replace(three, licence="CC0-1.0", author="Ada"),
    ]
    found = sources_of(rows)
    assert (found.n, found.batches, found.num_authors) == (3, ("one", "three", "two"), 1)
    assert found.licences == (("CC0-1.0", 2), ("not told", 1))
    assert found.taken == "2025-01-01 to 2026-05-03"


@pytest.mark.parametrize(
    ("metrics", "num_openings", "said"),
    (
        ({"side": "validation"}, 0, "flatter the model"),
        ({"side": "test"}, 3, "measured 3 times"),
        ({"side": "test", "without_copies": {"n": 20, "accuracy": 0.8}}, 1, "accuracy .800 over the 20 without"),
        ({"side": "test"}, 1, "too few damage masks"),
    ),
)
def test_what_the_figures_cannot_say_is_said(metrics: dict, num_openings: int, said: str) -> None:
    assert said in " ".join(caveats(ROWS, metrics, num_openings))


def test_a_careful_run_has_no_caveats() -> None:
    assert list(caveats(ROWS, {"side": "test", "localisation": {}}, 1)) == []


def test_small_classes_are_named_with_their_numbers() -> None:
    few = split_row("data/one/blue/a", "blue", "test")
    [said] = caveats([*ROWS, few], {"side": "test", "localisation": {}}, 1)
    assert "blue on 1:" in said


def test_photos_of_other_sides_and_of_classes_that_the_model_lacks_are_not_among_the_measured(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    path = layout.artifacts("split") / "photos.parquet"
    rows = read_rows(path, SplitRow)
    write_rows(path, SplitRow, [*rows, split_row("data/two/green/0.jpg", "green", "test")])
    html = section(layout, parameters).html
    assert "the test side, 4 photos of two" in " ".join(html.split())
    assert "green" not in html


def test_only_openings_of_the_test_side_are_counted(tmp_path: Path) -> None:
    layout, _ = write_run(tmp_path)
    assert openings(layout) == 0
    layout.state.mkdir()
    (layout.state / "test_openings.jsonl").write_text('{"side": "test"}\n{"side": "test"}\n')
    assert openings(layout) == 2


def test_the_card_tells_purpose_thresholds_and_how_to_read_the_map(tmp_path: Path) -> None:
    html = section(*write_run(tmp_path)).html
    for text in ("Tells red from blue.", "(threshold .50)", "no measure of damage", "4 photos of two", "model.limits"):
        assert text in html
