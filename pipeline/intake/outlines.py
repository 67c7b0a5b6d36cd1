"""Outlines: what a label file marks on a photo, and the pixel mask that is drawn of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipeline.core.hashing import sha256_of_value
from serving.contract import PhotoLimits

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

_EDGES_AT_ONCE = 1024
_RUN_BITS = 5
"""Bits of a run's length that one sign of COCO's text holds, beside the one that says whether more follow."""
_FIRST_SIGN, _LAST_SIGN = 48, 111
_MAX_SIGNS = 8
_CHANNELS = 4
_WORD_BITS = 8


class Shape(Protocol):
    """Something that is marked on a photo."""

    def marked(self, width: int, height: int) -> Mask:
        """The pixels that it marks, (height, width) bool.

        Raises:
            ValueError: it does not fit a photo of this size; the message is one line for people.
        """

    def told(self) -> list[float] | list[int] | str:
        """What the label file says of it, to tell one outline from another."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed line: x and y of its corners in turn, in pixels from the upper left corner of the photo."""

    corners: tuple[float, ...]

    def marked(self, width: int, height: int) -> Mask:
        """Pixels whose middle lies inside by the even-odd rule, and those that the line passes through.

        Without the latter, thin cracks would fall between the middles. What lies outside the photo is moved to its
        border.
        """
        if len(self.corners) % 2:
            raise ValueError(f"a polygon has {len(self.corners)} coordinates, which are no pairs of x and y")
        mask = np.zeros((height, width), bool)
        points = np.clip(np.reshape(np.asarray(self.corners, np.float64), (-1, 2)), 0, (width, height))
        if not len(points):
            return mask
        left, top = points.min(axis=0).astype(int)
        right, bottom = np.ceil(points.max(axis=0)).astype(int)
        # In the frame around it alone, since most are small beside their photo.
        frame = mask[top:bottom, left:right]
        edges = np.hstack([points, np.roll(points, -1, axis=0)]) - np.tile((left, top), 2)
        for first in range(0, len(edges), _EDGES_AT_ONCE):
            _flip_right_of(frame, edges[first : first + _EDGES_AT_ONCE])
        np.logical_xor.accumulate(frame, axis=1, out=frame)
        for first in range(0, len(edges), _EDGES_AT_ONCE):
            _mark_along(frame, edges[first : first + _EDGES_AT_ONCE])
        return mask

    def told(self) -> list[float]:
        """Its corners."""
        return list(self.corners)


@dataclass(frozen=True, slots=True)
class Runs:
    """COCO's run lengths, down each column in turn: unmarked and marked pixels alternate, unmarked ones first."""

    size: tuple[int, int]
    """Height and width."""
    counts: str | tuple[int, ...]
    """The lengths, or the text that COCO packs them into."""

    def marked(self, width: int, height: int) -> Mask:
        """The pixels of every second run."""
        if self.size != (height, width):
            raise ValueError(f"run lengths are for {self.size[1]}x{self.size[0]} pixels, not for {width}x{height}")
        counts = list(_lengths_in(self.counts)) if isinstance(self.counts, str) else self.counts
        if min(counts, default=0) < 0 or sum(counts) != width * height:
            raise ValueError(f"run lengths cover {sum(counts)} pixels of {width * height}")
        flags = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        return flags.reshape(width, height).T

    def told(self) -> list[int] | str:
        """Its lengths, as they came."""
        return self.counts if isinstance(self.counts, str) else list(self.counts)


@dataclass(frozen=True, slots=True)
class Brush:
    """Label Studio's strokes: four channels of a picture, packed bit by bit; the last channel marks."""

    packed: bytes

    def marked(self, width: int, height: int) -> Mask:
        """The pixels that are more than half opaque."""
        bits = _Bits(self.packed)
        num_words, word_bits = bits.read(32), bits.read(5) + 1
        if num_words != _CHANNELS * width * height or word_bits != _WORD_BITS:
            raise ValueError(f"strokes are of {num_words} words of {word_bits} bits, not of {width}x{height} pixels")
        length_bits = [bits.read(4) + 1 for _ in range(4)]
        words = np.zeros(num_words, np.uint8)
        at = 0
        while at < num_words:
            is_run = bits.read(1)
            end = at + 1 + bits.read(length_bits[bits.read(2)])
            if end > num_words:
                raise ValueError("strokes go beyond the photo")
            words[at:end] = bits.read(_WORD_BITS) if is_run else bits.read_words(end - at)
            at = end
        return words[_CHANNELS - 1 :: _CHANNELS].reshape(height, width) > 127

    def told(self) -> str:
        """Its bytes in hexadecimal."""
        return self.packed.hex()


@dataclass(frozen=True, slots=True)
class Outline:
    """All that is marked on one photo."""

    width: int
    """Of the photo that it was marked on, in pixels."""
    height: int
    shapes: tuple[Shape, ...]

    def mask(self, max_pixels: int = PhotoLimits().max_pixels) -> Mask:
        """The pixels that any of the shapes marks, (height, width) bool.

        Args:
            max_pixels: of a photo, at least 1; a mask of a larger one is not drawn.

        Raises:
            ValueError: a shape does not fit the photo, or the photo is beyond the limits.
        """
        if min(self.width, self.height) < 1 or prod((self.width, self.height)) > max_pixels:
            raise ValueError(f"the photo is said to be {self.width}x{self.height}; at most {max_pixels:,} pixels")
        mask = np.zeros((self.height, self.width), bool)
        for shape in self.shapes:
            mask |= shape.marked(self.width, self.height)
        return mask

    def sha256(self) -> str:
        """Hash of what it was drawn from, which no library that draws or writes pictures can change."""
        shapes = [[type(shape).__name__, shape.told()] for shape in self.shapes]
        return sha256_of_value({"size": [self.width, self.height], "shapes": shapes})


def _flip_right_of(frame: Mask, edges: Floats) -> None:
    """Flip, in every row whose middle an edge crosses, the first pixel whose middle lies right of the crossing."""
    x, y, next_x, next_y = edges.T
    first = np.ceil(np.minimum(y, next_y) - 0.5).astype(int)
    counts = np.ceil(np.maximum(y, next_y) - 0.5).astype(int) - first
    edge, step = _repeated(counts)
    rows = first[edge] + step
    crossings = x[edge] + (rows + 0.5 - y[edge]) * (next_x - x)[edge] / (next_y - y)[edge]
    columns = np.ceil(crossings - 0.5).astype(int)
    inside = columns < frame.shape[1]
    np.logical_xor.at(frame, (rows[inside], columns[inside]), True)


def _mark_along(frame: Mask, edges: Floats) -> None:
    """Mark the pixels that edges pass through; an edge that runs between two rows of pixels marks neither."""
    x, y, next_x, next_y = edges.T
    counts = np.ceil(2 * np.maximum(abs(next_x - x), abs(next_y - y))).astype(int) + 1
    edge, step = _repeated(counts)
    share = (step + 0.5) / counts[edge]
    xs, ys = x[edge] + share * (next_x - x)[edge], y[edge] + share * (next_y - y)[edge]
    columns, rows = xs.astype(int), ys.astype(int)
    within = (columns != xs) & (rows != ys) & (columns < frame.shape[1]) & (rows < frame.shape[0])
    frame[rows[within], columns[within]] = True


def _repeated(counts: npt.NDArray[np.int_]) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """Each index as often as counted, and beside it 0, 1, 2 and so on."""
    index = np.repeat(np.arange(len(counts)), counts)
    return index, np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)


def _lengths_in(text: str) -> Iterator[int]:
    """Unpack run lengths: five bits to a sign, lowest first; from the fourth on, the change since the last but one."""
    lengths: list[int] = []
    for value in _values_in(text):
        length = value + (lengths[-2] if len(lengths) > 2 else 0)
        lengths.append(length)
        yield length


def _values_in(text: str) -> Iterator[int]:
    value = shift = 0
    for sign in text.encode():
        if not _FIRST_SIGN <= sign <= _LAST_SIGN or shift >= _MAX_SIGNS * _RUN_BITS:
            raise ValueError("run lengths are packed into signs that COCO does not use")
        bits = sign - _FIRST_SIGN
        value |= (bits & 0x1F) << shift
        shift += _RUN_BITS
        if not bits & 0x20:
            yield value - (1 << shift) if bits & 0x10 else value
            value = shift = 0
    if shift:
        raise ValueError("run lengths end in the midst of a number")


class _Bits:
    """Bytes read bit by bit, highest first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, num_bits: int) -> int:
        first, skipped = self._advance(num_bits)
        taken = self._data[first : (self._at + 7) // 8]
        return int.from_bytes(taken) >> (8 * len(taken) - skipped - num_bits) & ((1 << num_bits) - 1)

    def read_words(self, num_words: int) -> npt.NDArray[np.uint8]:
        first, skipped = self._advance(num_words * _WORD_BITS)
        taken = np.frombuffer(self._data[first : first + num_words + 1].ljust(num_words + 1, b"\0"), np.uint8)
        shifted = (taken[:-1].astype(np.uint16) << 8 | taken[1:]) >> (8 - skipped)
        return shifted.astype(np.uint8)

    def _advance(self, num_bits: int) -> tuple[int, int]:
        first, skipped = divmod(self._at, 8)
        self._at += num_bits
        if self._at > 8 * len(self._data):
            raise ValueError("strokes end too early")
        return first, skipped
