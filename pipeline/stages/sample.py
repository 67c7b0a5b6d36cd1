"""Sample: draw a batch of photos of walls, intact and damaged, with all that a scraped batch brings."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.core.errors import DataError
from pipeline.core.locks import die_with_parent
from pipeline.core.paths import Layout
from pipeline.core.progress import with_progress
from pipeline.core.tables import write_text
from pipeline.intake.inbox import MARKER
from pipeline.intake.taking import TakenBatch, take_in, version_data
from pipeline.photos.drawing.batches import (
    DrawnFile,
    PlannedPhoto,
    TruthRow,
    csv_text,
    draw_planned,
    photos_csv,
    plan_batch,
    truth_of,
)

_PHOTOS_PER_TASK = 8
_MAX_WORKERS = 8


@dataclass(frozen=True)
class SampleResult:
    """What was drawn; `truth` is for tests and must never lie under `data/`."""

    batch: str
    num_photos: int
    num_masks: int
    truth: tuple[TruthRow, ...]


def draw_to(folder: Path, name: str, num_photos: int, seed: int, workers: int = 1) -> SampleResult:
    """Draw a batch into a folder that intake accepts: class folders, `_masks/` and `photos.csv`.

    Equal name, number and seed give equal bytes, whatever the number of workers.

    Args:
        folder: missing or empty.
        name: of the batch; it enters the groups, and other names give other photos.
        num_photos: files in all, good and spoilt, at least 40.
        seed: other seeds give other photos.
        workers: processes that draw at the same time, at least 1.

    Raises:
        ParameterError: fewer than 40 photos.
        DataError: the folder holds files already.
    """
    plan = plan_batch(name, num_photos, seed)
    if folder.exists() and any(folder.iterdir()):
        raise DataError(
            f"{folder} holds files already",
            expected="a folder that is missing or empty, so that nothing is drawn over",
            todo="draw to another folder, or remove this one",
        )
    draw = partial(draw_planned, name=name, seed=seed)
    for files in with_progress(_drawn(draw, plan, workers), f"Drawing {name}", len(plan)):
        for file in files:
            _write(folder, file)
    _write(folder, photos_csv(plan))
    num_masks = sum(bool(photo.mask) for photo in plan)
    return SampleResult(name, len(plan), num_masks, tuple(truth_of(plan, name)))


def write_truth(path: Path, rows: Iterable[TruthRow]) -> None:
    """Write the truth table of one or more batches, sorted by path, in one step."""
    lines = sorted((row.path, row.true_label, row.kind, row.source) for row in rows)
    write_text(path, csv_text(("path", "true_label", "kind", "source"), lines))


def _drawn(draw: "partial[list[DrawnFile]]", plan: list[PlannedPhoto], workers: int) -> Iterator[list[DrawnFile]]:
    if workers == 1:
        yield from map(draw, plan)
        return
    # Spawned, not forked: the caller may hold threads, which a forked child would inherit in mid-air.
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=die_with_parent) as pool:
        yield from pool.map(draw, plan, chunksize=_PHOTOS_PER_TASK)


def _write(folder: Path, file: DrawnFile) -> None:
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)


def run(layout: Layout, batches: Sequence[str], num_photos: int, seed: int) -> list[TakenBatch]:
    """Draw batches and take them in; what each drawn file is goes into `.heritage/sample/`, where no run looks.

    Args:
        layout: the checkout.
        batches: names.
        num_photos: files of each batch, at least 40.
        seed: other seeds draw other photos.

    Raises:
        ParameterError: fewer than 40 photos.
        DataError: a batch of that name holds other photos.
        MachineError: another run holds the checkout, or the disk is full.
    """
    taken: list[TakenBatch] = []
    for name in batches:
        with _drawn_batch(layout, name, num_photos, seed) as drawn:
            taken += take_in(layout, drawn, name).taken
    version_data(layout)
    return taken


def drop(layout: Layout, inbox: Path, batches: Sequence[str], num_photos: int, seed: int) -> list[Path]:
    """Draw batches and drop them into an inbox, complete, as a person would; raises as `run` does.

    Args:
        layout: the checkout.
        inbox: folder of the inbox.
        batches: names.
        num_photos: files of each batch, at least 40.
        seed: other seeds draw other photos.

    Returns:
        The folders of the batches.
    """
    inbox.mkdir(parents=True, exist_ok=True)
    dropped = [inbox / name for name in batches]
    for folder in dropped:
        if folder.exists():
            raise DataError(
                f"{folder} exists already", expected="a name that no batch in the inbox has", todo="choose another name"
            )
        with _drawn_batch(layout, folder.name, num_photos, seed) as drawn:
            (drawn / MARKER).touch()
            # Hidden until it is whole, also where the inbox lies on another disk.
            partial = folder.with_name(f".{folder.name}.partial")
            shutil.copytree(drawn, partial)
            partial.rename(folder)
    return dropped


@contextmanager
def _drawn_batch(layout: Layout, name: str, num_photos: int, seed: int) -> Iterator[Path]:
    """Draw a batch into a folder that lasts for the length of a block; its truth stays in `.heritage/sample/`."""
    workers = min(len(os.sched_getaffinity(0)), _MAX_WORKERS)
    folder = layout.state / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as drawn:
        result = draw_to(Path(drawn), name, num_photos, seed, workers)
        yield Path(drawn)
        write_truth(folder / f"{name}.csv", result.truth)
