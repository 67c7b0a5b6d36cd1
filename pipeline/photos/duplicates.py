"""Duplicates: pairs of files that show the same photo (tier 1) or the same scene (tier 2).

A perceptual hash proposes a pair and the correlation of the thumbnails confirms it: hashes alone confuse photos of
one layout, correlation alone confuses silhouettes, and each check removes the other's errors.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from pipeline.core.parameters import CleanParameters
from pipeline.photos.copies import Compared, find_copies
from pipeline.photos.fingerprints import THUMBNAIL_SIDE
from pipeline.photos.records import DuplicateRow, PhotoRow, Relation

_COMPARISONS_AT_ONCE = 1 << 22
_COPIES_LISTED = 100
"""Of more files with equal pixels, each one after these is paired with the first alone."""

SAME_PHOTO = 1
SAME_SCENE = 2


@dataclass(frozen=True)
class SceneVectors:
    """Embedding vectors by photo."""

    paths: Sequence[str]
    vectors: npt.NDArray[np.float32]
    """(n, d) float32, row by row for `paths`."""


def same_photo_rows(
    photos: Sequence[PhotoRow], parameters: CleanParameters, before: Compared | None = None
) -> tuple[list[DuplicateRow], Compared]:
    """Find all pairs of readable files that show the same photo, sorted by path.

    Files of equal bytes or equal pixels are always pairs. Photos that show next to nothing are no pairs otherwise.

    Args:
        photos: rows of `validate`.
        parameters: thresholds, and whether copies that show a part are searched.
        before: what an earlier search by the same code with the same parameters found, see `find_copies`.

    Returns:
        The pairs, and what a later search may be given as `before`.
    """
    by_key: defaultdict[str, list[PhotoRow]] = defaultdict(list)
    for photo in sorted(photos, key=lambda photo: (photo.sha256, photo.path)):
        if not photo.error:
            by_key[_key(photo)].append(photo)
    keys = sorted(by_key)
    copies = [by_key[key] for key in keys]
    rows = [_row(pair, 0, 1.0) for same_pixels in copies for pair in _pairs_within(same_pixels)]
    compared = find_copies(keys, _thumbnails([same_pixels[0] for same_pixels in copies]), parameters, before)
    for alike in compared.pairs:
        for pair in product(copies[alike.first][:_COPIES_LISTED], copies[alike.second][:_COPIES_LISTED]):
            rows.append(_row(pair, alike.hash_distance, alike.correlation, relation=alike.relation))
    return sorted(rows, key=lambda row: (row.first, row.second)), compared


def _key(photo: PhotoRow) -> str:
    """What a photo is compared under: equal for equal pixels, and bound to the thumbnail that was made of them."""
    pixels = photo.pixels_sha256 or photo.sha256
    return blake2b(pixels.encode() + photo.thumbnail, digest_size=16).hexdigest()


def correlations(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Pearson correlation of each pair of thumbnails; 0 where either is constant.

    Args:
        first: (n, 2304) uint8 greys in [0, 255], one row of 48x48 per photo.
        second: the same shape; row by row the other of the pair.

    Returns:
        (n,) float64 in [-1, 1], rounded to 6 digits.
    """
    left = first.astype(np.float64)
    right = second.astype(np.float64)
    size = left.shape[1]
    # Sums of whole numbers below 2**53: exact, whatever the order of addition.
    covariance = size * (left * right).sum(axis=1) - left.sum(axis=1) * right.sum(axis=1)
    left_variance = size * (left * left).sum(axis=1) - left.sum(axis=1) ** 2
    right_variance = size * (right * right).sum(axis=1) - right.sum(axis=1) ** 2
    scale = np.sqrt(left_variance) * np.sqrt(right_variance)
    correlation: npt.NDArray[np.float64] = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.round(correlation, 6)


def same_scene_rows(photos: Sequence[PhotoRow], vectors: SceneVectors | None, min_cosine: float) -> list[DuplicateRow]:
    """Find all pairs of files whose vectors tell the same scene, sorted by path; none without vectors.

    Args:
        photos: rows of `validate`.
        vectors: of some or all of these photos.
        min_cosine: smallest cosine of a pair, 0 to 1.
    """
    if vectors is None:
        return []
    by_path = {photo.path: photo for photo in photos}
    ours = sorted((path, row) for row, path in enumerate(vectors.paths) if path in by_path)
    found = same_scene_pairs(vectors.vectors[[row for _, row in ours]], min_cosine)
    pairs = [(by_path[ours[first][0]], by_path[ours[second][0]]) for first, second in found]
    return [_row(pair, *_likeness(*pair), relation=Relation.SCENE, tier=SAME_SCENE) for pair in pairs]


def same_scene_pairs(vectors: npt.NDArray[np.float32], min_cosine: float) -> Iterator[tuple[int, int]]:
    """Find pairs of embedding vectors that point the same way, in blocks.

    Args:
        vectors: (n, d) float32, one row per photo, of any length; rows of zeros are like nothing.
        min_cosine: smallest cosine of a pair, 0 to 1.

    Yields:
        `(first, second)` row numbers, `first` < `second`, in order.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    for start, stop in _blocks(len(units)):
        cosines = units[start:stop] @ units[start:].T
        for row, column in np.argwhere(np.triu(cosines >= min_cosine, k=1)):
            yield int(start + row), int(start + column)


def _likeness(first: PhotoRow, second: PhotoRow) -> tuple[int, float]:
    """Distance of the hashes and correlation of the thumbnails, the better of plain and mirrored."""
    plain, mirrored, other = (
        np.array([one], dtype=np.int64).view(np.uint64) for one in (first.phash, first.mirrored_phash, second.phash)
    )
    distance = min(np.bitwise_count(plain ^ other)[0], np.bitwise_count(mirrored ^ other)[0])
    left, right = _thumbnails([first]), _thumbnails([second])
    turned = left.reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)[:, ::-1].reshape(left.shape)
    best = max(correlations(left, right)[0], correlations(turned, right)[0])
    return int(distance), float(best)


def _thumbnails(photos: Sequence[PhotoRow]) -> npt.NDArray[np.uint8]:
    pixels = b"".join(photo.thumbnail for photo in photos)
    return np.frombuffer(pixels, dtype=np.uint8).reshape(len(photos), THUMBNAIL_SIDE * THUMBNAIL_SIDE)


def _blocks(count: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows such that a block of rows against all rows stays within bounded memory."""
    height = max(1, _COMPARISONS_AT_ONCE // max(count, 1))
    for start in range(0, count, height):
        yield start, min(start + height, count)


def _pairs_within(copies: Sequence[PhotoRow]) -> Iterator[tuple[PhotoRow, PhotoRow]]:
    yield from combinations(copies[:_COPIES_LISTED], 2)
    for copy in copies[_COPIES_LISTED:]:
        yield copies[0], copy


def _row(
    pair: tuple[PhotoRow, PhotoRow],
    hash_distance: int,
    correlation: float,
    *,
    relation: Relation = Relation.SAME,
    tier: int = SAME_PHOTO,
) -> DuplicateRow:
    first, second = sorted(pair, key=lambda photo: photo.path)
    return DuplicateRow(
        first=first.path,
        second=second.path,
        tier=tier,
        hash_distance=hash_distance,
        correlation=correlation,
        first_label=first.label,
        second_label=second.label,
        relation=relation.value,
    )
