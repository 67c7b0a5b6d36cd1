"""The photos of a run: every file is counted once, and what a person should look at is said."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from reported_runs import HOSTILE, split_row, write_run

from pipeline.core.tables import read_rows, write_rows, write_text
from pipeline.photos.quantiles import summarise_measures
from pipeline.photos.records import PhotoRow, SplitRow
from pipeline.report.data import Counts, counts_by, section, warnings_of


def test_files_are_counted_once_by_side_or_fate() -> None:
    rows = [
        split_row("data/one/red/a.jpg", "red", "train"),
        split_row("data/one/red/b.jpg", "red", "test"),
        split_row("data/one/red/c.jpg", "red", "none", "dark", "quarantine"),
        split_row("data/one/_unlabelled/d.jpg", None, "none"),
    ]
    assert counts_by(rows, ["red", "red", "red", "grey"]) == [
        Counts("grey", "", 1, 0, 0, 0, 0, 1),
        Counts("red", "", 3, 1, 1, 0, 1, 0),
    ]


def test_the_warnings_of_all_stages_are_gathered(tmp_path: Path) -> None:
    layout, _ = write_run(tmp_path)
    assert warnings_of(layout) == [
        "data/three is left out",
        "Lines of reviews/decisions.csv about photos that this run does not see: 1",
        "Photos left out because they would tie training to the photos that measure it: 2",
    ]


def test_the_section_shows_batches_reasons_and_broken_expectations(tmp_path: Path) -> None:
    html = section(*write_run(tmp_path)).html
    for text in (
        "15 files came in 2 batches",
        "pinned to the test side",
        "copy of kept",
        "1 of 2 expectations",
        "Most can be",
    ):
        assert text in html


def test_scenes_are_told_and_those_on_two_sides(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    assert "belong to" not in section(layout, parameters).html
    scenes = {"photos": 5, "groups": 2, "largest": 3, "capped_pairs": 0, "capped_groups": 0, "cut": 1}
    write_text(layout.reports("clean") / "summary.json", json.dumps({"scenes": scenes}))
    html = " ".join(section(layout, parameters).html.split())
    assert "5 photos belong to 2 scenes, the largest of 3; photos of one scene that came together share a side" in html
    assert "1 scenes lie on two all the same" in html


def test_measures_stand_beside_their_thresholds_and_suspects_are_counted(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    rows = read_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow)
    summary = {
        "suspects": {"label": 1234, "outlier": 5},
        "suspects_note": "",
        "quantiles": [asdict(one) for one in summarise_measures(rows, parameters.clean)],
    }
    write_text(layout.reports("clean") / "summary.json", json.dumps(summary))
    html = " ".join(section(layout, parameters).html.split())
    assert "1,234 photos seem filed under the wrong class and 5 look like hardly any other of theirs" in html
    assert "below 0.28 <code>min_sharpness</code>" in html
    note = {"suspects": {"label": 0, "outlier": 0}, "suspects_note": "not looked for"}
    write_text(layout.reports("clean") / "summary.json", json.dumps(note))
    assert "Photos that seem filed wrongly were not looked for." in section(layout, parameters).html


def test_names_of_files_are_escaped(tmp_path: Path) -> None:
    html = section(*write_run(tmp_path)).html
    assert HOSTILE not in html
    assert "&lt;img src=x onerror=alert(1)&gt;.jpg" in html


def test_photos_of_others_bear_their_credits_and_only_addresses_of_the_web_are_linked(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    path = layout.artifacts("split") / "photos.parquet"
    owed = {
        "data/one/red/dark.jpg": {"author": "Ada <b>", "licence": "CC BY 2.0", "url": "https://example.org/1?a=b&c"},
        "data/one/red/darker.jpg": {"url": "javascript:alert(1)"},
        "data/one/blue/0.jpg": {"licence": "CC BY-NC 2.0"},
    }
    rows = [replace(row, **owed.get(row.path, {})) for row in read_rows(path, SplitRow)]
    write_rows(path, SplitRow, rows)
    html = " ".join(section(layout, parameters).html.split())
    assert "by Ada &lt;b&gt;, CC BY 2.0" in html
    assert 'href="https://example.org/1?a=b&amp;c"' in html
    assert html.count("href") == 1
    assert "javascript" not in html
    assert "CC BY-NC 2.0</span>" in html
    assert "Licences of the photos that were kept: not told (10), CC BY-NC 2.0 (1)." in html
    assert "No address is known of any of them" in html


def test_the_pages_of_great_expectations_are_linked_where_they_are(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    assert "href" not in section(layout, parameters).html
    docs = layout.reports("validate") / "data_docs" / "index.html"
    docs.parent.mkdir()
    docs.touch()
    assert 'href="validate/data_docs/index.html"' in section(layout, parameters).html


def test_without_a_split_the_next_step_is_dvc_repro(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    (layout.artifacts("split") / "photos.parquet").unlink()
    assert "<code>dvc repro</code>" in section(layout, parameters).html


def test_the_review_page_is_linked_where_it_is(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    assert "<code>make review</code>" in section(layout, parameters).html
    layout.review.parent.mkdir()
    layout.review.touch()
    assert 'href="review/index.html"' in section(layout, parameters).html
