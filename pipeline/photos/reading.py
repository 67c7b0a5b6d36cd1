"""Reading: each file found is opened and decoded once, and becomes one row."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline.core.hashing import sha256_of_file
from pipeline.photos.exif import taken_at
from pipeline.photos.fingerprints import fingerprints_of
from pipeline.photos.listing import FoundFile
from pipeline.photos.quality import detailed, measurable, quality_of
from pipeline.photos.records import PhotoRow
from serving.contract import PhotoLimits, UnreadablePhoto, UprightPhoto, read_upright

_FILES_PER_TASK = 64
_NOTHING_READ = hashlib.sha256(b"").hexdigest()
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def read_photos(root: Path, files: Sequence[FoundFile], limits: PhotoLimits, executor: Executor) -> Iterator[PhotoRow]:
    """Read files by the executor's workers; rows come in the order of the files, whatever the number of workers.

    Args:
        root: the checkout.
        files: what `list_files` found.
        limits: checked before a photo is decoded.
        executor: threads or processes.
    """
    tasks = [files[start : start + _FILES_PER_TASK] for start in range(0, len(files), _FILES_PER_TASK)]
    for rows in executor.map(partial(_read_task, root, limits), tasks):
        yield from rows


def read_photo(root: Path, file: FoundFile, limits: PhotoLimits) -> PhotoRow:
    """Read one file: hash its bytes, decode it, take its fingerprints and measures.

    A file that cannot be used becomes a row with its `error`; where not even its bytes could be read, `sha256` is
    that of no bytes.
    """
    if file.problem:
        return _unreadable(file, _NOTHING_READ, 0, file.problem)
    location = root / file.path
    try:
        num_bytes = location.stat().st_size
        if num_bytes > limits.max_bytes:
            error = f"{num_bytes:,} bytes; at most {limits.max_bytes:,} are accepted"
            return _unreadable(file, sha256_of_file(location), num_bytes, error)
        data = location.read_bytes()
    except OSError as problem:
        return _unreadable(file, _NOTHING_READ, 0, f"cannot be read: {problem.strerror}")
    sha256 = hashlib.sha256(data).hexdigest()
    if not data:
        return _unreadable(file, sha256, 0, "empty file")
    try:
        photo = read_upright(data, limits)
    except UnreadablePhoto as problem:
        # Decoders name objects by their address, which would differ from run to run.
        return _unreadable(file, sha256, len(data), _ADDRESS.sub("(address)", str(problem)))
    return _measured(_unreadable(file, sha256, len(data), ""), photo)


def _read_task(root: Path, limits: PhotoLimits, files: Sequence[FoundFile]) -> list[PhotoRow]:
    return [read_photo(root, file, limits) for file in files]


def _unreadable(file: FoundFile, sha256: str, num_bytes: int, error: str) -> PhotoRow:
    return PhotoRow(
        path=file.path,
        batch=file.batch,
        label=file.label,
        sha256=sha256,
        num_bytes=num_bytes,
        error=error,
        format="",
        mode="",
        orientation=0,
        width=0,
        height=0,
        phash=0,
        mirrored_phash=0,
        dhash=0,
        thumbnail=b"",
        brightness_low=0.0,
        brightness_high=0.0,
        entropy=0.0,
        sharpness=0.0,
        colourfulness=0.0,
        group=file.group,
        mask=file.mask,
        url=file.url,
        licence=file.licence,
        author=file.author,
        taken_at=file.taken_at,
        site=file.site,
    )


def _measured(row: PhotoRow, photo: UprightPhoto) -> PhotoRow:
    image = measurable(photo.image)
    grey = image.convert("L")
    fingerprints = fingerprints_of(grey)
    quality = quality_of(image, grey, detailed(photo.image))
    camera_time = taken_at(photo.exif)
    return replace(
        row,
        format=photo.format,
        mode=photo.mode,
        orientation=photo.orientation,
        width=photo.image.width,
        height=photo.image.height,
        phash=fingerprints.phash,
        mirrored_phash=fingerprints.mirrored_phash,
        dhash=fingerprints.dhash,
        thumbnail=fingerprints.thumbnail,
        brightness_low=quality.brightness_low,
        brightness_high=quality.brightness_high,
        entropy=quality.entropy,
        sharpness=quality.sharpness,
        colourfulness=quality.colourfulness,
        taken_at=row.taken_at or camera_time,
        camera_time=camera_time,
    )
