"""Copies: which photos show the same photo, whole or in part, mirrored or turned by a few degrees.

Hashes of views propose pairs; each pair is laid one over the other and must agree down to its fine detail. Hashes alone
confuse photos of one layout, large forms alone confuse silhouettes.
"""

import os
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from pipeline.core.parameters import CleanParameters
from pipeline.photos.alignment import agreement, agreement_in_place, align
from pipeline.photos.candidates import Hashes, near_pairs
from pipeline.photos.fingerprints import THUMBNAIL_SIDE, halved
from pipeline.photos.originals import FIRST, UNKNOWN, derived_one
from pipeline.photos.records import Relation
from pipeline.photos.sameness import is_same_photo, is_still, relation_of
from pipeline.photos.sampling import Flags, Floats
from pipeline.photos.views import PARTIAL_PAIRINGS, PLAIN_PAIRINGS, Pairing, View, view_hashes

Thumbnails = npt.NDArray[np.uint8]
Candidates = npt.NDArray[np.int32]
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


@dataclass(frozen=True)
class Compared:
    """Photos that were compared with one another, and what was found."""

    keys: Sequence[str]
    """What each photo is told by; equal keys have equal thumbnails."""
    hashes: Hashes
    """(views, n) uint64: hashes of every view that was compared."""
    pairs: Sequence[Alike]
    """By row of `keys`, in order."""


def find_copies(
    keys: Sequence[str], thumbnails: Thumbnails, parameters: CleanParameters, before: Compared | None = None
) -> Compared:
    """Find all pairs of photos that are the same photo; the same for any number of processors.

    Args:
        keys: of n photos, ascending, without repeats.
        thumbnails: (n, 2304) uint8 greys, one row of 48x48 per photo.
        parameters: thresholds.
        before: what the same code found with the same parameters; photos of it are not compared again with each
            other, and the result is the same as without it.
    """
    pairings = PLAIN_PAIRINGS + (PARTIAL_PAIRINGS if parameters.partial_copies else ())
    row_before = {key: row for row, key in enumerate(before.keys)} if before else {}
    known = np.array([row_before.get(key, -1) for key in keys], dtype=np.int64)
    # One thread each: many small products are shared out here, and threads of two kinds would wait for one another.
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as threads:
        hashes = _hashes(thumbnails, pairings, known, before, threads)
        search = _Search(thumbnails, pairings, hashes, known < 0, parameters, threads)
        found = search.run(range(len(PLAIN_PAIRINGS)), [])
        found += search.run(range(len(PLAIN_PAIRINGS), len(pairings)), found)
    row_now = {int(old): row for row, old in enumerate(known) if old >= 0}
    kept = [
        replace(pair, first=row_now[pair.first], second=row_now[pair.second])
        for pair in (before.pairs if before else ())
        if pair.first in row_now and pair.second in row_now
    ]
    return Compared(keys, hashes, sorted(found + kept, key=lambda pair: (pair.first, pair.second)))


def _views(pairings: Sequence[Pairing]) -> dict[View, int]:
    """All views of the pairings, with their rows in the table of hashes."""
    views = dict.fromkeys(view for pairing in pairings for view in (pairing.first, pairing.second))
    return {view: row for row, view in enumerate(views)}


def _hashes(
    thumbnails: Thumbnails,
    pairings: Sequence[Pairing],
    known: npt.NDArray[np.int64],
    before: Compared | None,
    threads: Executor,
) -> Hashes:
    """Hashes of all views that the pairings need, (views, n)."""
    views = list(_views(pairings))
    hashes = np.zeros((len(views), len(thumbnails)), dtype=np.uint64)
    if before:
        hashes[:, known >= 0] = before.hashes[:, known[known >= 0]]
    new = np.flatnonzero(known < 0)
    blocks = [new[start : start + _PHOTOS_AT_ONCE] for start in range(0, len(new), _PHOTOS_AT_ONCE)]
    for rows, found in zip(blocks, threads.map(partial(_block_hashes, views, thumbnails), blocks), strict=True):
        hashes[:, rows] = found
    return hashes


def _block_hashes(views: Sequence[View], thumbnails: Thumbnails, rows: npt.NDArray[np.int64]) -> Hashes:
    squares = thumbnails[rows].reshape(len(rows), THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    small = halved(squares).reshape(len(rows), -1)
    return np.stack([view_hashes(small, view) for view in views])


class _Search:
    """A search among some photos, of which some are new."""

    def __init__(
        self,
        thumbnails: Thumbnails,
        pairings: Sequence[Pairing],
        hashes: Hashes,
        is_new: npt.NDArray[np.bool_],
        parameters: CleanParameters,
        threads: Executor,
    ) -> None:
        self._thumbnails, self._pairings, self._hashes = thumbnails, pairings, hashes
        self._parameters, self._threads = parameters, threads
        telling = _contrasts(thumbnails) >= _MIN_CONTRAST
        self._new, self._old = np.flatnonzero(telling & is_new), np.flatnonzero(telling & ~is_new)

    def run(self, numbers: Sequence[int], settled: Sequence[Alike]) -> list[Alike]:
        """Search by some of the pairings for pairs, one of them new, that are not settled yet."""
        blocks = self._threads.map(partial(self._candidates, _codes_of(settled)), numbers)
        candidates = np.concatenate([np.zeros((0, 4), dtype=np.int32), *blocks])
        found: list[Alike] = []
        for chance in _chances(candidates):
            left = chance[~np.isin(_codes(chance), _codes_of(found))]
            left = left[np.argsort(left[:, 2], kind="stable")]
            parts = [left[start : start + _PAIRS_AT_ONCE] for start in range(0, len(left), _PAIRS_AT_ONCE)]
            aligned = partial(_aligned, self._thumbnails, self._pairings, self._parameters)
            for alike in self._threads.map(aligned, parts):
                found += alike
        return found

    def _candidates(self, settled: npt.NDArray[np.int64], number: int) -> Candidates:
        """Pairs with near hashes by one pairing, in both orders.

        Even where both views are the same, it matters a little which photo is laid over which.
        """
        pairing, views = self._pairings[number], _views(self._pairings)
        left, right = self._hashes[views[pairing.first]], self._hashes[views[pairing.second]]
        blocks = [np.zeros((0, 4), dtype=np.int32)]
        everything = np.concatenate((self._new, self._old))
        for rows, others in ((self._new, everything), (self._old, self._new)):
            for near, beside in near_pairs(left[rows], right[others], self._parameters.max_hash_distance):
                first, second = rows[near], others[beside]
                bits = np.bitwise_count(left[first] ^ right[second])
                block = np.stack((first, second, np.full_like(first, number), bits), axis=1).astype(np.int32)
                block = block[first != second]
                blocks.append(block[~np.isin(_codes(block), settled)])
        return np.concatenate(blocks)


def _contrasts(thumbnails: Thumbnails) -> npt.NDArray[np.float64]:
    """Variance of the greys of each photo."""
    contrasts, size = np.zeros(len(thumbnails)), thumbnails.shape[1]
    for start in range(0, len(thumbnails), _PAIRS_AT_ONCE):
        greys = thumbnails[start : start + _PAIRS_AT_ONCE].astype(np.int32)
        squares, totals = np.einsum("ij,ij->i", greys, greys).astype(np.int64), greys.sum(axis=1, dtype=np.int64)
        contrasts[start : start + _PAIRS_AT_ONCE] = (size * squares - totals * totals) / size**2
    return contrasts


def _codes(candidates: Candidates) -> npt.NDArray[np.int64]:
    """One number per pair of photos, in whichever order."""
    pair = candidates[:, :2].astype(np.int64)
    codes: npt.NDArray[np.int64] = (pair.min(axis=1) << 32) + pair.max(axis=1)
    return codes


def _codes_of(pairs: Sequence[Alike]) -> npt.NDArray[np.int64]:
    return np.array([(pair.first << 32) + pair.second for pair in pairs], dtype=np.int64)


def _chances(candidates: Candidates) -> list[Candidates]:
    """The nearest candidate of every pair, then the second nearest, and so on."""
    pair = _codes(candidates)
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
    same, correlation = _same_in_place(first, second, placement, region, parameters)
    rows = np.flatnonzero(~same)
    if len(rows):
        placement[rows] = align(first[rows], second[rows], placement[rows], region[rows])
        agreed = agreement(first[rows], second[rows], placement[rows], region[rows])
        same[rows], correlation[rows] = is_same_photo(agreed, placement[rows], parameters), agreed.correlation
    found = []
    for row in np.flatnonzero(same):
        relation = relation_of(chosen[row], placement[row])
        is_whole = relation == Relation.SAME
        made = UNKNOWN if is_whole else derived_one(first[row], second[row], placement[row], region[row])
        ahead, behind = sorted(block[row, :2].tolist())
        correlated = round(float(correlation[row]), 4)
        found.append(Alike(ahead, behind, relation, int(block[row, 3]), correlated, _derived(block[row], made)))
    return found


def _same_in_place(
    first: Floats, second: Floats, placement: Floats, region: Flags, parameters: CleanParameters
) -> tuple[Flags, Floats]:
    """Which pairs are the same photo without being aligned, which is slow, and their correlations.

    Most copies show the whole photo, and of most of those no pixel need be left out.
    """
    same, correlation = np.zeros(len(first), dtype=np.bool_), np.zeros(len(first), dtype=np.float32)
    still = is_still(placement)
    for quick in (True, False):
        rows = np.flatnonzero(still & ~same)
        if len(rows):
            pairs = first[rows], second[rows]
            agreed = (
                agreement_in_place(*pairs, region[rows]) if quick else agreement(*pairs, placement[rows], region[rows])
            )
            same[rows], correlation[rows] = is_same_photo(agreed, placement[rows], parameters), agreed.correlation
    return same, correlation


def _greys(thumbnails: Thumbnails, rows: npt.NDArray[np.int32], mirrored: npt.NDArray[np.bool_]) -> Floats:
    greys = thumbnails[rows].astype(np.float32)
    squares = greys[mirrored].reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    greys[mirrored] = squares[:, :, ::-1].reshape(len(squares), thumbnails.shape[1])
    return greys


def _derived(candidate: Candidates, made: int) -> str:
    if made == UNKNOWN:
        return ""
    is_of_lower_row = (made == FIRST) == (candidate[0] < candidate[1])
    return "first" if is_of_lower_row else "second"
