"""Measures: what the bytes of a file tell of the photo in them, whatever the file's name, folder and batch."""

import hashlib
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import PIL
from PIL import features

from pipeline.core.hashing import sha256_of_file, sha256_of_value
from pipeline.photos import exif, fingerprints, quality, records
from pipeline.photos.fingerprints import Fingerprints
from pipeline.photos.listing import FoundFile
from pipeline.photos.quality import Quality
from pipeline.photos.records import PhotoRow
from serving import contract, metadata
from serving.contract import PhotoLimits, UnreadablePhoto, UprightPhoto

Measures = dict[str, Any]
"""Values of the columns of `PhotoRow` named in `MEASURED`."""

MEASURED = tuple(
    field.name for field in fields(PhotoRow) if field.name not in {told.name for told in fields(FoundFile)}
)
"""Columns that the bytes alone settle; the others tell where the file lies and what its batch says of it."""

NOTHING_MEASURED: Measures = {name: get_type_hints(PhotoRow)[name]() for name in MEASURED}
"""Of a file that holds no usable photo: zeros and empty texts."""

DECODED_SIDE = 1024
"""Pixels of the longer side that are enough to measure: a larger JPEG is decoded at a fraction of its size."""

MAKERS = (sys.modules[__name__], contract, exif, fingerprints, metadata, quality, records)
"""The code that makes measures."""

_DECODERS = ("libjpeg_turbo", "zlib", "webp")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def measure(data: bytes, limits: PhotoLimits) -> Measures:
    """Decode a photo, take its fingerprints and judge its pixels.

    Bytes that are no photo have an `error`, and nothing else beside `sha256` and `num_bytes`.

    Args:
        data: the bytes of a file.
        limits: checked before a photo is decoded.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    if not data:
        return unmeasured(sha256, 0, "empty file")
    try:
        photo = contract.read_upright_reduced(data, limits, DECODED_SIDE)
    except UnreadablePhoto as problem:
        # Decoders name objects by their address, which would differ from run to run.
        return unmeasured(sha256, len(data), _ADDRESS.sub("(address)", str(problem)))
    return {**unmeasured(sha256, len(data), ""), **_measured(photo)}


def unmeasured(sha256: str, num_bytes: int, error: str) -> Measures:
    """Measures of a file that holds no usable photo."""
    return {**NOTHING_MEASURED, "sha256": sha256, "num_bytes": num_bytes, "error": error}


def making_of_measures(limits: PhotoLimits) -> str:
    """Hash of all that shapes measures beside a file's bytes: this code, the libraries it decodes with, the limits.

    Equal hashes on two machines promise equal measures there.
    """
    sources = [sha256_of_file(Path(str(module.__file__))) for module in MAKERS]
    libraries = [PIL.__version__, np.__version__, *(features.version(name) for name in _DECODERS)]
    return sha256_of_value([*sources, *libraries, limits.max_bytes, limits.max_pixels])


def _measured(photo: UprightPhoto) -> Measures:
    image = quality.measurable(photo.image)
    pixels = np.asarray(image)
    grey = image.convert("L")
    detail = grey if image is photo.image else quality.detailed(photo.image)
    width, height = photo.size
    pixels_sha256 = hashlib.sha256(f"{width}x{height} ".encode())
    pixels_sha256.update(pixels.data)
    return {
        "format": photo.format,
        "mode": photo.mode,
        "orientation": photo.orientation,
        "width": width,
        "height": height,
        "pixels_sha256": pixels_sha256.hexdigest(),
        "camera_time": exif.taken_at(photo.exif),
        **_values(fingerprints.fingerprints_of(grey)),
        **_values(quality.quality_of(pixels, grey, detail)),
    }


def _values(result: Fingerprints | Quality) -> Measures:
    return {field: getattr(result, field) for field in result.__slots__}
