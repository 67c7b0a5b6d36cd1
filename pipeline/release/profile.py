"""Profiles: what the photos that a version was trained on are like, kept with the version, so that photos that it is
asked about later can be compared with those, wherever it was trained.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import ServingError
from pipeline.core.parameters import EmbedParameters, Parameters, PhotosParameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, replacing
from pipeline.photos.batches import read_batches
from pipeline.photos.records import PhotoRow, Side, SplitRow
from pipeline.photos.signals import MEASURES
from pipeline.release.predictions import PhotoPrediction, read_predictions

PROFILE = "profile.npz"

MAX_PHOTOS = 2_000
"""A sample of so many photos tells a distribution, and keeps the file small."""

COMPARED = {name: MEASURES[name] for name in MEASURES if name != "compression"}
"""The clean stage's measures, but for bytes per pixel: photos are encoded anew on their way to a server."""

_MAX_HELD_OUT = 1_000
_NEIGHBOURS = 5
_DISTANCES_AT_ONCE = 512
_STORED = np.float16
"""Vectors lose digits that no comparison needs, before anything is measured against them."""

Values = NDArray[np.float64]
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Profile:
    """What is compared."""

    measures: Mapping[str, Values]
    """By name as in `COMPARED`: one value of each training photo, at most 2,000 of them."""
    classes: tuple[str, ...]
    predicted: NDArray[np.int64]
    """(n,) index of the class that the model predicts for each photo that it was evaluated on, at most 2,000."""
    certainty: Values
    """(n,) probability of that class, in [0, 1]."""
    vectors: NDArray[np.float32]
    """(v, d) of unit length, of training photos; (0, 0) where `embed` was off."""
    distances: Values
    """(h,) mean cosine distance to the nearest five of `vectors`, 0 to 2, of photos that did not train."""
    facts: "ProfileFacts"


@dataclass(frozen=True)
class ProfileFacts:
    """Where a profile's photos came from."""

    side: str
    """The side that the model was evaluated on."""
    batches: tuple[str, ...]
    """All batches that were there, in the order of intake."""
    photos: PhotosParameters
    embed: EmbedParameters


def make_profile(layout: Layout, parameters: Parameters) -> Profile | None:
    """Take the profile of the checkout's last run; None where its tables are not there.

    Raises:
        DataError: a table is damaged.
    """
    split, validated = (layout.artifacts(stage) / "photos.parquet" for stage in ("split", "validate"))
    evaluated = layout.artifacts("evaluate") / "predictions.parquet"
    if not all(table.is_file() for table in (split, validated, evaluated)):
        return None
    photos = read_rows(split, SplitRow)
    training = _sample([photo for photo in photos if photo.side == Side.TRAIN], MAX_PHOTOS, _sha256)
    held_out = [photo for photo in photos if photo.side in (Side.VALIDATION, Side.TEST)]
    measured = {row.path: row for row in read_rows(validated, PhotoRow)}
    answers = _sample(read_predictions(evaluated), MAX_PHOTOS, _path)
    classes = tuple(answers[0].probabilities) if answers else ()
    vector_of = _vectors_by_path(layout.artifacts("embed") / "vectors.npz")
    vectors = _unit(_stacked(training, vector_of).astype(_STORED))
    others = _stacked(_sample(held_out, _MAX_HELD_OUT, _sha256), vector_of)
    return Profile(
        measures=measures_of([measured[photo.path] for photo in training]),
        classes=classes,
        predicted=np.array([classes.index(answer.predicted) for answer in answers], np.int64),
        certainty=np.array([answer.probabilities[answer.predicted] for answer in answers], np.float64),
        vectors=vectors,
        distances=distances_to(others, vectors),
        facts=ProfileFacts(
            parameters.evaluate.side,
            tuple(batch.batch for batch in read_batches(layout.batches)),
            parameters.photos,
            parameters.embed,
        ),
    )


def measures_of(photos: Sequence[PhotoRow]) -> dict[str, Values]:
    """One value of each photo, by the measures of `COMPARED`.

    Args:
        photos: readable.
    """
    return {name: np.array([value(photo) for photo in photos], np.float64) for name, (value, _, _) in COMPARED.items()}


def distances_to(vectors: NDArray[np.float32], references: NDArray[np.float32]) -> Values:
    """How far each vector lies from the nearest five of others: mean cosine distance, 0 to 2.

    Args:
        vectors: (n, d) float32 of unit length.
        references: (v, d) float32 of unit length.

    Returns:
        (n,); empty where there are no references.
    """
    if not len(references) or not len(vectors):
        return np.zeros(0)
    nearest = min(_NEIGHBOURS, len(references))
    parts = []
    for start in range(0, len(vectors), _DISTANCES_AT_ONCE):
        cosines = vectors[start : start + _DISTANCES_AT_ONCE] @ references.T
        parts.append(1 - np.partition(cosines, -nearest, axis=1)[:, -nearest:].mean(axis=1))
    return np.concatenate(parts).astype(np.float64)


def write_profile(path: Path, profile: Profile) -> None:
    """Write a profile, replacing the file in one step."""
    facts = profile.facts
    told: dict[str, Any] = {
        "classes": profile.classes,
        "side": facts.side,
        "batches": facts.batches,
        "photos": facts.photos.model_dump(mode="json"),
        "embed": facts.embed.model_dump(mode="json"),
    }
    arrays: dict[str, NDArray[Any]] = {
        "facts": np.array(json.dumps(told, ensure_ascii=False)),
        "predicted": profile.predicted,
        "certainty": profile.certainty,
        "vectors": profile.vectors.astype(_STORED),
        "distances": profile.distances,
        **{f"measure.{name}": values for name, values in profile.measures.items()},
    }
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def read_profile(path: Path) -> Profile:
    """Read what `write_profile` wrote.

    Raises:
        ServingError: the file is missing, damaged or of another form.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            told = json.loads(str(stored["facts"]))
            return Profile(
                measures={name: stored[f"measure.{name}"] for name in COMPARED},
                classes=tuple(told["classes"]),
                predicted=stored["predicted"],
                certainty=stored["certainty"],
                vectors=_unit(stored["vectors"]),
                distances=stored["distances"],
                facts=ProfileFacts(
                    told["side"],
                    tuple(told["batches"]),
                    PhotosParameters(**told["photos"]),
                    EmbedParameters(**told["embed"]),
                ),
            )
    except Exception as error:  # a damaged archive raises errors of many kinds
        raise ServingError(
            f"{path} cannot be read: {type(error).__name__}: {error}",
            expected="the profile of the photos that the version was trained on",
            todo="train and promote a version: each is registered with its profile",
        ) from None


def _unit(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    length = np.maximum(np.linalg.norm(vectors.astype(np.float32), axis=1, keepdims=True), 1e-6)
    unit: NDArray[np.float32] = (vectors / length).astype(np.float32)
    return unit


def _sample(items: Sequence[Item], limit: int, key: Callable[[Item], str]) -> list[Item]:
    """So many items, chosen and put in order by what nobody chose."""
    return sorted(items, key=key)[:limit]


def _sha256(photo: SplitRow) -> str:
    return f"{photo.sha256} {photo.path}"


def _path(answer: PhotoPrediction) -> str:
    return hashlib.sha256(answer.path.encode()).hexdigest()


def _vectors_by_path(path: Path) -> dict[str, NDArray[np.float32]]:
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        return dict(zip(stored["paths"].tolist(), stored["vectors"], strict=True))


def _stacked(photos: Sequence[SplitRow], vector_of: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    found = [vector_of[photo.path] for photo in photos if photo.path in vector_of]
    return np.stack(found) if found else np.zeros((0, 0), np.float32)
