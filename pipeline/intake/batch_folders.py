"""The folder of a batch: photos by label, their masks and what is known of each, copied byte for byte."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from pipeline.core.hashing import sha256_of_file, sha256_of_value
from pipeline.core.progress import with_progress
from pipeline.intake.source_tables import PhotoLine, write_photos_csv
from pipeline.intake.sources import SourcePart
from pipeline.photos.listing import MASKS, PHOTOS_CSV, UNLABELLED
from pipeline.photos.records import Batch

_CONTROL_SIGN = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class _Mask:
    path: str
    sha256: str


def make_batch(folder: Path, root: Path, part: SourcePart, side: str) -> Batch:
    """Copy photos and masks as `<folder>/<label>/<file>` and `<folder>/_masks/`, with a `photos.csv`, and hash them.

    Files of one name and label are kept apart as `name`, `name-2` and so on, in the order of their paths.

    Args:
        folder: the folder to make, named as the batch.
        root: what the paths of `part` are relative to.
        part: the photos and masks.
        side: `test` for a batch that is pinned to the test side, else empty.

    Returns:
        The batch's line of `data/batches.csv`.
    """
    folder.mkdir(parents=True)
    masks = _copied_masks(folder, root, part.masks)
    lines: list[PhotoLine] = []
    hashes: list[tuple[str | None, str]] = []
    used: set[str] = set()
    for photo in with_progress(part.photos, f"take in {folder.name}", total=len(part.photos)):
        path = _free_path(f"{photo.label or UNLABELLED}/{_readable(PurePosixPath(photo.path).name)}", used)
        hashes.append((photo.label, _copied(root / photo.path, folder / path)))
        mask = masks[photo.facts.mask].path if photo.facts.mask else ""
        lines.append(PhotoLine(path, photo.label, replace(photo.facts, mask=mask)))
    write_photos_csv(folder / PHOTOS_CSV, lines)
    sha256 = batch_sha256(hashes, [mask.sha256 for mask in masks.values()])
    return Batch(folder.name, side, sha256, len(lines))


def batch_sha256(photos: Sequence[tuple[str | None, str]], masks: Sequence[str]) -> str:
    """Hash what a batch holds, whatever the names and order of its files.

    Args:
        photos: label (None = unlabelled) and sha256 of each photo.
        masks: sha256 of each mask.
    """
    labelled = sorted([label or "", sha256] for label, sha256 in photos)
    return sha256_of_value({"photos": labelled, "masks": sorted(masks)})


def _copied_masks(folder: Path, root: Path, masks: Sequence[str]) -> dict[str, _Mask]:
    copied: dict[str, _Mask] = {}
    used: set[str] = set()
    for mask in masks:
        inner = mask.partition(f"{MASKS}/")[2] or mask
        path = _free_path(f"{MASKS}/{_readable(inner)}", used)
        copied[mask] = _Mask(path, _copied(root / mask, folder / path))
    return copied


def _copied(source: Path, destination: Path) -> str:
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, destination)
    return sha256_of_file(destination)


def _free_path(path: str, used: set[str]) -> str:
    """The path, or for a name already used the first free of `name-2`, `name-3` and so on."""
    pure = PurePosixPath(path)
    free, number = path, 1
    while free in used:
        number += 1
        free = str(pure.with_name(f"{pure.stem}-{number}{pure.suffix}"))
    used.add(free)
    return free


def _readable(name: str) -> str:
    """The name with bytes that are no UTF-8 or that end a line spelt out, since tables hold lines of text."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace").replace("\\", "%")
    return _CONTROL_SIGN.sub(lambda sign: f"%x{ord(sign[0]):02x}", text)
