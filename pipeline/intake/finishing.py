"""Finishing a batch: HEIC and TIFF photos are converted, outlines are drawn as masks, and `photos.csv` is written."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

from PIL import Image

from pipeline.core.errors import DataError
from pipeline.core.progress import with_progress
from pipeline.intake.batch_folders import BroughtBatch, BroughtPhoto, free_path
from pipeline.intake.converting import KILLED, Conversion, ConversionLimits, Converted, convert_guarded, turned
from pipeline.intake.outlines import Outline
from pipeline.intake.source_tables import PhotoLine, write_photos_csv
from pipeline.photos.listing import MASKS, PHOTOS_CSV, UNLABELLED
from pipeline.photos.readers import Work, do_tasks, in_processes
from serving.contract import PhotoLimits

_MAX_WORKERS = 4  # each may hold a photo of 50 megapixels several times over


@dataclass(frozen=True, slots=True)
class FinishedBatch:
    """What was not taken over from the files of a batch."""

    remarks: tuple[str, ...]
    """Sentences about photos that were not wholly converted."""
    unconverted: Mapping[str, str]
    """Why files could not be converted, by their paths in the batch's folder."""


@dataclass(frozen=True, slots=True)
class _Finished:
    line: PhotoLine
    remark: str = ""
    converted: Converted = field(default_factory=Converted)


def finish_batch(brought: BroughtBatch, limits: PhotoLimits | None = None) -> FinishedBatch:
    """Convert what is to be converted, draw what was outlined, and write `photos.csv`.

    A file that cannot be converted is put where the photo would lie, as it came: no stage can read it, so it will be
    quarantined like any unreadable photo.

    Args:
        brought: the batch, in a folder of which nothing is in use yet.
        limits: of a photo; none = the defaults.

    Raises:
        DataError: what a label file marks does not fit its photo.
        MachineError: decoders were killed again and again.
    """
    used = {photo.line.path for photo in brought.photos if not photo.is_to_convert}
    waiting = [photo for photo in brought.photos if photo.is_to_convert]
    lines = [_Finished(photo.line) for photo in brought.photos if not photo.is_to_convert]
    limits = limits or PhotoLimits()
    lines += _converted(brought.folder, waiting, used, ConversionLimits(limits))
    write_photos_csv(brought.folder / PHOTOS_CSV, _with_masks(brought.folder, lines, limits.max_pixels))
    return FinishedBatch(
        remarks=tuple(finished.remark for finished in lines if finished.remark),
        unconverted={one.line.path: one.converted.problem for one in lines if one.converted.problem},
    )


def _converted(
    folder: Path, photos: Sequence[BroughtPhoto], used: set[str], limits: ConversionLimits
) -> list[_Finished]:
    if not photos:
        return []
    targets = [free_path(f"{_place(photo)}/{_stem(photo)}.jpg", used) for photo in photos]
    tasks = [
        [
            Conversion(
                folder / photo.line.path, folder / target, folder / mask if (mask := photo.line.facts.mask) else None
            )
        ]
        for photo, target in zip(photos, targets, strict=True)
    ]
    workers = min(len(tasks), len(os.sched_getaffinity(0)), _MAX_WORKERS)
    work = Work(do=partial(convert_guarded, limits), killed=lambda _: KILLED)
    results = with_progress(do_tasks(tasks, work, in_processes(workers)), f"convert {folder.name}", len(tasks))
    return [
        _settled(folder, photo, target, result, used)
        for photo, target, [result] in zip(photos, targets, results, strict=True)
    ]


def _settled(folder: Path, photo: BroughtPhoto, target: str, result: Converted, used: set[str]) -> _Finished:
    if not result.problem:
        facts = replace(photo.line.facts, original=photo.line.path)
        remark = f"{photo.name} was converted: {result.remark}" if result.remark else ""
        return _Finished(replace(photo.line, path=target, facts=facts), remark, result)
    path = free_path(f"{_place(photo)}/{PurePosixPath(photo.line.path).name}", used)
    os.renames(folder / photo.line.path, folder / path)
    return _Finished(replace(photo.line, path=path), converted=result)


def _with_masks(folder: Path, photos: Sequence[_Finished], max_pixels: int) -> list[PhotoLine]:
    """The lines, with masks drawn of what was outlined."""
    if not any(photo.line.outline for photo in photos):
        return [photo.line for photo in photos]
    used = {path.relative_to(folder).as_posix() for path in (folder / MASKS).rglob("*")}
    lines = []
    for photo in with_progress(photos, f"draw masks of {folder.name}", len(photos)):
        line = photo.line
        if line.outline is not None:
            mask = free_path(f"{MASKS}/{PurePosixPath(line.path).with_suffix('.png')}", used)
            _draw(folder / mask, line.outline, photo, max_pixels)
            line = replace(line, facts=replace(line.facts, mask=mask))
        lines.append(line)
    return lines


def _draw(path: Path, outline: Outline, photo: _Finished, max_pixels: int) -> None:
    try:
        mask = outline.mask(max_pixels)
    except ValueError as error:
        raise DataError(
            f"what is marked on {photo.line.path} cannot be drawn: {error}",
            expected="outlines that were made on this photo, at its size",
            todo="export the labels again, or take what is marked out of the label file",
        ) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    turned(Image.fromarray(mask), photo.converted).save(path, "PNG")


def _place(photo: BroughtPhoto) -> str:
    return photo.line.label or UNLABELLED


def _stem(photo: BroughtPhoto) -> str:
    return PurePosixPath(photo.line.path).stem
