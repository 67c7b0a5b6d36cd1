"""Random whole numbers that are the same on every machine and for every version of NumPy."""

import hashlib
import math

import numpy as np
import numpy.typing as npt

Grid = npt.NDArray[np.int32]
"""A plane of whole numbers, `[height, width]`; colours are `[3, height, width]`."""

Mask = npt.NDArray[np.bool_]
"""Pixels of a photo, such as the damaged ones, bool `[height, width]`."""

Pixels = npt.NDArray[np.uint8]
"""An RGB photo, uint8 `[height, width, 3]`."""

_WORD = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_FIRST_FACTOR = 0xBF58476D1CE4E5B9
_SECOND_FACTOR = 0x94D049BB133111EB


class Stream:
    """A stream of random whole numbers, fixed by its keys alone.

    NumPy keeps the right to change the streams of its own generators (NEP 19), hence this small one.

    Args:
        keys: words and numbers that name the stream, such as seed, batch and photo.

    Reference:
        Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (SplitMix64).
    """

    def __init__(self, *keys: str | int) -> None:
        digest = hashlib.sha256("/".join(str(key) for key in keys).encode()).digest()
        self._keys = keys
        self._state = int.from_bytes(digest[:8], "big")

    def child(self, *keys: str | int) -> "Stream":
        """The stream of this one's keys and some more; what was drawn from this one before does not matter."""
        return Stream(*self._keys, *keys)

    def between(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        self._state = (self._state + _STEP) & _WORD
        word = self._state
        word = ((word ^ (word >> 30)) * _FIRST_FACTOR) & _WORD
        word = ((word ^ (word >> 27)) * _SECOND_FACTOR) & _WORD
        return low + (((word ^ (word >> 31)) >> 32) * (high - low + 1) >> 32)

    def chance(self, percent: int) -> bool:
        """True in `percent` of 100 draws."""
        return self.between(0, 99) < percent

    def sign(self) -> int:
        """Either -1 or 1."""
        return 1 if self.chance(50) else -1

    def grid(self, low: int, high: int, shape: tuple[int, ...]) -> Grid:
        """Numbers from `low` to `high`, both included, in an int32 array; the same that `between` would give."""
        count = math.prod(shape)
        word = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_STEP) + np.uint64(self._state)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(_FIRST_FACTOR)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(_SECOND_FACTOR)
        word = (word ^ (word >> np.uint64(31))) >> np.uint64(32)
        self._state = (self._state + count * _STEP) & _WORD
        spread = (word * np.uint64(high - low + 1)) >> np.uint64(32)
        return (spread.astype(np.int64) + low).astype(np.int32).reshape(shape)
