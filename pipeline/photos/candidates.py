"""Candidates: pairs of 64-bit hashes that differ in few bits, found exactly and in bounded memory.

Two hashes that differ in at most 7 bits differ in at most one bit in one of their four quarters, so that it is enough
to look up, quarter by quarter, the 17 values within one bit: time grows with the pairs that share a quarter, not with
all pairs. A few hundred hashes are compared one by one, which is quicker then.

Reference:
    Norouzi, Punjani, Fleet, "Fast Search in Hamming Space with Multi-Index Hashing", CVPR 2012, arXiv 1307.2982.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]

MAX_DISTANCE = 7
"""Bits; beyond, one bit per quarter is no longer enough."""

_QUARTERS = 4
_BITS = np.uint64(16)
_LOW = np.uint64(0xFFFF)
_COMPARISONS_AT_ONCE = 1 << 21
_FEW_COMPARISONS = 1 << 18
"""Up to so many pairs are compared one by one sooner than looked up."""


def near_pairs(left: Hashes, right: Hashes, max_distance: int) -> Iterator[tuple[Indices, Indices]]:
    """Find all pairs of a hash of `left` and one of `right` that differ in few bits; each pair comes once.

    Args:
        left: (n,) uint64.
        right: (m,) uint64.
        max_distance: bits, 0 to 7.

    Yields:
        `(rows of left, rows of right)`, arrays of one length, in blocks.

    Raises:
        ValueError: `max_distance` is out of range.
    """
    if not 0 <= max_distance <= MAX_DISTANCE:
        raise ValueError(f"max_distance is {max_distance}; 0 to {MAX_DISTANCE} can be searched")
    if len(left) * len(right) <= _FEW_COMPARISONS:
        near = np.bitwise_count(left[:, None] ^ right[None]) <= max_distance
        rows, others = np.nonzero(near)
        yield rows, others
        return
    for quarter in range(_QUARTERS):
        yield from _near_in_quarter(left, right, max_distance, quarter)


def _near_in_quarter(left: Hashes, right: Hashes, max_distance: int, quarter: int) -> Iterator[tuple[Indices, Indices]]:
    """Pairs with at most one bit between them in a quarter, and more than one in each quarter before."""
    keys = _quarter_of(right, quarter)
    order = np.argsort(keys, kind="stable")
    sorted_right = right[order]
    ends = np.cumsum(np.bincount(keys, minlength=1 << 16))
    starts = np.concatenate(([0], ends[:-1]))
    wanted = _quarter_of(left, quarter)
    for flip in (0, *(1 << bit for bit in range(16))):
        probe = wanted ^ np.uint16(flip)
        for rows, positions in _expanded(starts[probe], ends[probe]):
            difference = left[rows] ^ sorted_right[positions]
            near = np.flatnonzero(np.bitwise_count(difference) <= max_distance)
            near = near[~_found_before(difference[near], quarter)]
            if len(near):
                yield rows[near], order[positions[near]]


def _expanded(starts: Indices, ends: Indices) -> Iterator[tuple[Indices, Indices]]:
    """All positions from `starts` to `ends` of each row, with the row of each, so many at once as memory bears."""
    counts = ends - starts
    filled = np.flatnonzero(counts)
    through = np.cumsum(counts[filled])
    first = 0
    while first < len(filled):
        before = int(through[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(through, before + _COMPARISONS_AT_ONCE, side="right")))
        rows = filled[first:last]
        lengths = counts[rows]
        offsets = starts[rows] - (through[first:last] - lengths - before)
        total = int(through[last - 1]) - before
        yield np.repeat(rows, lengths), np.arange(total) + np.repeat(offsets, lengths)
        first = last


def _found_before(difference: Hashes, quarter: int) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(difference), dtype=np.bool_)
    for earlier in range(quarter):
        found |= np.bitwise_count(_quarter_of(difference, earlier)) <= 1
    return found


def _quarter_of(hashes: Hashes, quarter: int) -> npt.NDArray[np.uint16]:
    return ((hashes >> (_BITS * np.uint64(quarter))) & _LOW).astype(np.uint16)
