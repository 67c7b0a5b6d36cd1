"""Golden photos: three photos with the answers that evaluation got, kept with a version to check every server by."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import DataError, ServingError
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.release.predictions import PhotoPrediction, read_predictions
from serving.contract import PhotoLimits, upright

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


def golden_photos(layout: Layout, limits: PhotoLimits) -> list[GoldenPhoto]:
    """Pick photos from the evaluation's predictions: of classes spread over all classes, the first by path.

    Raises:
        DataError: evaluation left no predictions, or a photo of it is gone.
    """
    predictions = sorted(
        read_predictions(layout.artifacts("evaluate") / "predictions.parquet"), key=lambda row: row.path
    )
    labels = sorted({row.label for row in predictions})
    chosen: list[PhotoPrediction] = []
    for step in range(min(_NUM_PHOTOS, len(predictions))):
        label = labels[step * len(labels) // _NUM_PHOTOS]
        left = [row for row in predictions if row not in chosen]
        chosen.append(next((row for row in left if row.label == label), left[0]))
    return [_golden_photo(layout, row, limits) for row in chosen]


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


def _golden_photo(layout: Layout, row: PhotoPrediction, limits: PhotoLimits) -> GoldenPhoto:
    try:
        data = (layout.root / row.path).read_bytes()
    except OSError as error:
        raise DataError(
            f"{row.path} was evaluated and cannot be read now: {error.strerror}",
            expected="the photos that the last `dvc repro` saw",
            todo="run `dvc checkout`, or `dvc repro` with the photos as they are",
        ) from None
    return GoldenPhoto(row.path, hashlib.sha256(data).hexdigest(), upright(data, limits), row.probabilities)


def _no_golden(came: str) -> ServingError:
    return ServingError(
        came,
        expected="photos with the evaluation's probabilities",
        todo="register the model again with `pipeline register`",
    )
