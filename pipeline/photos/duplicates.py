"""Duplicates: pairs of files that show the same photo (tier 1).

Files of equal bytes or equal pixels are copies of themselves; `copies` finds the others.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from pipeline.core.parameters import CleanParameters
from pipeline.photos.copies import Compared, find_copies
from pipeline.photos.fingerprints import THUMBNAIL_SIDE
from pipeline.photos.records import DuplicateRow, PhotoRow, Relation

_COPIES_LISTED = 100
"""Of more files with equal pixels, each one after these is paired with the first alone."""

SAME_PHOTO = 1
SAME_SCENE = 2


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
            derived = pair[alike.derived == "second"] if alike.derived else None
            likeness = (alike.hash_distance, alike.correlation)
            rows.append(_row(pair, *likeness, relation=alike.relation, derived=derived))
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


def _thumbnails(photos: Sequence[PhotoRow]) -> npt.NDArray[np.uint8]:
    pixels = b"".join(photo.thumbnail for photo in photos)
    return np.frombuffer(pixels, dtype=np.uint8).reshape(len(photos), THUMBNAIL_SIDE * THUMBNAIL_SIDE)


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
    derived: PhotoRow | None = None,
) -> DuplicateRow:
    first, second = sorted(pair, key=lambda photo: photo.path)
    return DuplicateRow(
        first=first.path,
        second=second.path,
        tier=SAME_PHOTO,
        hash_distance=hash_distance,
        correlation=correlation,
        first_label=first.label,
        second_label=second.label,
        relation=relation.value,
        derived="" if derived is None else "first" if derived is first else "second",
    )
