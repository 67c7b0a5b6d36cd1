"""Scenes: photos whose vectors point the same way (tier 2), which share a side and are not dropped.

Scenes grow by single links, and links make chains, so a scene is capped: the strongest links are taken first, and one
that would make a scene too large is left. That goes batch by batch, so that no later batch changes what earlier photos
are to each other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.photos.clusters import Clusters, clusters_of
from pipeline.photos.duplicates import SAME_SCENE, correlations
from pipeline.photos.fingerprints import THUMBNAIL_SIDE
from pipeline.photos.records import DuplicateRow, PhotoRow, Relation

VECTOR_LENGTH = 4000
"""Vectors are scaled to this length and rounded to whole numbers: all partial sums of a product then stay below 2**24,
so that float32 holds them exactly and a cosine depends on neither the blocks nor the machine. It errs by 0.0001."""

_COMPARISONS_AT_ONCE = 1 << 23
_PAIRS_AT_ONCE = 1 << 12
_VECTORS_AT_ONCE = 1 << 12

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SceneVectors:
    """Embedding vectors by photo."""

    paths: Sequence[str]
    vectors: npt.NDArray[np.float32]
    """(n, d) float32, row by row for `paths`."""


@dataclass(frozen=True)
class SceneLinks:
    """Pairs of vectors that point the same way, as row numbers, `second` < `first`, in order."""

    first: Rows
    second: Rows
    products: npt.NDArray[np.int64]
    """Cosine times the square of `VECTOR_LENGTH`."""


@dataclass(frozen=True)
class Scenes:
    """What was found."""

    rows: list[DuplicateRow]
    """Pairs of one scene, sorted by path; of equal bytes the first photo speaks for all."""
    num_capped_pairs: int
    """Pairs left because their scene would have grown too large."""
    num_capped_groups: int
    """Scenes that at least one such pair would have made larger."""


NO_SCENES = Scenes([], 0, 0)


def find_scenes(
    photos: Sequence[PhotoRow],
    position: dict[str, int],
    vectors: SceneVectors,
    same_photo: Sequence[DuplicateRow],
    limits: tuple[float, int],
) -> Scenes:
    """Find the pairs of photos that show one scene and are not the same photo.

    Args:
        photos: rows of `validate`.
        position: the number of each batch, in order of intake.
        vectors: of some or all of these photos.
        same_photo: pairs of tier 1, which are left out.
        limits: smallest cosine of a pair, 0 to 1; most photos of a scene.
    """
    min_cosine, max_photos = limits
    distinct, numbers, chosen = _in_order_of_arrival(photos, position, vectors)
    links = scene_links(vectors.vectors[chosen], min_cosine, max_photos)
    row_of = {photo.sha256: row for row, photo in enumerate(distinct)}
    sha256_of = {photo.path: photo.sha256 for photo in photos}
    copies = {
        frozenset((row_of.get(sha256_of[pair.first], -1), row_of.get(sha256_of[pair.second], -1)))
        for pair in same_photo
    }
    links = _without(links, copies)
    taken = capped(links, numbers, max_photos)
    rows = _rows(distinct, links.first[taken], links.second[taken])
    left = np.flatnonzero(~taken)
    scenes = clusters_of(rows)
    stopped = {scenes.root(distinct[row].path) for row in (*links.first[left], *links.second[left])}
    return Scenes(rows, len(left), sum(len(scenes.members(root)) > 1 for root in stopped))


def scene_links(vectors: npt.NDArray[np.float32], min_cosine: float, max_mates: int) -> SceneLinks:
    """Find pairs of vectors that point the same way, each row with the nearest of those before it.

    Args:
        vectors: (n, d) float32 in order of arrival, of any length; rows of zeros are like nothing.
        min_cosine: smallest cosine of a pair, 0 to 1.
        max_mates: most pairs of a row with rows before it. As many as a scene may hold photos loses no scene.
    """
    whole = _whole_numbers(vectors)
    # At least 1: rows of zeros, of which all products are 0, are like nothing even where any cosine will do.
    threshold = np.float32(max(1, np.ceil(min_cosine * VECTOR_LENGTH**2)))
    parts = [np.zeros((3, 0), np.int64)]
    for start, stop in _blocks(len(whole)):
        products = whole[start:stop] @ whole[:stop].T
        rows, columns = np.divmod(np.flatnonzero(products >= threshold), stop)
        before = columns < rows + start
        rows, columns = rows[before], columns[before]
        found = products[rows, columns].astype(np.int64)
        keep = _strongest(rows, found, max_mates)
        parts.append(np.stack([rows[keep] + start, columns[keep], found[keep]]))
    first, second, products_ = np.concatenate(parts, axis=1)
    return SceneLinks(first, second, products_)


def capped(links: SceneLinks, numbers: Rows, max_photos: int) -> npt.NDArray[np.bool_]:
    """Choose the links to take so that no scene holds more photos than it may, batch by batch, the strongest first.

    Args:
        links: pairs of photos.
        numbers: (n,) the batch of each photo, in order of intake, ascending.
        max_photos: most photos of a scene.

    Returns:
        (number of links,) whether each is taken.
    """
    taken = np.zeros(len(links.first), np.bool_)
    scenes: Clusters[int] = Clusters()
    order = np.lexsort((links.second, links.first, -links.products, numbers[links.first]))
    for link in order.tolist():
        first, second = int(links.first[link]), int(links.second[link])
        if scenes.root(first) != scenes.root(second):
            if len(scenes.members(first)) + len(scenes.members(second)) > max_photos:
                continue
            scenes.join(first, second)
        taken[link] = True
    return taken


def _in_order_of_arrival(
    photos: Sequence[PhotoRow], position: dict[str, int], vectors: SceneVectors
) -> tuple[list[PhotoRow], Rows, Rows]:
    """Find one photo for each of the bytes that have a vector, the numbers of their batches, their vectors' rows."""
    row_of = {path: row for row, path in enumerate(vectors.paths)}
    arrived: dict[str, int] = {}
    speaker: dict[str, PhotoRow] = {}
    for photo in photos:
        if photo.path in row_of:
            number = position[photo.batch]
            arrived[photo.sha256] = min(number, arrived.get(photo.sha256, number))
            speaker[photo.sha256] = min(photo, speaker.get(photo.sha256, photo), key=lambda one: one.path)
    order = sorted(arrived, key=lambda sha256: (arrived[sha256], sha256))
    distinct = [speaker[sha256] for sha256 in order]
    numbers = np.array([arrived[sha256] for sha256 in order], np.int64)
    return distinct, numbers, np.array([row_of[photo.path] for photo in distinct], np.int64)


def _whole_numbers(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    whole = np.zeros(vectors.shape, np.float32)
    for start in range(0, len(vectors), _VECTORS_AT_ONCE):
        wide = vectors[start : start + _VECTORS_AT_ONCE].astype(np.float64)
        lengths = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
        units = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
        whole[start : start + _VECTORS_AT_ONCE] = np.rint(units * VECTOR_LENGTH)
    return whole


def _strongest(rows: Rows, products: Rows, most: int) -> Rows:
    """Positions of the `most` largest products of each row, of equal ones the first, in order."""
    counts = np.bincount(rows, minlength=1)
    if counts.max(initial=0) <= most:
        return np.arange(len(rows))
    order = np.lexsort((np.arange(len(rows)), -products, rows))
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    rank = np.arange(len(rows)) - starts[rows[order]]
    return np.sort(order[rank < most])


def _without(links: SceneLinks, copies: set[frozenset[int]]) -> SceneLinks:
    pairs = zip(links.first.tolist(), links.second.tolist(), strict=True)
    others = np.array([frozenset(pair) not in copies for pair in pairs], np.bool_)
    return SceneLinks(links.first[others], links.second[others], links.products[others])


def _rows(photos: Sequence[PhotoRow], first: Rows, second: Rows) -> list[DuplicateRow]:
    rows = []
    for start in range(0, len(first), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        left, right = ([photos[row] for row in side[part]] for side in (first, second))
        for one, other, distance, correlation in zip(left, right, *_likeness(left, right), strict=True):
            ahead, behind = sorted((one, other), key=lambda photo: photo.path)
            labels = (ahead.label, behind.label)
            rows.append(
                DuplicateRow(
                    ahead.path, behind.path, SAME_SCENE, distance, correlation, *labels, relation=Relation.SCENE.value
                )
            )
    return sorted(rows, key=lambda row: (row.first, row.second))


def _likeness(left: Sequence[PhotoRow], right: Sequence[PhotoRow]) -> tuple[list[int], list[float]]:
    """Bits between the hashes and correlation of the thumbnails, pair by pair, the better of plain and mirrored."""
    plain, mirrored, other = (
        np.array(hashes, dtype=np.int64).view(np.uint64)
        for hashes in ([one.phash for one in left], [one.mirrored_phash for one in left], [one.phash for one in right])
    )
    distances = np.minimum(np.bitwise_count(plain ^ other), np.bitwise_count(mirrored ^ other))
    ours, theirs = _thumbnails(left), _thumbnails(right)
    mirrored_ours = ours.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)[:, :, ::-1].reshape(ours.shape)
    likeness = np.maximum(correlations(ours, theirs), correlations(mirrored_ours, theirs))
    return distances.tolist(), likeness.tolist()


def _thumbnails(photos: Sequence[PhotoRow]) -> npt.NDArray[np.uint8]:
    pixels = b"".join(photo.thumbnail for photo in photos)
    return np.frombuffer(pixels, dtype=np.uint8).reshape(len(photos), -1)


def _blocks(count: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows such that a block of rows against all rows stays within bounded memory."""
    height = max(1, _COMPARISONS_AT_ONCE // max(count, 1))
    for start in range(0, count, height):
        yield start, min(start + height, count)
