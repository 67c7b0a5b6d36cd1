"""Duplicates: pairs of files that show the same photo (tier 1) or the same scene (tier 2).

A perceptual hash proposes a pair and the correlation of the thumbnails confirms it: hashes alone confuse photos of
one layout, correlation alone confuses silhouettes, and each check removes the other's errors.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from pipeline.photos.fingerprints import THUMBNAIL_SIDE
from pipeline.photos.records import DuplicateRow, PhotoRow

_COMPARISONS_AT_ONCE = 1 << 22
_PAIRS_AT_ONCE = 1 << 12
_COPIES_LISTED = 100
"""Of more files with equal bytes, each one after these is paired with the first alone."""

SAME_PHOTO = 1
SAME_SCENE = 2


@dataclass(frozen=True, slots=True)
class Alike:
    """Two entries that are alike, `first` < `second`."""

    first: int
    second: int
    hash_distance: int
    correlation: float


def same_photo_rows(photos: Sequence[PhotoRow], max_distance: int, min_correlation: float) -> list[DuplicateRow]:
    """Find all pairs of readable files that show the same photo, plain or mirrored, sorted by path.

    Files of equal bytes are always pairs. Constant photos are alike only when their bytes are equal.

    Args:
        photos: rows of `validate`.
        max_distance: bits between perceptual hashes of candidates, 0 to 64.
        min_correlation: Pearson correlation of the thumbnails that confirms a candidate, 0 to 1.
    """
    by_sha256: defaultdict[str, list[PhotoRow]] = defaultdict(list)
    for photo in sorted(photos, key=lambda photo: (photo.sha256, photo.path)):
        if not photo.error:
            by_sha256[photo.sha256].append(photo)
    copies = list(by_sha256.values())
    rows = [_row(pair, 0, 1.0) for same_bytes in copies for pair in _pairs_within(same_bytes)]
    for alike in same_photo_pairs([same_bytes[0] for same_bytes in copies], max_distance, min_correlation):
        pairs = product(copies[alike.first][:_COPIES_LISTED], copies[alike.second][:_COPIES_LISTED])
        rows += [_row(pair, alike.hash_distance, alike.correlation) for pair in pairs]
    return sorted(rows, key=lambda row: (row.first, row.second))


def same_photo_pairs(photos: Sequence[PhotoRow], max_distance: int, min_correlation: float) -> Iterator[Alike]:
    """Find pairs of readable photos with near hashes and correlated thumbnails, plain or mirrored.

    Every pair of hashes is compared, in blocks: time grows with the square of the number of photos, memory does not.
    """
    if not photos:
        return
    plain = np.array([photo.phash for photo in photos], dtype=np.int64).view(np.uint64)
    mirrored = np.array([photo.mirrored_phash for photo in photos], dtype=np.int64).view(np.uint64)
    thumbnails = _thumbnails(photos)
    for first, second in _candidates(plain, mirrored, max_distance):
        plain_distance = np.bitwise_count(plain[first] ^ plain[second])
        mirrored_distance = np.bitwise_count(mirrored[first] ^ plain[second])
        plain_correlation = correlations(thumbnails[first], thumbnails[second])
        mirrored_correlation = correlations(thumbnails[first][:, :, ::-1], thumbnails[second])
        same = (plain_distance <= max_distance) & (plain_correlation >= min_correlation)
        same |= (mirrored_distance <= max_distance) & (mirrored_correlation >= min_correlation)
        distance = np.minimum(plain_distance, mirrored_distance)
        correlation = np.maximum(plain_correlation, mirrored_correlation)
        for row in np.flatnonzero(same):
            yield Alike(int(first[row]), int(second[row]), int(distance[row]), float(correlation[row]))


def correlations(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Pearson correlation of each pair of thumbnails; 0 where either is constant.

    Args:
        first: (n, 32, 32) uint8 greys in [0, 255].
        second: the same shape; row by row the other of the pair.

    Returns:
        (n,) float64 in [-1, 1], rounded to 6 digits.
    """
    left = first.reshape(len(first), -1).astype(np.float64)
    right = second.reshape(len(second), -1).astype(np.float64)
    size = left.shape[1]
    # Sums of whole numbers below 2**53: exact, whatever the order of addition.
    covariance = size * (left * right).sum(axis=1) - left.sum(axis=1) * right.sum(axis=1)
    left_variance = size * (left * left).sum(axis=1) - left.sum(axis=1) ** 2
    right_variance = size * (right * right).sum(axis=1) - right.sum(axis=1) ** 2
    scale = np.sqrt(left_variance) * np.sqrt(right_variance)
    correlation: npt.NDArray[np.float64] = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
    return np.round(correlation, 6)


def _thumbnails(photos: Sequence[PhotoRow]) -> npt.NDArray[np.uint8]:
    pixels = b"".join(photo.thumbnail for photo in photos)
    return np.frombuffer(pixels, dtype=np.uint8).reshape(len(photos), THUMBNAIL_SIDE, THUMBNAIL_SIDE)


def _candidates(
    plain: npt.NDArray[np.uint64], mirrored: npt.NDArray[np.uint64], max_distance: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Index pairs with near hashes, `first` < `second`, a few thousand at a time."""
    for start, stop in _blocks(len(plain)):
        near = np.bitwise_count(plain[start:stop, None] ^ plain[None, start:]) <= max_distance
        near |= np.bitwise_count(mirrored[start:stop, None] ^ plain[None, start:]) <= max_distance
        rows, columns = np.nonzero(np.triu(near, k=1))
        for part in range(0, len(rows), _PAIRS_AT_ONCE):
            chosen = slice(part, part + _PAIRS_AT_ONCE)
            yield start + rows[chosen], start + columns[chosen]


def _blocks(count: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows such that a block of rows against all rows stays within bounded memory."""
    height = max(1, _COMPARISONS_AT_ONCE // max(count, 1))
    for start in range(0, count, height):
        yield start, min(start + height, count)


def _pairs_within(copies: Sequence[PhotoRow]) -> Iterator[tuple[PhotoRow, PhotoRow]]:
    yield from combinations(copies[:_COPIES_LISTED], 2)
    for copy in copies[_COPIES_LISTED:]:
        yield copies[0], copy


def _row(pair: tuple[PhotoRow, PhotoRow], hash_distance: int, correlation: float) -> DuplicateRow:
    first, second = sorted(pair, key=lambda photo: photo.path)
    return DuplicateRow(
        first=first.path,
        second=second.path,
        tier=SAME_PHOTO,
        hash_distance=hash_distance,
        correlation=correlation,
        first_label=first.label,
        second_label=second.label,
    )
