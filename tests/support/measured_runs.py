"""Checkouts as `train` and `evaluate` leave them, with answers that are known by heart."""

import hashlib
import json
from pathlib import Path

import numpy as np
from learning_checkouts import tiny_parameters
from PIL import Image

from pipeline.core.paths import Layout
from pipeline.core.tables import write_rows, write_text
from pipeline.evaluation.heatmaps import HEATMAPS, HeatMapRow, heatmap_row
from pipeline.evaluation.predictions import write_predictions
from pipeline.evaluation.reports import write_batch_table, write_tables
from pipeline.learning.history import EpochRow, write_history
from pipeline.photos.records import SplitRow

CLASSES = ("arch", "dôme", "wall <b>")
ANSWERS = {
    "data/first/arch/0.jpg": (0.9, 0.06, 0.04),
    "data/first/arch/1.jpg": (0.8, 0.1, 0.1),
    "data/first/arch/2.jpg": (0.05, 0.94, 0.01),
    "data/second/arch/3.jpg": (0.2, 0.7, 0.1),
    "data/first/dôme/0.jpg": (0.02, 0.96, 0.02),
    "data/second/dôme/1.jpg": (0.3, 0.6, 0.1),
    "data/second/wall <b>/0.jpg": (0.5, 0.1, 0.4),
    "data/second/wall <b>/gone.jpg": (0.1, 0.1, 0.8),
}
"""Probabilities by path: of arch two are right and two are taken for dôme, of wall one is taken for arch."""
MOST_CONFIDENT_MISTAKE = "data/first/arch/2.jpg"


def split_row(path: str) -> SplitRow:
    _, batch, label, _ = path.split("/")
    sha256 = hashlib.sha256(path.encode()).hexdigest()
    return SplitRow(path, batch, label, sha256, "keep", "", "", "", "", "test")


def write_history_of_two_phases(layout: Layout) -> None:
    """Four epochs; the third was kept."""
    history = [
        EpochRow(
            epoch, 1 + (epoch > 2), 0.1**epoch, 1.0 / epoch, 0.5, 1.0 / epoch, 0.6, 0.55, 30.0, 9.0, epoch in (1, 3)
        )
        for epoch in range(1, 5)
    ]
    write_history(layout.artifacts("train") / "history.csv", history)


def write_measured(root: Path) -> Layout:
    """A checkout of eight test photos in two batches, one of them gone since, with a heat map for each mistake."""
    from pipeline.stages.evaluate import evaluate_predictions

    layout = Layout(root)
    rows = [split_row(path) for path in ANSWERS]
    write_rows(layout.artifacts("split") / "photos.parquet", SplitRow, rows)
    for index, path in enumerate(path for path in ANSWERS if "gone" not in path):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30), (30 * index, 90, 120)).save(root / path)
    result = evaluate_predictions(
        rows, list(ANSWERS.values()), CLASSES, (0.3, 0.3, 0.4), tiny_parameters().evaluate, seed=7
    )
    answers, reports, made = result.measurement.answers, layout.reports("evaluate"), layout.artifacts("evaluate")
    names = [(row.path, str(row.label), CLASSES[index]) for row, index in zip(rows, answers.predicted, strict=True)]
    write_predictions(made / "predictions.parquet", names, answers.probabilities, CLASSES)
    write_text(reports / "metrics.json", json.dumps(result.metrics))
    write_tables(reports, result.measurement)
    write_batch_table(reports / "per_batch.csv", result.batches)
    hot, cold = np.eye(4, dtype=np.float32), np.full((4, 4), 0.1, np.float32)
    maps = [
        heatmap_row(mistake.path, name, heat)
        for mistake in result.measurement.mistakes
        for name, heat in ((mistake.predicted, hot), (mistake.label, cold))
    ]
    write_rows(made / HEATMAPS, HeatMapRow, maps)
    write_history_of_two_phases(layout)
    return layout
