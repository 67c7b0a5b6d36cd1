"""Fingerprints: what tells that two files show the same photo, whatever their bytes.

Everything is computed in whole numbers, so that a photo has the same fingerprints on every machine.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

THUMBNAIL_SIDE = 48
HASHED_SIDE = 24
"""Hashes are taken of the thumbnail with each 2x2 pixels added up: they only hear low frequencies."""

NUM_FREQUENCIES = 64
_LOW_FREQUENCIES = 8
_COSINE_SCALE = 1 << 14


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What is compared between photos; each hash is 64 bits, stored as a signed integer."""

    phash: int
    mirrored_phash: int
    dhash: int
    thumbnail: bytes
    """48x48 uint8 greys, row by row."""


def fingerprints_of(grey: Image.Image) -> Fingerprints:
    """Compute the fingerprints of an upright photo.

    Args:
        grey: mode L, upright, any size.
    """
    # Large photos are first reduced by a whole factor, which is much faster and leaves the filter enough to work on.
    thumbnail = grey.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    frequencies = _frequencies(np.asarray(thumbnail))
    gradient = np.asarray(thumbnail.resize((9, 8), Image.Resampling.BOX))
    return Fingerprints(
        phash=_packed(_above_median(frequencies)),
        mirrored_phash=_packed(_above_median(frequencies * _MIRROR)),
        dhash=_packed((gradient[:, 1:] > gradient[:, :-1]).ravel()),
        thumbnail=thumbnail.tobytes(),
    )


def perceptual_hash(pixels: npt.NDArray[np.uint8]) -> int:
    """Hash the lowest 8x8 frequencies of a discrete cosine transform: each bit tells which exceed their median.

    Args:
        pixels: (48, 48) uint8 greys in [0, 255].

    Returns:
        The 64 bits as a signed integer, lowest frequency in the highest bit.

    Reference:
        Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010.
    """
    return _packed(_above_median(_frequencies(pixels)))


def halved(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Add up each 2x2 pixels.

    Args:
        pixels: (..., 48, 48) uint8 greys in [0, 255].

    Returns:
        (..., 24, 24) float64 whole numbers in [0, 1020].
    """
    sums = pixels[..., ::2, :].astype(np.float64)
    sums += pixels[..., 1::2, :]
    return sums[..., ::2] + sums[..., 1::2]


def hashes_of(frequencies: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Hash many photos at once, as `perceptual_hash` does one.

    Args:
        frequencies: (n, 64) float64, one row per photo.

    Returns:
        (n,) uint64, lowest frequency in the highest bit.
    """
    return np.packbits(_above_median(frequencies), axis=1).view(">u8").astype(np.uint64).ravel()


def cosines() -> npt.NDArray[np.float64]:
    """(8, 24) float64 whole numbers: one row of the cosine transform per frequency."""
    frequency = np.arange(_LOW_FREQUENCIES)[:, None]
    position = np.arange(HASHED_SIDE)[None, :]
    waves = np.cos(np.pi * frequency * (2 * position + 1) / (2 * HASHED_SIDE))
    scaled: npt.NDArray[np.float64] = np.round(waves * _COSINE_SCALE)
    return scaled


def _frequencies(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    # Whole numbers below 2**53 are exact in float64, so the order in which a library adds them up changes nothing.
    return (_COSINES @ halved(pixels) @ _COSINES.T).ravel()


def _above_median(frequencies: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    in_order = np.sort(frequencies, axis=-1)
    middle = NUM_FREQUENCIES // 2
    above: npt.NDArray[np.bool_] = 2 * frequencies > in_order[..., middle - 1, None] + in_order[..., middle, None]
    return above


def _packed(bits: npt.NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


_COSINES = cosines()
_MIRROR = np.tile([1.0, -1.0], NUM_FREQUENCIES // 2)
"""Mirroring a photo turns the sign of every odd frequency along its rows."""
