"""Copies: which photos show the same photo, whole or in part, mirrored or turned by a few degrees.

Hashes of views propose pairs; each pair is laid one over the other and must agree down to its fine detail. Hashes alone
confuse photos of one layout, large forms alone confuse silhouettes.
"""

import os
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from pipeline.core.parameters import CleanParameters
from pipeline.photos.alignment import Floats, agreement, align
from pipeline.photos.candidates import Hashes, near_pairs
from pipeline.photos.fingerprints import THUMBNAIL_SIDE, halved
from pipeline.photos.originals import FIRST, UNKNOWN, derived_one
from pipeline.photos.records import Relation
from pipeline.photos.sameness import is_same_photo, is_still, relation_of
from pipeline.photos.views import PARTIAL_PAIRINGS, PLAIN_PAIRINGS, Pairing, View, view_hashes

Thumbnails = npt.NDArray[np.uint8]
Candidates = npt.NDArray[np.int64]
"""(n, 4): row of the photo whose view is the pairing's first, row of the other, number of the pairing, bits."""

_PHOTOS_AT_ONCE = 1024
_PAIRS_AT_ONCE = 128
_TRIES = 3
"""Pairings from which the alignment of a pair is started before the pair is given up."""
_MIN_CONTRAST = 4.0
"""Variance of the greys: photos below show next to nothing, and are alike by bytes or pixels alone."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Two photos that are the same photo, by row, `first` < `second`."""

    first: int
    second: int
    relation: Relation
    hash_distance: int
    correlation: float
    derived: str
    """Which was made from the other: `first`, `second`, or empty where it cannot be told."""


def find_copies(thumbnails: Thumbnails, parameters: CleanParameters) -> list[Alike]:
    """Find all pairs of photos that are the same photo; the same for any number of processors.

    Args:
        thumbnails: (n, 2304) uint8 greys, one row of 48x48 per photo.
        parameters: thresholds.

    Returns:
        One entry per pair, in order of the rows.
    """
    pairings = PLAIN_PAIRINGS + (PARTIAL_PAIRINGS if parameters.partial_copies else ())
    telling = np.flatnonzero(_contrasts(thumbnails) >= _MIN_CONTRAST)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        hashes = _hashes(thumbnails[telling], pairings, threads)
        found = threads.map(partial(_candidates, hashes, pairings, parameters.max_hash_distance), range(len(pairings)))
        candidates = np.concatenate(list(found))
        candidates[:, :2] = telling[candidates[:, :2]]
        return _verified(thumbnails, candidates, pairings, parameters, threads)


def _contrasts(thumbnails: Thumbnails) -> npt.NDArray[np.float64]:
    """Variance of the greys of each photo."""
    blocks = [
        thumbnails[start : start + _PHOTOS_AT_ONCE].var(axis=1, dtype=np.float64)
        for start in range(0, len(thumbnails), _PHOTOS_AT_ONCE)
    ]
    return np.concatenate([np.zeros(0), *blocks])


def _hashes(thumbnails: Thumbnails, pairings: Sequence[Pairing], threads: Executor) -> dict[View, Hashes]:
    """Hashes of all views that the pairings need, each (n,)."""
    views = list(dict.fromkeys(view for pairing in pairings for view in (pairing.first, pairing.second)))
    blocks = [thumbnails[start : start + _PHOTOS_AT_ONCE] for start in range(0, len(thumbnails), _PHOTOS_AT_ONCE)]
    hashed = list(threads.map(partial(_block_hashes, views), blocks))
    table = np.concatenate([np.zeros((len(views), 0), dtype=np.uint64), *hashed], axis=1)
    return dict(zip(views, table, strict=True))


def _block_hashes(views: Sequence[View], thumbnails: Thumbnails) -> Hashes:
    small = halved(thumbnails.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)).reshape(len(thumbnails), -1)
    return np.stack([view_hashes(small, view) for view in views])


def _candidates(hashes: dict[View, Hashes], pairings: Sequence[Pairing], max_distance: int, number: int) -> Candidates:
    """Pairs with near hashes by one pairing; a pair in both orders where the pairing tells them apart."""
    pairing = pairings[number]
    left, right = hashes[pairing.first], hashes[pairing.second]
    blocks = [np.zeros((0, 4), dtype=np.int64)]
    for rows, others in near_pairs(left, right, max_distance):
        wanted = rows < others if pairing.is_symmetric else rows != others
        first, second = rows[wanted], others[wanted]
        bits = np.bitwise_count(left[first] ^ right[second])
        blocks.append(np.stack((first, second, np.full_like(first, number), bits.astype(np.int64)), axis=1))
    return np.concatenate(blocks)


def _verified(
    thumbnails: Thumbnails,
    candidates: Candidates,
    pairings: Sequence[Pairing],
    parameters: CleanParameters,
    threads: Executor,
) -> list[Alike]:
    """Align each pair, from the nearest hashes first, until it agrees or has no more chances."""
    found: list[Alike] = []
    for chance in _chances(candidates, len(thumbnails)):
        settled = {(one.first, one.second) for one in found}
        pairs = np.sort(chance[:, :2], axis=1).tolist()
        open_ones = chance[[(first, second) not in settled for first, second in pairs]]
        open_ones = open_ones[np.argsort(open_ones[:, 2], kind="stable")]
        blocks = [open_ones[start : start + _PAIRS_AT_ONCE] for start in range(0, len(open_ones), _PAIRS_AT_ONCE)]
        for alike in threads.map(partial(_aligned, thumbnails, pairings, parameters), blocks):
            found += alike
    return sorted(found, key=lambda one: (one.first, one.second))


def _chances(candidates: Candidates, num_photos: int) -> list[Candidates]:
    """The nearest candidate of every pair, then the second nearest, and so on."""
    pair = candidates[:, :2].min(axis=1) * num_photos + candidates[:, :2].max(axis=1)
    order = np.lexsort((candidates[:, 0], candidates[:, 2], candidates[:, 3], pair))
    pair, candidates = pair[order], candidates[order]
    begins = np.concatenate((np.ones(min(len(pair), 1), dtype=np.bool_), pair[1:] != pair[:-1]))
    positions = np.arange(len(pair))
    rank = positions - np.maximum.accumulate(np.where(begins, positions, 0))
    return [candidates[rank == chance] for chance in range(_TRIES)]


def _aligned(
    thumbnails: Thumbnails, pairings: Sequence[Pairing], parameters: CleanParameters, block: Candidates
) -> list[Alike]:
    """Those of a block of candidates that are the same photo."""
    chosen = [pairings[number] for number in block[:, 2]]
    mirrored = np.array([pairing.first.mirrored for pairing in chosen], dtype=np.bool_)
    first, second = _greys(thumbnails, block[:, 0], mirrored), _greys(thumbnails, block[:, 1], np.zeros_like(mirrored))
    region = np.stack([pairing.region() for pairing in chosen])
    placement = np.stack([pairing.start() for pairing in chosen])
    same = np.zeros(len(block), dtype=np.bool_)
    correlation = np.zeros(len(block), dtype=np.float32)
    # Most copies show the whole photo: they need no alignment, which is slow.
    for tried, moves in ((is_still(placement), False), (np.ones_like(same), True)):
        rows = np.flatnonzero(tried & ~same)
        if moves:
            placement[rows] = align(first[rows], second[rows], placement[rows], region[rows])
        agreed = agreement(first[rows], second[rows], placement[rows], region[rows])
        same[rows], correlation[rows] = is_same_photo(agreed, placement[rows], parameters), agreed.correlation
    return [
        Alike(
            first=int(block[row, :2].min()),
            second=int(block[row, :2].max()),
            relation=relation_of(chosen[row], placement[row]),
            hash_distance=int(block[row, 3]),
            correlation=round(float(correlation[row]), 4),
            derived=_derived(block[row], derived_one(first[row], second[row], placement[row], region[row])),
        )
        for row in np.flatnonzero(same)
    ]


def _greys(thumbnails: Thumbnails, rows: npt.NDArray[np.int64], mirrored: npt.NDArray[np.bool_]) -> Floats:
    greys = thumbnails[rows].astype(np.float32)
    squares = greys[mirrored].reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    greys[mirrored] = squares[:, :, ::-1].reshape(len(squares), thumbnails.shape[1])
    return greys


def _derived(candidate: Candidates, made: int) -> str:
    if made == UNKNOWN:
        return ""
    is_of_lower_row = (made == FIRST) == (candidate[0] < candidate[1])
    return "first" if is_of_lower_row else "second"
