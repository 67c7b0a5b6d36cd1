"""Golden photos: three photos with the answers that evaluation got, kept with a version to check every server by."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import DataError, ServingError
from pipeline.core.hashing import sha256_of_file
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from serving.contract import upright

GOLDEN = "golden.json"
TOLERANCE = 1e-5
"""Largest difference of a probability between evaluation and a server, on one CPU."""

_NUM_PHOTOS = 3


@dataclass(frozen=True)
class GoldenPhoto:
    """A photo and the probabilities that evaluation measured for it."""

    path: str
    sha256: str
    """Of the photo's file."""
    photo: bytes
    """Upright JPEG or PNG, as it goes over the wire."""
    probabilities: dict[str, float]
    """By class."""


def golden_photos(layout: Layout, classes: Sequence[str]) -> list[GoldenPhoto]:
    """Pick photos from the evaluation's predictions: of classes spread over all classes, the first by path.

    Raises:
        DataError: evaluation left no predictions, or a photo of it is gone.
    """
    path = layout.artifacts("evaluate") / "predictions.parquet"
    rows = _predictions(path)
    labels = sorted({row["label"] for row in rows})
    chosen: list[dict[str, Any]] = []
    for step in range(min(_NUM_PHOTOS, len(rows))):
        label = labels[step * len(labels) // _NUM_PHOTOS]
        chosen.append(min((row for row in rows if row["label"] == label and row not in chosen), key=lambda row: row["path"]))
    return [_golden_photo(layout, row, classes) for row in chosen]


def write_golden(path: Path, photos: Sequence[GoldenPhoto]) -> None:
    """Write golden photos as one JSON file."""
    values = [
        {
            "path": photo.path,
            "sha256": photo.sha256,
            "photo": base64.b64encode(photo.photo).decode(),
            "probabilities": photo.probabilities,
        }
        for photo in photos
    ]
    write_text(path, json.dumps(values, indent=1) + "\n")


def read_golden(path: Path) -> list[GoldenPhoto]:
    """Read what `write_golden` wrote.

    Raises:
        ServingError: the file is missing or damaged, or holds no photo.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        photos = [GoldenPhoto(**value | {"photo": base64.b64decode(value["photo"])}) for value in values]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_golden(f"{path} cannot be read: {error}") from None
    if not photos:
        raise _no_golden(f"{path} holds no photo")
    return photos


def _no_golden(came: str) -> ServingError:
    return ServingError(
        came, expected="photos with the evaluation's probabilities", todo="register the model again with `pipeline register`"
    )
