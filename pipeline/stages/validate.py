"""Stage `validate`: every file found is decoded once and measured, and the table is held against expectations."""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.core.errors import DataError, MachineError
from pipeline.core.locks import die_with_parent
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.progress import with_progress
from pipeline.core.tables import write_rows, write_text
from pipeline.photos.batches import read_batches
from pipeline.photos.listing import UNLABELLED, FoundFile, list_files
from pipeline.photos.reading import read_photos
from pipeline.photos.records import PhotoRow
from serving.contract import PhotoLimits

if TYPE_CHECKING:
    from pipeline.photos.expectations import Outcome

PHOTOS = "photos.parquet"

_FEW_FILES = 256
"""Up to so many files are read sooner in this process than others could be started."""
_MEASURES = ("num_bytes", "width", "height", "brightness_low", "brightness_high", "entropy", "sharpness")
_QUANTILES = (0.0, 0.01, 0.05, 0.5, 0.95, 0.99, 1.0)
_MIN_PHOTOS_PER_CLASS = 2


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
    limits = PhotoLimits(parameters.validate_.max_bytes, parameters.validate_.max_pixels)
    rows = _read(layout.root, listing.files, limits, parameters.validate_.workers)
    reports = layout.reports("validate")
    write_rows(layout.artifacts("validate") / PHOTOS, PhotoRow, rows)
    write_text(reports / "summary.json", _json(summarise(rows, listing.warnings)))
    check_labels(rows)

    from pipeline.photos.expectations import check_photos

    docs = reports / "data_docs"
    shutil.rmtree(docs, ignore_errors=True)
    outcomes = check_photos(rows, parameters.validate_, docs)
    write_text(reports / "expectations.json", _json([asdict(outcome) for outcome in outcomes]))
    refuse_broken(outcomes)
    return ValidateResult(
        num_files=len(rows),
        num_readable=sum(not row.error for row in rows),
        classes=tuple(sorted({row.label for row in rows if row.label is not None})),
        warnings=listing.warnings,
    )


def check_labels(rows: Sequence[PhotoRow]) -> None:
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


def refuse_broken(outcomes: Sequence["Outcome"]) -> None:
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


def summarise(rows: Sequence[PhotoRow], warnings: Sequence[str]) -> dict[str, Any]:
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


def _read(root: Path, files: Sequence[FoundFile], limits: PhotoLimits, workers: int) -> list[PhotoRow]:
    try:
        with _executor(workers, len(files)) as executor:
            return list(with_progress(read_photos(root, files, limits, executor), "reading photos", len(files)))
    except BrokenProcessPool:
        raise MachineError(
            "a process that read photos was killed",
            expected="enough memory for `validate.workers` photos of `validate.max_pixels` at once",
            todo="lower validate.workers or validate.max_pixels in params.yaml and run again",
        ) from None


def _executor(workers: int, num_files: int) -> Executor:
    if workers == 1 or num_files <= _FEW_FILES:
        return ThreadPoolExecutor(1)
    # Spawned, since a fork of a process with threads may stand still for ever.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=die_with_parent)


def _counts(values: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    levels = np.quantile(np.array(values, dtype=np.float64), _QUANTILES, method="lower")
    return {f"{quantile:g}": round(float(level), 6) for quantile, level in zip(_QUANTILES, levels, strict=True)}


def _in_words(outcome: "Outcome") -> str:
    files = f" ({outcome.unexpected} files, such as {', '.join(outcome.paths)})" if outcome.paths else ""
    return f"{outcome.column}: {outcome.note} [{outcome.expectation}]{files}"


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
