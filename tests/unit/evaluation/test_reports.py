"""Figures and tables: drawn for any number of classes, the right way round, with equal bytes each time."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.core.parameters import EvaluateParameters
from pipeline.evaluation.figures import confusion_figure, learning_figure, recall_figure
from pipeline.evaluation.measurement import Answers, Measurement, measure
from pipeline.evaluation.reports import save_figure, write_figures, write_tables

FIGURES = {"confusion", "mistakes", "pr", "recall", "reliability", "roc"}
TABLES = {"confusion", "mistakes", "per_class", "pr", "reliability", "roc", "top_confusions"}


def measured(num_classes: int, num_photos: int = 60) -> Measurement:
    """Answers of a fair model; the last of more than two classes has no photo."""
    generator = np.random.default_rng(6)
    labels = generator.integers(0, max(2, num_classes - 1), num_photos)
    logits = generator.normal(size=(num_photos, num_classes)) + 2 * np.eye(num_classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = tuple(f"class_{index}" for index in range(num_classes))
    paths = tuple(f"data/x/{classes[label]}/{index}.jpg" for index, label in enumerate(labels))
    answers = Answers(paths, labels, probabilities, classes, (1 / num_classes,) * num_classes)
    return measure(answers, EvaluateParameters(bootstrap_samples=100), 1)


def lines_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("num_classes", (2, 12))
def test_all_figures_are_drawn(num_classes: int, tmp_path: Path) -> None:
    measurement = measured(num_classes)
    photos = [Image.new("RGB", (30 + index, 20)) for index in range(3)]
    write_figures(tmp_path, measurement, "test side", photos)
    assert {path.stem for path in tmp_path.glob("*.png")} == FIGURES
    for path in tmp_path.glob("*.png"):
        with Image.open(path) as image:
            assert image.width > 300
            assert "Software" not in image.info


def test_a_model_without_mistakes_has_an_empty_sheet(tmp_path: Path) -> None:
    answers = Answers(("p", "q"), np.array([0, 1]), np.eye(2), ("a", "b"), (0.5, 0.5))
    write_figures(tmp_path, measure(answers, EvaluateParameters(bootstrap_samples=100), 1), "test side", [])
    assert (tmp_path / "mistakes.png").exists()


def test_figures_are_equal_bytes_each_time(tmp_path: Path) -> None:
    measurement = measured(2)
    for name in ("first.png", "second.png"):
        save_figure(tmp_path / name, recall_figure(measurement.class_table, 0.5, "recall"))
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_the_drawn_confusion_matrix_has_the_truth_in_rows() -> None:
    figure = confusion_figure(np.array([[3, 1], [0, 0]]), ("damaged", "intact"), "title")
    counts, shares = figure.axes
    assert (counts.get_xlabel(), counts.get_ylabel()) == ("predicted", "true")
    for axes in (counts.xaxis, counts.yaxis):
        assert [label.get_text() for label in axes.get_ticklabels()] == ["damaged", "intact"]
    written = {text.get_position(): text.get_text() for text in counts.texts}
    assert written == {(0, 0): "3", (1, 0): "1", (0, 1): "0", (1, 1): "0"}
    assert {text.get_position(): text.get_text() for text in shares.texts} == {(0, 0): ".75", (1, 0): ".25"}


def test_tables_hold_what_was_measured(tmp_path: Path) -> None:
    measurement = measured(4)
    write_tables(tmp_path, measurement)
    assert {path.stem for path in tmp_path.glob("*.csv")} == TABLES
    confusion = lines_of(tmp_path / "confusion.csv")
    assert len(confusion) == 60
    assert sum(line["actual"] == line["predicted"] for line in confusion) == np.trace(measurement.confusion)
    per_class = lines_of(tmp_path / "per_class.csv")
    assert [line["class"] for line in per_class] == list(measurement.answers.classes)
    assert {line["threshold"] for line in per_class} == {"0.25"}
    assert per_class[3]["n"] == "0"
    assert (per_class[3]["recall"], per_class[3]["recall_low"], per_class[3]["f1"]) == ("", "", "")
    assert float(per_class[0]["recall_low"]) < float(per_class[0]["recall"]) < float(per_class[0]["recall_high"])
    confidences = [float(line["probability"]) for line in lines_of(tmp_path / "mistakes.csv")]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences
    assert lines_of(tmp_path / "roc.csv")[0].keys() == {"class", "false_positive_rate", "recall", "threshold"}
    assert lines_of(tmp_path / "pr.csv")[0].keys() == {"class", "recall", "precision", "threshold"}


def test_learning_curves_mark_the_phases_and_the_kept_epoch() -> None:
    from pipeline.learning.history import EpochRow

    history = [
        EpochRow(epoch, 1 + (epoch > 2), 0.01, 1.0, 0.5, 1.0, 0.5, 0.5, 1.0, 1.0, epoch in (1, 3))
        for epoch in range(1, 5)
    ]
    figure = learning_figure(history, "training")
    marks = {line.get_label(): line.get_xdata()[0] for line in figure.axes[0].lines[2:]}
    assert marks == {"next phase": 2.5, "kept: epoch 3": 3}
