"""Stage `validate`: every file found is decoded once and measured, and the table is held against expectations."""

import gc
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import DataError, MachineError
from pipeline.core.locks import die_with_parent
from pipeline.core.memory import without_garbage_search
from pipeline.core.parameters import Parameters, ValidateParameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows, write_text
from pipeline.photos.batches import read_batches
from pipeline.photos.kept_measures import FILE_NAME, KeptMeasures
from pipeline.photos.listing import UNLABELLED, FoundFile, list_files
from pipeline.photos.measures import making_of_measures
from pipeline.photos.readers import Readers, in_processes, in_this_process
from pipeline.photos.records import Outcome, PhotoRow
from pipeline.photos.scan import Scanner, scan_photos
from serving.contract import PhotoLimits

Check = Callable[[Path, ValidateParameters, Path], list[Outcome]]
"""Holds a table against the expectations, and writes pages about it into a folder."""

PHOTOS = "photos.parquet"

_FEW_FILES = 256
_FEW_BYTES = 32 << 20
"""Up to so many files of so many bytes are read sooner in this process than others could be started."""
_SECONDS_PER_DAY = 86_400
_MEASURES = ("num_bytes", "width", "height", "brightness_low", "brightness_high", "entropy", "sharpness")
_QUANTILES = (0.0, 0.01, 0.05, 0.5, 0.95, 0.99, 1.0)
_MIN_PHOTOS_PER_CLASS = 2


@dataclass(frozen=True, slots=True)
class SummarisedRow:
    """The columns of `PhotoRow` that are summed up: all rows together would take far more memory."""

    path: str
    batch: str
    label: str | None
    error: str
    format: str
    mode: str
    num_bytes: int
    width: int
    height: int
    brightness_low: float
    brightness_high: float
    entropy: float
    sharpness: float


@dataclass(frozen=True)
class ValidateResult:
    """What the stage found."""

    num_files: int
    num_readable: int
    classes: tuple[str, ...]
    warnings: tuple[str, ...]


def run(layout: Layout, parameters: Parameters) -> ValidateResult:
    """Read the run's files, write `photos.parquet` and the reports, and hold the table against the expectations.

    Raises:
        DataError: no usable files or labels, or a broken expectation; the table and the reports are written all
            the same, so that the cause can be looked at.
        MachineError: a reading process was killed.
    """
    listing = list_files(layout, read_batches(layout.batches), parameters.photos)
    table = layout.artifacts("validate") / PHOTOS
    reports = layout.reports("validate")
    with _checker(len(listing.files)) as check:
        warnings: list[str] = []
        write_rows(table, PhotoRow, _scan(layout, listing.files, parameters.validate_, warnings))
        rows = read_rows(table, SummarisedRow)
        write_text(reports / "summary.json", _json(summarise(rows, listing.warnings)))
        check_labels(rows)
        docs = reports / "data_docs"
        shutil.rmtree(docs, ignore_errors=True)
        outcomes = check(table, parameters.validate_, docs)
    write_text(reports / "expectations.json", _json([asdict(outcome) for outcome in outcomes]))
    refuse_broken(outcomes)
    return ValidateResult(
        num_files=len(rows),
        num_readable=sum(not row.error for row in rows),
        classes=tuple(sorted({row.label for row in rows if row.label is not None})),
        warnings=(*listing.warnings, *warnings),
    )


def check_labels(rows: Sequence[SummarisedRow]) -> None:
    """Refuse photos that no model could learn from.

    Raises:
        DataError: nothing is readable, nothing is labelled, or a class has a single readable photo.
    """
    if all(row.error for row in rows):
        errors = Counter(row.error for row in rows).most_common(3)
        raise DataError(
            f"none of {len(rows)} files is a readable photo: "
            + "; ".join(f"{error} ({count} files)" for error, count in errors),
            expected="JPEG, PNG or WebP photos",
            todo="look at reports/validate/summary.json and bring readable photos in",
        )
    classes = {row.label for row in rows if row.label is not None}
    if not classes:
        raise DataError(
            f"none of {len(rows)} files has a label",
            expected=f"photos as data/<batch>/<label>/<file>, or labels in photos.csv; only those in {UNLABELLED}/ may "
            "go without",
            todo="sort the photos into one folder per class and bring them in with `make photos FROM=<folder>`",
        )
    counts = Counter({label: 0 for label in classes})
    counts.update(row.label for row in rows if row.label is not None and not row.error)
    small = sorted(label for label, count in counts.items() if count < _MIN_PHOTOS_PER_CLASS)
    if small:
        raise DataError(
            "too few readable photos: " + ", ".join(f"{label} has {counts[label]}" for label in small),
            expected=f"at least {_MIN_PHOTOS_PER_CLASS} per class",
            todo="bring more photos of these classes in, or name the other classes in photos.classes of params.yaml",
        )


def refuse_broken(outcomes: Sequence[Outcome]) -> None:
    """Stop the run where an expectation is broken.

    Raises:
        DataError: names every broken expectation and a few of the files that break it.
    """
    broken = [outcome for outcome in outcomes if not outcome.success]
    if broken:
        raise DataError(
            "the photos break what is expected of them:\n  - " + "\n  - ".join(map(_in_words, broken)),
            expected="every expectation of reports/validate/expectations.json to hold",
            todo="look at reports/validate/data_docs/index.html, and mend or remove the files",
        )


def summarise(rows: Sequence[SummarisedRow], warnings: Sequence[str]) -> dict[str, Any]:
    """Count files by batch, class, format and error, and give quantiles of the measures of readable photos."""
    readable = [row for row in rows if not row.error]
    return {
        "files": len(rows),
        "readable": len(readable),
        "by_batch": _counts([row.batch for row in rows]),
        "by_class": _counts([row.label or UNLABELLED for row in rows]),
        "by_format": _counts([row.format for row in readable]),
        "by_mode": _counts([row.mode for row in readable]),
        "by_error": _counts([row.error for row in rows if row.error]),
        "unreadable": [{"path": row.path, "error": row.error} for row in rows if row.error],
        "quantiles": {measure: _quantiles([getattr(row, measure) for row in readable]) for measure in _MEASURES},
        "warnings": list(warnings),
    }


def _scan(
    layout: Layout, files: Sequence[FoundFile], parameters: ValidateParameters, warnings: list[str]
) -> Iterator[PhotoRow]:
    """Rows of all files, in their order; what a person should know of how they were had is added to the warnings."""
    limits = PhotoLimits(parameters.max_bytes, parameters.max_pixels)
    today = int(time.time() // _SECONDS_PER_DAY)
    with (
        _readers_of(layout, parameters, limits) as readers_for,
        closing(KeptMeasures(layout.state / FILE_NAME, making_of_measures(limits), today)) as kept,
    ):
        yield from scan_photos(files, Scanner(layout.root.resolve(), limits, readers_for, kept))
        warnings += kept.warnings


@contextmanager
def _readers_of(
    layout: Layout, parameters: ValidateParameters, limits: PhotoLimits
) -> Iterator[Callable[[int, int], Readers]]:
    if parameters.executor == "local":
        yield partial(_local_readers, parameters.workers)
        return
    from pipeline.photos.cluster import on_cluster

    with on_cluster(str(parameters.scheduler), layout.batches.resolve(), limits) as cluster:
        yield lambda num_files, num_bytes: cluster


def _local_readers(workers: int, num_files: int, num_bytes: int) -> Readers:
    if workers == 1 or (num_files <= _FEW_FILES and num_bytes <= _FEW_BYTES):
        return in_this_process()
    return in_processes(workers)


@contextmanager
def _checker(num_files: int) -> Iterator[Check]:
    """Who checks the table: another process for many files, which makes ready while they are read."""
    if num_files <= _FEW_FILES:
        yield _check
        return
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=die_with_parent) as executor:
        executor.submit(_make_ready)
        yield partial(_check_by, executor)


def _check_by(executor: Executor, table: Path, parameters: ValidateParameters, docs: Path) -> list[Outcome]:
    try:
        return executor.submit(_check, table, parameters, docs).result()
    except BrokenExecutor:
        raise MachineError(
            "the process that checks the table of photos was killed",
            expected="enough memory for Great Expectations beside the table",
            todo="free some memory and run the command again; what was read is kept",
        ) from None


def _check(table: Path, parameters: ValidateParameters, docs: Path) -> list[Outcome]:
    from pipeline.photos.expectations import CheckedRow, check_photos

    return check_photos(read_rows(table, CheckedRow), parameters, docs)


def _make_ready() -> None:
    """Import what takes seconds; all that it makes stays."""
    with without_garbage_search():
        import pipeline.photos.expectations  # noqa: F401

        gc.freeze()


def _counts(values: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    levels = np.quantile(np.array(values, dtype=np.float64), _QUANTILES, method="lower")
    return {f"{quantile:g}": round(float(level), 6) for quantile, level in zip(_QUANTILES, levels, strict=True)}


def _in_words(outcome: Outcome) -> str:
    files = f" ({outcome.unexpected} files, such as {', '.join(outcome.paths)})" if outcome.paths else ""
    return f"{outcome.column}: {outcome.note} [{outcome.expectation}]{files}"


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
