"""The folder of a batch: photos by label, their masks and originals, copied byte for byte."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from pipeline.core.hashing import sha256_of_file, sha256_of_value
from pipeline.core.progress import with_progress
from pipeline.intake.converting import is_convertible
from pipeline.intake.photo_kinds import HEAD_BYTES
from pipeline.intake.source_tables import PhotoLine
from pipeline.intake.sources import SourcePart
from pipeline.photos.listing import MASKS, ORIGINALS, UNLABELLED
from pipeline.photos.records import Batch

_CONTROL_SIGN = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class _Copied:
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class BroughtPhoto:
    """A photo of a batch, as its file lies in the batch's folder."""

    name: str
    """Path in the source, for people."""
    line: PhotoLine
    """Its line of `photos.csv`; of a file to convert, with the path where the file lies."""
    is_to_convert: bool


@dataclass(frozen=True, slots=True)
class BroughtBatch:
    """A batch whose files are copied and hashed, while photos are still to be converted and masks to be drawn."""

    folder: Path
    photos: tuple[BroughtPhoto, ...]
    batch: Batch
    """Its line of `data/batches.csv`."""


def copy_batch(folder: Path, root: Path, part: SourcePart, side: str) -> BroughtBatch:
    """Copy photos and masks as `<folder>/<label>/<file>` and `<folder>/_masks/`, and hash them.

    Files of one name and label are kept apart as `name`, `name-2` and so on, in the order of their paths. Files to be
    converted come under `_originals/`, by their first bytes, whatever their names; so do the originals that the source
    names. Such a photo is hashed by its original.

    Args:
        folder: the folder to make, named as the batch.
        root: what the paths of `part` are relative to.
        part: the photos and masks.
        side: `test` for a batch that is pinned to the test side, else empty.
    """
    folder.mkdir(parents=True)
    masks = _copied_masks(folder, root, part.masks)
    photos: list[BroughtPhoto] = []
    hashes: list[tuple[str | None, str]] = []
    used: set[str] = set()
    for photo in with_progress(part.photos, f"take in {folder.name}", total=len(part.photos)):
        place = photo.label or UNLABELLED
        is_to_convert = not photo.facts.original and _is_to_convert(root / photo.path)
        copied = _copied(root, photo.path, folder, f"{ORIGINALS}/{place}" if is_to_convert else place, used)
        kept = (
            _copied(root, photo.facts.original, folder, f"{ORIGINALS}/{place}", used) if photo.facts.original else None
        )
        facts = replace(
            photo.facts,
            mask=masks[photo.facts.mask].path if photo.facts.mask else "",
            original=kept.path if kept else "",
        )
        hashes.append((photo.label, (kept or copied).sha256))
        photos.append(BroughtPhoto(photo.path, replace(photo, path=copied.path, facts=facts), is_to_convert))
    outlines = [photo.outline.sha256() for photo in part.photos if photo.outline]
    sha256 = batch_sha256(hashes, [*(mask.sha256 for mask in masks.values()), *outlines])
    return BroughtBatch(folder, tuple(photos), Batch(folder.name, side, sha256, len(photos)))


def batch_sha256(photos: Sequence[tuple[str | None, str]], masks: Sequence[str]) -> str:
    """Hash what a batch holds, whatever the names and order of its files.

    Args:
        photos: label (None = unlabelled) and sha256 of each photo, or of the file that it is converted from.
        masks: sha256 of each mask, or of the outline that it is drawn from.
    """
    labelled = sorted([label or "", sha256] for label, sha256 in photos)
    return sha256_of_value({"photos": labelled, "masks": sorted(masks)})


def _is_to_convert(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_convertible(stream.read(HEAD_BYTES))


def _copied_masks(folder: Path, root: Path, masks: Sequence[str]) -> dict[str, _Copied]:
    used: set[str] = set()
    return {mask: _copied(root, mask, folder, f"{MASKS}/{_folder_of_mask(mask)}", used) for mask in masks}


def _folder_of_mask(mask: str) -> str:
    return str(PurePosixPath(mask.partition(f"{MASKS}/")[2] or mask).parent)


def _copied(root: Path, source: str, folder: Path, place: str, used: set[str]) -> _Copied:
    path = free_path(f"{place}/{PurePosixPath(source).name}", used)
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(root / source, folder / path)
    return _Copied(path, sha256_of_file(folder / path))


def free_path(path: str, used: set[str]) -> str:
    """The path in text that tables can hold; for a name already used the first free of `name-2`, `name-3` and so on."""
    pure = PurePosixPath(_readable(path))
    free, number = str(pure), 1
    while free in used:
        number += 1
        free = str(pure.with_name(f"{pure.stem}-{number}{pure.suffix}"))
    used.add(free)
    return free


def _readable(name: str) -> str:
    """The name with bytes that are no UTF-8 or that end a line spelt out, since tables hold lines of text."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace").replace("\\", "%")
    return _CONTROL_SIGN.sub(lambda sign: f"%x{ord(sign[0]):02x}", text)
