"""Suspects: photos that do not look like what they are filed under; a person should look, nothing is dropped.

Scraped photos are filed by a hashtag, and a hashtag also brings the tower's gift shop. Two questions are asked of the
vectors of a frozen network: would a probe that never saw a photo (nor its copies) file it under the same class, and
does the photo lie near any others of its class?
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.photos.clusters import Clusters
from pipeline.photos.records import CleanRow, Decision, SuspectRow, Suspicion
from pipeline.photos.scenes import SceneVectors

_FOLDS = 5
_RIDGE = 1e-4
"""Of the mean square length of a vector."""
_SHRINKAGE = 0.3
"""Towards directions of equal spread, where distances are measured."""
_NEIGHBOURS = 10
_NO_NEIGHBOUR = -2
"""In place of the cosine to a photo that does not count."""
_MAX_REFERENCES = 2048
"""Photos of a class, chosen by hash, among which neighbours are sought: time would grow with the square of all."""
_TEMPERATURES = tuple(2.0 ** (step / 2) for step in range(13))
_ROWS_AT_ONCE = 4096
_MIN_PHOTOS_PER_CLASS = 10
"""Of a smaller class nothing is said: its own spread is not known."""
_DIGITS = 4

Matrix = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Subjects:
    """The photos that are judged, sorted by path, and all else by their order."""

    photos: list[CleanRow]
    vectors: Matrix
    """(n, d), centred and of unit length."""
    classes: list[str]
    labels: Whole
    """Index of each photo's class."""
    company: list[str]
    """Copies, scenes and given groups have one name: they are no evidence for each other."""


def find_suspects(photos: Sequence[CleanRow], vectors: SceneVectors | None, max_spread: float) -> list[SuspectRow]:
    """List the kept photos that seem to be filed wrongly, sorted by path; a photo is listed once.

    Args:
        photos: what `clean` decided.
        vectors: of some or all of these photos; without them nobody is suspected.
        max_spread: how far a photo may lie from the others of its class, in interquartile ranges of these distances
            above their median.
    """
    subjects = _subjects(photos, vectors) if vectors is not None else None
    if subjects is None:
        return []
    label_suspects = _label_suspects(subjects)
    outliers = _outliers(subjects, max_spread)
    return [
        label_suspects.get(photo.path) or outliers[photo.path]
        for photo in subjects.photos
        if photo.path in label_suspects or photo.path in outliers
    ]


def probe_probabilities(vectors: Matrix, labels: Whole, folds: Whole) -> npt.NDArray[np.float64]:
    """Probability of each class for each photo, by a linear probe that was fitted without the photo's fold.

    The probe is a ridge regression of the classes, each of equal weight, in closed form; one temperature, chosen by
    the likelihood of the labels, turns its scores into probabilities.

    Args:
        vectors: (n, d) float32.
        labels: (n,) class of each photo, 0 to k - 1.
        folds: (n,) fold of each photo, 0 to 4.

    Returns:
        (n, k) float64, rows add up to 1.
    """
    num_classes = int(labels.max()) + 1
    weights = 1 / np.maximum(np.bincount(labels, minlength=num_classes), 1)
    targets = np.eye(num_classes)
    parts = [np.flatnonzero(folds == fold) for fold in range(_FOLDS)]
    moments = [_moments(vectors[part], targets[labels[part]], weights[labels[part]]) for part in parts]
    square = np.sum([moment[0] for moment in moments], axis=0)
    cross = np.sum([moment[1] for moment in moments], axis=0)
    ridge = _RIDGE * np.trace(square) * np.eye(len(square))
    scores = np.zeros((len(vectors), num_classes))
    for part, (own_square, own_cross) in zip(parts, moments, strict=True):
        solution = np.linalg.solve(square - own_square + ridge, cross - own_cross)
        scores[part] = _with_constant(vectors[part]) @ solution
    return max((_softmax(scores * one) for one in _TEMPERATURES), key=lambda one: _likelihood(one, labels))


def distances_from_class(vectors: Matrix, labels: Whole, company: Sequence[str]) -> npt.NDArray[np.float64]:
    """Mean cosine distance of each photo to the nearest ten others of its class, 0 to 2; 0 where there are no others.

    Distances are measured where the photos of a class spread equally in all directions, or else the few directions
    in which photos differ most, such as light and sky, would decide alone.

    Args:
        vectors: (n, d) float32.
        labels: (n,) class of each photo.
        company: name shared by photos that do not count as each other's neighbours.
    """
    spread = _whitened(vectors, labels)
    _, members = np.unique(np.array(company), return_inverse=True)
    distances = np.zeros(len(vectors))
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        references = rows[np.argsort([_hash(company[row]) for row in rows.tolist()], kind="stable")[:_MAX_REFERENCES]]
        for chosen in _blocks(rows):
            cosines = spread[chosen] @ spread[references].T
            cosines[members[chosen][:, None] == members[references][None, :]] = _NO_NEIGHBOUR
            nearest = -np.partition(-cosines, min(_NEIGHBOURS, cosines.shape[1]) - 1, axis=1)[:, :_NEIGHBOURS]
            is_neighbour = nearest > _NO_NEIGHBOUR
            count = np.count_nonzero(is_neighbour, axis=1)
            mean = np.where(is_neighbour, nearest, 0).sum(axis=1) / np.maximum(count, 1)
            distances[chosen] = np.where(count > 0, 1 - mean, 0)
    return np.round(distances, _DIGITS)


def _subjects(photos: Sequence[CleanRow], vectors: SceneVectors) -> _Subjects | None:
    row_of = {path: row for row, path in enumerate(vectors.paths)}
    labelled = [one for one in photos if one.decision == Decision.KEEP and one.label is not None and one.path in row_of]
    by_class: defaultdict[str, list[CleanRow]] = defaultdict(list)
    for photo in labelled:
        by_class[str(photo.label)].append(photo)
    classes = sorted(name for name, members in by_class.items() if len(members) >= _MIN_PHOTOS_PER_CLASS)
    if len(classes) < 2:
        return None
    chosen = sorted((photo for name in classes for photo in by_class[name]), key=lambda photo: photo.path)
    matrix = vectors.vectors[[row_of[photo.path] for photo in chosen]].astype(np.float32)
    index = {name: position for position, name in enumerate(classes)}
    return _Subjects(
        photos=chosen,
        vectors=_units(matrix - matrix.mean(axis=0)),
        classes=classes,
        labels=np.array([index[str(photo.label)] for photo in chosen], dtype=np.int64),
        company=_company(chosen),
    )


def _company(photos: Sequence[CleanRow]) -> list[str]:
    """A name for each photo that all copies of it, all of their scene or group, and the copies of these share."""
    together: Clusters[str] = Clusters()
    names = [(f"cluster {one.cluster}", f"group {one.group}") for one in photos]
    for photo, (cluster, group) in zip(photos, names, strict=True):
        if photo.cluster and photo.group:
            together.join(cluster, group)
    return [
        min(together.members(cluster if photo.cluster else group)) if photo.cluster or photo.group else photo.sha256
        for photo, (cluster, group) in zip(photos, names, strict=True)
    ]


def _label_suspects(subjects: _Subjects) -> Mapping[str, SuspectRow]:
    """Confident learning over the probabilities of the probe."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    folds = np.array([_hash(name) % _FOLDS for name in subjects.company], dtype=np.int64)
    probabilities = probe_probabilities(subjects.vectors, subjects.labels, folds)
    found = find_label_issues(subjects.labels, probabilities, filter_by="both", n_jobs=1)
    quality = get_label_quality_scores(subjects.labels, probabilities, method="normalized_margin")
    best = probabilities.argmax(axis=1)
    return {
        subjects.photos[row].path: _suspect(
            subjects.photos[row], Suspicion.LABEL, 1 - float(quality[row]), subjects.classes[best[row]]
        )
        for row in np.flatnonzero(found & (best != subjects.labels))
    }


def _outliers(subjects: _Subjects, max_spread: float) -> Mapping[str, SuspectRow]:
    distances = distances_from_class(subjects.vectors, subjects.labels, subjects.company)
    limits = np.zeros(len(subjects.classes))
    for label in range(len(limits)):
        lower, middle, upper = np.quantile(distances[subjects.labels == label], (0.25, 0.5, 0.75), method="lower")
        limits[label] = middle + max_spread * (upper - lower)
    return {
        subjects.photos[row].path: _suspect(subjects.photos[row], Suspicion.OUTLIER, distances[row] / 2, "")
        for row in np.flatnonzero(distances > limits[subjects.labels])
    }


def _suspect(photo: CleanRow, kind: Suspicion, score: float, suggested_label: str) -> SuspectRow:
    return SuspectRow(photo.path, str(photo.label), kind, round(min(max(float(score), 0.0), 1.0), 4), suggested_label)


def _moments(
    vectors: Matrix, targets: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weighted products of the vectors with themselves and with the targets, a few thousand rows at a time."""
    size = vectors.shape[1] + 1
    square, cross = np.zeros((size, size)), np.zeros((size, targets.shape[1]))
    for rows in _blocks(np.arange(len(vectors))):
        block = _with_constant(vectors[rows])
        weighted = block * weights[rows][:, None]
        square += weighted.T @ block
        cross += weighted.T @ targets[rows]
    return square, cross


def _whitened(vectors: Matrix, labels: Whole) -> Matrix:
    means = np.stack(
        [
            vectors[labels == label].mean(axis=0) if (labels == label).any() else np.zeros(vectors.shape[1], np.float32)
            for label in range(int(labels.max()) + 1)
        ]
    )
    within = np.zeros((vectors.shape[1], vectors.shape[1]))
    for rows in _blocks(np.arange(len(vectors))):
        block = (vectors[rows] - means[labels[rows]]).astype(np.float64)
        within += block.T @ block
    spread = float(np.trace(within)) / len(within)
    if spread == 0:
        return _units(vectors)
    even = spread * np.eye(len(within))
    root = np.linalg.cholesky(np.linalg.inv((1 - _SHRINKAGE) * within + _SHRINKAGE * even))
    return _units(vectors @ (root * np.sqrt(len(within))).astype(np.float32))


def _units(vectors: Matrix) -> Matrix:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: Matrix = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return units


def _with_constant(vectors: Matrix) -> npt.NDArray[np.float64]:
    return np.hstack((vectors.astype(np.float64), np.ones((len(vectors), 1))))


def _softmax(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shares: npt.NDArray[np.float64] = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return np.round(shares, 9)


def _likelihood(probabilities: npt.NDArray[np.float64], labels: Whole) -> float:
    own = probabilities[np.arange(len(labels)), labels]
    return float(np.log(np.maximum(own, 1e-9)).sum())


def _hash(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest()[:15], 16)


def _blocks(rows: Whole) -> Iterator[Whole]:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[start : start + _ROWS_AT_ONCE]
