"""Ranking: of many photos those that a person should label next.

A photo is worth labelling where the model hesitates, and where it is unlike those that were chosen already; ten photos
of one doubtful wall tell little more than one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.photos.fingerprints import THUMBNAIL_SIDE
from pipeline.photos.records import PhotoRow
from serving.answers import Prediction

MAX_COPY_DISTANCE = 7
"""Bits between the perceptual hashes of copies."""
MIN_COPY_CORRELATION = 0.95
"""Of the grey thumbnails of two photos whose hashes are near: above it they are copies of one another."""

_HASH_BITS = 64


@dataclass(frozen=True, eq=False)
class Candidate:
    """A photo without a label, and what the model says of it."""

    location: Path
    row: PhotoRow
    prediction: Prediction
    times: int
    """How often it was asked about; 0 for a photo that lies unlabelled in `data/`."""

    @property
    def lead(self) -> float:
        """By how much the predicted class lies before the next, each less its threshold; 0 = quite undecided."""
        answer = self.prediction
        first, second = sorted(np.subtract(answer.probabilities, answer.threshold).tolist(), reverse=True)[:2]
        return float(first - second)

    @property
    def probability(self) -> float:
        """Of the predicted class, in [0, 1]."""
        return self.prediction.probabilities[self.prediction.classes.index(self.prediction.predicted)]


def most_worth_labelling(
    candidates: Sequence[Candidate], features: NDArray[np.float32], labelled: Sequence[PhotoRow], limit: int
) -> list[Candidate]:
    """Choose photos, the most telling one first; of copies one is chosen, and none of a photo that has a label.

    Args:
        candidates: in any order.
        features: (n, d) float32 of unit length, row by row for `candidates`; such as vectors, or `hash_features`.
        labelled: photos that have a label.
        limit: photos to choose.
    """
    order = sorted(range(len(candidates)), key=lambda index: (candidates[index].lead, candidates[index].row.sha256))
    looks = _Looks(labelled)
    rows: list[int] = []
    for index in order:
        row = candidates[index].row
        if not looks.have(row):
            rows.append(index)
            looks.add(row)
    hesitation = np.array([max(0.0, 1 - candidates[index].lead) for index in rows])
    return [candidates[rows[place]] for place in _spread(hesitation, features[rows], limit)]


def hash_features(rows: Sequence[PhotoRow]) -> NDArray[np.float32]:
    """Features of photos without vectors: the bits of their perceptual hashes, (n, 64) float32 of unit length."""
    hashes = np.array([row.phash for row in rows], np.int64).astype(">i8")
    bits = np.unpackbits(hashes.view(np.uint8)).reshape(len(rows), _HASH_BITS)
    return (2 * bits.astype(np.float32) - 1) / np.float32(np.sqrt(_HASH_BITS))


def _spread(hesitation: NDArray[np.float64], features: NDArray[np.float32], limit: int) -> list[int]:
    """Choose by hesitation times the distance to what is chosen; the first by hesitation alone.

    Reference:
        Sener and Savarese, "Active learning for convolutional neural networks: a core-set approach", ICLR 2018, for
        the greedy choice of the farthest.
    """
    chosen: list[int] = []
    distance = np.ones(len(hesitation))
    score = hesitation.copy()
    while len(chosen) < min(limit, len(hesitation)):
        best = int(np.argmax(score))
        chosen.append(best)
        distance = np.minimum(distance, np.clip(1 - features @ features[best], 0, 1))
        score = hesitation * distance
        score[chosen] = -1
    return chosen


class _Looks:
    """What photos look like, to tell copies."""

    def __init__(self, rows: Sequence[PhotoRow]) -> None:
        self._rows = list(rows)
        self._exact = {exact for row in rows for exact in (row.sha256, row.pixels_sha256)}
        self._hashes = _hashes(row.phash for row in rows)

    def add(self, row: PhotoRow) -> None:
        self._rows.append(row)
        self._exact |= {row.sha256, row.pixels_sha256}
        self._hashes = np.append(self._hashes, _hashes([row.phash]))

    def have(self, row: PhotoRow) -> bool:
        if row.sha256 in self._exact or row.pixels_sha256 in self._exact:
            return True
        bits = [np.bitwise_count(self._hashes ^ phash) for phash in _hashes([row.phash, row.mirrored_phash])]
        near = np.flatnonzero(np.minimum(*bits) <= MAX_COPY_DISTANCE).tolist()
        return any(_correlation(row, self._rows[place]) >= MIN_COPY_CORRELATION for place in near)


def _hashes(signed: Iterable[int]) -> NDArray[np.uint64]:
    return np.array(list(signed), np.int64).view(np.uint64)


def _correlation(first: PhotoRow, second: PhotoRow) -> float:
    """Pearson correlation of two thumbnails, or of one and the mirrored other where that is higher."""
    one, other = (np.frombuffer(row.thumbnail, np.uint8).astype(np.float64) for row in (first, second))
    if one.std() == 0 or other.std() == 0:
        return float(np.array_equal(one, other))
    mirrored = other.reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)[:, ::-1].ravel()
    return max(float(np.corrcoef(one, turned)[0, 1]) for turned in (other, mirrored))
