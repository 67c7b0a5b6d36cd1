"""What models said of photos, photo by photo: as evaluation measured it, and as the gate compared it."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import DataError

ANSWERS = "answers.parquet"
"""In `artifacts/gate`: the answers that the gate compared."""


@dataclass(frozen=True)
class PhotoPrediction:
    """A line of `artifacts/evaluate/predictions.parquet`."""

    path: str
    label: str
    predicted: str
    probabilities: dict[str, float]
    """By class."""


@dataclass(frozen=True)
class GateAnswer:
    """A line of `artifacts/gate/answers.parquet`: a test photo as the gate scored it."""

    path: str
    label: str
    candidate: str
    """The class that the candidate predicts."""
    champion: str | None
    """The class that the model in service predicts; None where the gate compared with none."""


def read_predictions(path: Path) -> list[PhotoPrediction]:
    """Read the predictions that `evaluate` wrote.

    Raises:
        DataError: there are none, or the file is damaged.
    """
    try:
        rows = pq.read_table(path).to_pylist()
        return [PhotoPrediction(row.pop("path"), row.pop("label"), row.pop("predicted"), row) for row in rows]
    except (OSError, pa.ArrowException, KeyError) as error:
        raise DataError(
            f"{path} cannot be read: {error}",
            expected="the columns path, label, predicted and one of probabilities per class",
            todo="run `dvc repro`",
        ) from None
