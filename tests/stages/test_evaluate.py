"""Stage `evaluate`: a model of two trivially separable classes, measured as it would be served."""

import csv
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from red_or_blue import photo_of, save_red_or_blue

from pipeline.core.errors import DataError, ServingError
from pipeline.core.parameters import Parameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows
from pipeline.evaluation.heatmaps import HEATMAPS, HeatMapRow, heatmap_of
from pipeline.evaluation.openings import TEST_OPENINGS
from pipeline.learning.history import EpochRow, write_history
from pipeline.photos.records import SplitRow
from pipeline.stages.evaluate import evaluate_predictions, rows_of_side, run

COLOURS = {"red": (200, 10, 10), "blue": (10, 10, 200)}
WRONG = "data/first/red/7.png"
"""A blue photo in the folder of the red ones."""


def parameters_of(side: str) -> Parameters:
    values = {
        "recipe": "demo",
        "model": {"name": "tiny"},
        "train": {"phases": [{"epochs": 1}]},
        "evaluate": {"side": side, "bootstrap_samples": 200},
    }
    return parse_parameters(values, "test")


def split_row(path: str, **changed: str) -> SplitRow:
    label = path.split("/")[2]
    sha256 = hashlib.sha256(path.encode()).hexdigest()
    return replace(SplitRow(path, "first", label, sha256, "keep", "", "", "", "", "test"), **changed)


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_red_or_blue(tmp_path_factory.mktemp("export") / "saved_model")


@pytest.fixture
def layout(saved_model: Path, tmp_path: Path) -> Layout:
    """Eight red and four blue photos on the test side, one of the red ones in fact blue, and two on other sides."""
    layout = Layout(tmp_path)
    paths = [f"data/first/red/{index}.png" for index in range(8)] + [
        f"data/first/blue/{index}.png" for index in range(4)
    ]
    for path in [*paths, "data/first/red/validation.png", "data/first/green/0.png"]:
        colour = COLOURS["blue"] if path == WRONG else COLOURS.get(path.split("/")[2], (0, 255, 0))
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(photo_of(colour))
    rows = [split_row(path) for path in reversed(paths)]
    rows += [split_row("data/first/red/validation.png", side="validation"), split_row("data/first/green/0.png")]
    write_rows(layout.artifacts("split") / "photos.parquet", SplitRow, rows)
    shutil.copytree(saved_model, layout.artifacts("export") / "saved_model")
    history = [EpochRow(1, 1, 0.001, 0.7, 0.5, 0.6, 0.75, 0.7, 2.0, 6.0, True)]
    write_history(layout.artifacts("train") / "history.csv", history)
    return layout


def metrics_of(layout: Layout) -> dict[str, object]:
    return json.loads((layout.reports("evaluate") / "metrics.json").read_text())


def test_the_report_is_the_right_way_round(layout: Layout) -> None:
    result = run(layout, parameters_of("test"))
    metrics = metrics_of(layout)
    assert metrics == result.metrics
    assert (metrics["side"], metrics["n"], metrics["num_classes"]) == ("test", 12, 2)
    assert metrics["accuracy"] == pytest.approx(11 / 12, abs=1e-6)
    assert metrics["balanced_accuracy"] == pytest.approx((7 / 8 + 1) / 2, abs=1e-6)
    assert (metrics["majority_class"], metrics["majority_accuracy"]) == ("red", pytest.approx(8 / 12, abs=1e-6))
    assert metrics["accuracy_interval"][0] < metrics["accuracy"] <= metrics["accuracy_interval"][1]
    assert metrics["roc_auc"] > 0.9
    assert "localisation" not in metrics
    with (layout.reports("evaluate") / "mistakes.csv").open(newline="") as stream:
        [mistake] = csv.DictReader(stream)
    assert (mistake["path"], mistake["label"], mistake["predicted"]) == (WRONG, "red", "blue")
    assert (float(mistake["probability"]) > 0.9, mistake["threshold"]) == (True, "0.5")


def test_predictions_name_the_photos_and_the_classes(layout: Layout) -> None:
    run(layout, parameters_of("test"))
    table = pq.read_table(layout.artifacts("evaluate") / "predictions.parquet")
    assert table.column_names == ["path", "label", "predicted", "red", "blue"]
    assert table.schema.field("red").type == pa.float64()
    rows = table.to_pylist()
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    for row in rows:
        assert row["label"] == row["path"].split("/")[2]
        assert row["predicted"] == ("red" if row["red"] > 0.5 else "blue")
    assert {row["path"] for row in rows if row["label"] != row["predicted"]} == {WRONG}


def test_a_mistake_leaves_the_grounds_of_the_prediction_and_of_the_label(layout: Layout) -> None:
    run(layout, parameters_of("test"))
    rows = read_rows(layout.artifacts("evaluate") / HEATMAPS, HeatMapRow)
    assert [(row.path, row.explained) for row in rows] == [(WRONG, "blue"), (WRONG, "red")]
    blue, red = (heatmap_of(row) for row in rows)
    np.testing.assert_allclose((blue.mean(), red.mean()), (100 / 255, 5 / 255), atol=0.01)


def test_a_model_without_mistakes_leaves_an_empty_table_of_heat_maps(layout: Layout) -> None:
    (layout.root / WRONG).write_bytes(photo_of(COLOURS["red"]))
    run(layout, parameters_of("test"))
    assert read_rows(layout.artifacts("evaluate") / HEATMAPS, HeatMapRow) == []


def test_each_batch_is_measured_by_itself(layout: Layout) -> None:
    rows = read_rows(layout.artifacts("split") / "photos.parquet", SplitRow)
    moved = [replace(row, batch="second") if "/blue/" in row.path else row for row in rows]
    write_rows(layout.artifacts("split") / "photos.parquet", SplitRow, moved)
    run(layout, parameters_of("test"))
    with (layout.reports("evaluate") / "per_batch.csv").open(newline="") as stream:
        lines = [(line["batch"], line["n"], line["num_mistakes"]) for line in csv.DictReader(stream)]
    assert lines == [("first", "8", "1"), ("second", "4", "0")]


def test_all_files_are_equal_bytes_each_time(layout: Layout) -> None:
    def written() -> dict[str, bytes]:
        run(layout, parameters_of("test"))
        folders = (layout.artifacts("evaluate"), layout.reports("evaluate"))
        return {path.name: path.read_bytes() for folder in folders for path in folder.iterdir()}

    first = written()
    assert written() == first
    assert {name.partition(".")[2] for name in first} == {"parquet", "txt", "json", "csv", "png"}


def test_each_opening_of_the_test_side_is_logged(layout: Layout) -> None:
    run(layout, parameters_of("test"))
    run(layout, parameters_of("test"))
    log = [json.loads(line) for line in (layout.state / TEST_OPENINGS).read_text().splitlines()]
    assert [(line["recipe"], line["seed"], line["n"], line["side"]) for line in log] == [("demo", 7, 12, "test")] * 2
    assert log[0]["data"] == log[1]["data"]
    assert len(log[0]["data"]) == 64
    assert log[0]["accuracy"] == metrics_of(layout)["accuracy"]


def test_the_validation_side_leaves_the_test_side_shut(layout: Layout) -> None:
    run(layout, parameters_of("validation"))
    assert metrics_of(layout)["n"] == 1
    assert metrics_of(layout)["classes_without_photos"] == ["blue"]
    assert not (layout.state / TEST_OPENINGS).exists()


def test_maps_are_scored_where_masks_are_known(layout: Layout) -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[:10, :10] = 255
    photo = np.zeros((40, 40, 3), np.uint8)
    photo[..., 2] = 40
    photo[mask > 0] = (255, 0, 0)
    (layout.data / "first/_masks").mkdir()
    Image.fromarray(mask).save(layout.data / "first/_masks/corner.png")
    paths = [f"data/first/red/{index}.png" for index in range(5)]
    for path in paths:
        Image.fromarray(photo).save(layout.root / path)
    rows = [split_row(path, mask="data/first/_masks/corner.png") for path in paths]
    write_rows(layout.artifacts("split") / "photos.parquet", SplitRow, rows)
    run(layout, parameters_of("test"))
    localisation = metrics_of(layout)["localisation"]
    assert localisation["n"] == 5
    assert localisation["pixel_auroc"] > 0.95
    assert localisation["centre_pixel_auroc"] < 0.5
    assert localisation["pointing_hits"] == 1


def test_a_damaged_saved_model_leaves_what_was_measured_before(layout: Layout) -> None:
    run(layout, parameters_of("test"))
    before = metrics_of(layout)
    graph = layout.artifacts("export") / "saved_model" / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:100])
    with pytest.raises(ServingError, match="no usable SavedModel"):
        run(layout, parameters_of("test"))
    assert metrics_of(layout) == before


def test_a_photo_that_is_gone_is_named(layout: Layout) -> None:
    (layout.root / WRONG).unlink()
    with pytest.raises(DataError, match=r"red/7\.png cannot be read"):
        run(layout, parameters_of("test"))


def test_an_empty_side_is_refused() -> None:
    with pytest.raises(DataError, match="no photo of red, blue on the test side"):
        rows_of_side([split_row("data/first/green/0.png")], "test", ("red", "blue"))


def test_a_class_that_bears_the_name_of_a_column_is_refused(layout: Layout) -> None:
    extra = layout.artifacts("export") / "saved_model" / "assets.extra"
    (extra / "labels.json").write_text('["red", "path"]')
    with pytest.raises(DataError, match="a class is called path"):
        run(layout, parameters_of("test"))


def test_photos_without_copies_are_measured_by_themselves_too() -> None:
    rows = [split_row(f"data/first/red/{index}.png", cluster="photo-1" if index < 2 else "") for index in range(4)]
    probabilities = [[0.1, 0.9], [0.1, 0.9], [0.9, 0.1], [0.1, 0.9]]
    parameters = parameters_of("test").evaluate
    metrics = evaluate_predictions(rows, probabilities, ("red", "blue"), (0.5, 0.5), parameters, 7).metrics
    assert metrics["accuracy"] == 0.25
    assert (metrics["without_copies"]["n"], metrics["without_copies"]["accuracy"]) == (2, 0.5)
