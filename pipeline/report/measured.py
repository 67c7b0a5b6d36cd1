"""What `evaluate` said of each photo and class, as several parts of the report show it."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import DataError
from pipeline.core.paths import Layout
from pipeline.release.predictions import read_predictions


@dataclass(frozen=True)
class Answer:
    """What the model said of a photo."""

    path: str
    label: str
    predicted: str
    probabilities: Mapping[str, float]
    """By class, [0, 1]."""
    threshold: float | None
    """Of the predicted class, [0, 1]."""

    @property
    def probability(self) -> float:
        """Of the predicted class, [0, 1]."""
        return self.probabilities[self.predicted]

    @property
    def is_right(self) -> bool:
        """Whether the prediction is the label."""
        return self.label == self.predicted


def answers_or_none(layout: Layout) -> list[Answer] | None:
    """The answers to all photos that were measured, the most probable prediction first; None where nothing was."""
    try:
        predictions = read_predictions(layout.artifacts("evaluate") / "predictions.parquet")
    except DataError:
        return None
    lines = lines_or_none(layout.reports("evaluate") / "per_class.csv", "class", "threshold") or []
    thresholds = {line["class"]: number(line["threshold"]) for line in lines}
    answers = [
        Answer(row.path, row.label, row.predicted, row.probabilities, thresholds.get(row.predicted))
        for row in predictions
    ]
    return sorted(answers, key=lambda answer: (-answer.probability, answer.path))


def lines_or_none(path: Path, *columns: str) -> list[dict[str, str]] | None:
    """The lines of a CSV file; None where it is missing, is no text or lacks one of the columns."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            lines = list(reader)
            return lines if {*columns} <= {*(reader.fieldnames or ())} else None
    except (OSError, ValueError):
        return None


def number(text: str) -> float | None:
    """A cell as a number; None where it is empty."""
    return float(text) if text else None
