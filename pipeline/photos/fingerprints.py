"""Fingerprints: what tells that two files show the same photo, whatever their bytes.

Everything is computed in whole numbers, so that a photo has the same fingerprints on every machine.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

THUMBNAIL_SIDE = 32
_LOW_FREQUENCIES = 8
_COSINE_SCALE = 1 << 14


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What is compared between photos; each hash is 64 bits, stored as a signed integer."""

    phash: int
    mirrored_phash: int
    dhash: int
    thumbnail: bytes
    """32x32 uint8 greys, row by row."""


def fingerprints_of(grey: Image.Image) -> Fingerprints:
    """Compute the fingerprints of an upright photo.

    Args:
        grey: mode L, upright, any size.
    """
    thumbnail = grey.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(thumbnail)
    gradient = np.asarray(grey.resize((9, 8), Image.Resampling.LANCZOS))
    return Fingerprints(
        phash=perceptual_hash(pixels),
        mirrored_phash=perceptual_hash(pixels[:, ::-1]),
        dhash=_packed(gradient[:, 1:] > gradient[:, :-1]),
        thumbnail=thumbnail.tobytes(),
    )


def perceptual_hash(pixels: npt.NDArray[np.uint8]) -> int:
    """Hash the lowest 8x8 frequencies of a discrete cosine transform: each bit tells which exceed their median.

    Args:
        pixels: (32, 32) uint8 greys in [0, 255].

    Returns:
        The 64 bits as a signed integer, lowest frequency in the highest bit.

    Reference:
        Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010.
    """
    # Whole numbers below 2**53 are exact in float64, so the order in which a library adds them up changes nothing.
    frequencies = _COSINES @ pixels.astype(np.float64) @ _COSINES.T
    in_order = np.sort(frequencies, axis=None)
    middle = frequencies.size // 2
    return _packed(2 * frequencies > in_order[middle - 1] + in_order[middle])


def _cosines() -> npt.NDArray[np.float64]:
    frequency = np.arange(_LOW_FREQUENCIES)[:, None]
    position = np.arange(THUMBNAIL_SIDE)[None, :]
    cosines = np.cos(np.pi * frequency * (2 * position + 1) / (2 * THUMBNAIL_SIDE))
    return np.round(cosines * _COSINE_SCALE)


def _packed(bits: npt.NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


_COSINES = _cosines()
