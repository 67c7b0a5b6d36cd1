"""Figures of the whole and of each class, as `evaluate` wrote them."""

import json
from pathlib import Path

from learning_checkouts import tiny_parameters
from measured_runs import CLASSES, write_measured

from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.report.classes import class_lines, measure_lines, section


def test_classes_come_in_order_with_their_figures(measured: Layout) -> None:
    arch, dome, wall = class_lines(measured)
    assert (arch.label, dome.label, wall.label) == CLASSES
    assert (arch.n, arch.num_predicted, arch.recall, arch.threshold) == (4, 3, 0.5, 0.3)
    assert (dome.precision, dome.recall) == (0.5, 1.0)
    assert arch.recall_interval is not None
    assert arch.recall_interval[0] < 0.5 < arch.recall_interval[1]


def test_every_figure_stands_beside_its_baseline(measured: Layout) -> None:
    metrics = json.loads((measured.reports("evaluate") / "metrics.json").read_text())
    accuracy, *_ = measure_lines(metrics)
    assert (accuracy.value, accuracy.majority) == (0.625, 0.5)
    assert accuracy.interval == tuple(metrics["accuracy_interval"])


def test_class_names_are_escaped(measured: Layout) -> None:
    html = section(measured, tiny_parameters()).html
    assert "wall &lt;b&gt;" in html
    assert "<b>" not in html


def test_the_figure_without_copies_and_empty_classes_are_said_where_there_are_any(tmp_path: Path) -> None:
    layout = write_measured(tmp_path)
    path = layout.reports("evaluate") / "metrics.json"
    metrics = json.loads(path.read_text())
    assert "no copy anywhere" not in section(layout, tiny_parameters()).html
    metrics["without_copies"] = {"n": 5, "accuracy": 0.6, "accuracy_interval": [0.2, 0.9]}
    write_text(path, json.dumps({**metrics, "classes_without_photos": ["tower"]}))
    html = section(layout, tiny_parameters()).html
    assert "the accuracy is .600" in html
    assert "holds no photo of them: tower" in html


def test_figures_of_the_validation_side_are_said_to_flatter(measured: Layout, tmp_path: Path) -> None:
    assert "flatter" in section(measured, tiny_parameters()).html
    layout = write_measured(tmp_path)
    path = layout.reports("evaluate") / "metrics.json"
    write_text(path, path.read_text().replace('"side": "validation"', '"side": "test"'))
    html = section(layout, tiny_parameters()).html
    assert "never saw" in html
    assert "flatter" not in html


def test_without_figures_the_command_is_named(tmp_path: Path) -> None:
    assert "<code>dvc repro</code>" in section(Layout(tmp_path), tiny_parameters()).html
