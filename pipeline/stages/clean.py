"""Stage `clean`: which photos go on, which are quarantined, and why."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows, write_text
from pipeline.photos.batches import read_batches
from pipeline.photos.cleaning import CleanInputs, CleanResult, clean_photos
from pipeline.photos.comparisons import read_compared, write_compared
from pipeline.photos.decisions import read_decisions
from pipeline.photos.duplicates import SAME_PHOTO, SceneVectors
from pipeline.photos.listing import UNLABELLED
from pipeline.photos.reasons import FLAGS
from pipeline.photos.records import Batch, CleanRow, Decision, DuplicateRow, PhotoRow, Side

PHOTOS = "photos.parquet"
DUPLICATES = "duplicates.parquet"
COMPARISONS = "comparisons.npz"


@dataclass(frozen=True)
class CleanSummary:
    """What the stage decided, in figures."""

    num_photos: int
    num_kept: int
    num_quarantined: int
    reasons: dict[str, int]
    """Quarantined photos by reason; a photo may have several."""
    warnings: tuple[str, ...]


def run(layout: Layout, parameters: Parameters) -> CleanSummary:
    """Clean the photos of `validate`; write `photos.parquet`, `duplicates.parquet` and the report.

    Raises:
        DataError: a table is missing or unusable, or no labelled photo would be left.
    """
    batches = read_batches(layout.batches)
    comparisons = layout.state / COMPARISONS
    inputs = CleanInputs(
        photos=read_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow),
        batches=batches,
        decisions=read_decisions(layout.decisions),
        vectors=read_vectors(layout.artifacts("embed") / "vectors.npz"),
        compared=read_compared(comparisons, parameters.clean),
    )
    result = clean_photos(inputs, parameters.clean, parameters.split, parameters.seed)
    if result.compared is not None:
        write_compared(comparisons, result.compared, parameters.clean)
    write_rows(layout.artifacts("clean") / PHOTOS, CleanRow, result.photos)
    write_rows(layout.artifacts("clean") / DUPLICATES, DuplicateRow, result.duplicates)
    summary = summarise(result, batches)
    text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
    write_text(layout.reports("clean") / "summary.json", text)
    return CleanSummary(
        num_photos=summary["files"],
        num_kept=summary["kept"],
        num_quarantined=summary["quarantined"],
        reasons=summary["quarantined_by_reason"],
        warnings=tuple(summary["warnings"]),
    )


def read_vectors(path: Path) -> SceneVectors | None:
    """Read the vectors of `embed`; None where that stage is off or was not run."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as arrays:
        paths, vectors = arrays["paths"], arrays["vectors"]
    return SceneVectors([str(one) for one in paths], vectors.astype(np.float32)) if len(paths) else None


def summarise(result: CleanResult, batches: Sequence[Batch]) -> dict[str, Any]:
    """Count what was kept, quarantined and flagged; kept and quarantined add up to the files found."""
    kept = [row for row in result.photos if row.decision == Decision.KEEP]
    quarantined = [row for row in result.photos if row.decision == Decision.QUARANTINE]
    return {
        "files": len(result.photos),
        "kept": len(kept),
        "quarantined": len(quarantined),
        "by_class": _by_class(result.photos),
        "quarantined_by_reason": _reasons(quarantined, flags=False),
        "flags_of_kept": _reasons(kept, flags=True),
        "same_photo_pairs": sum(pair.tier == SAME_PHOTO for pair in result.duplicates),
        "same_scene_pairs": sum(pair.tier != SAME_PHOTO for pair in result.duplicates),
        "largest_cluster": max(Counter(row.cluster for row in result.photos if row.cluster).values(), default=1),
        "largest_scene": max(Counter(row.group for row in result.photos if row.group).values(), default=1),
        "leaks_of_pinned": leaks(result, batches),
        "unmatched_decisions": [asdict(one) for one in result.unmatched],
        "overruled_decisions": [asdict(one) for one in result.overruled],
        "warnings": result.warnings,
    }


def leaks(result: CleanResult, batches: Iterable[Batch]) -> dict[str, dict[str, int]]:
    """By class, how many photos of pinned batches there are, and how many of them came in another batch too."""
    names = {batch.batch for batch in batches if batch.side == Side.TEST}
    pinned = {row.path: row.label or UNLABELLED for row in result.photos if row.batch in names}
    leaked = {
        one
        for pair in result.duplicates
        if pair.tier == SAME_PHOTO
        for one, other in ((pair.first, pair.second), (pair.second, pair.first))
        if one in pinned and other not in pinned
    }
    photos, found = Counter(pinned.values()), Counter(pinned[path] for path in leaked)
    return {label: {"photos": photos[label], "leaked": found[label]} for label in sorted(photos)}


def _by_class(rows: Iterable[CleanRow]) -> dict[str, dict[str, int]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row.label or UNLABELLED][row.decision] += 1
    return {
        label: {"kept": counts[label][Decision.KEEP], "quarantined": counts[label][Decision.QUARANTINE]}
        for label in sorted(counts)
    }


def _reasons(rows: Iterable[CleanRow], *, flags: bool) -> dict[str, int]:
    """Rows by reason; a quarantined photo's flags are left out, a kept photo has nothing but flags."""
    counts = Counter(reason for row in rows for reason in row.reasons.split(",") if reason)
    return {reason: counts[reason] for reason in sorted(counts) if flags or reason not in FLAGS}
