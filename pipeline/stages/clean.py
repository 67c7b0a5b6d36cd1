"""Stage `clean`: which photos go on, which are quarantined, and why."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.memory import without_garbage_search
from pipeline.core.parameters import CleanParameters, Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows, write_text
from pipeline.photos.batches import read_batches
from pipeline.photos.cleaning import CleanInputs, CleanResult, clean_photos
from pipeline.photos.comparisons import read_compared, write_compared
from pipeline.photos.decisions import HumanDecision, read_decisions
from pipeline.photos.duplicates import SAME_PHOTO
from pipeline.photos.listing import UNLABELLED
from pipeline.photos.provenance import licence_warnings, provenance_of
from pipeline.photos.quantiles import summarise_measures
from pipeline.photos.reasons import FLAGS
from pipeline.photos.records import Batch, CleanRow, Decision, DuplicateRow, PhotoRow, Side, SuspectRow, Suspicion
from pipeline.photos.scenes import SceneVectors
from pipeline.photos.signals import Signal, find_signals
from pipeline.photos.suspects import find_suspects

PHOTOS = "photos.parquet"
DUPLICATES = "duplicates.parquet"
COMPARISONS = "comparisons.npz"
SUSPECTS = "suspects.parquet"

_MAX_SHOWN = 5
_DOUBTFUL_SHARE = 0.2
"""Where more of the kept photos seem filed under a wrong class, the vectors are likely to be wrong, not the labels."""
_SHA256_DIGITS_SHOWN = 12


@dataclass(frozen=True)
class Findings:
    """What is reported of the photos and drops none of them."""

    suspects: list[SuspectRow]
    signals: list[Signal]
    have_vectors: bool


@dataclass(frozen=True)
class CleanSummary:
    """What the stage decided, in figures."""

    num_photos: int
    num_kept: int
    num_quarantined: int
    reasons: dict[str, int]
    """Quarantined photos by reason; a photo may have several."""
    warnings: tuple[str, ...]


@without_garbage_search()
def run(layout: Layout, parameters: Parameters) -> CleanSummary:
    """Clean the photos of `validate`; write `photos`, `duplicates` and `suspects.parquet` and the report.

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
    findings = find(inputs, result, parameters.clean)
    write_rows(layout.artifacts("clean") / SUSPECTS, SuspectRow, findings.suspects)
    summary = summarise(result, batches) | summarise_findings(inputs.photos, findings, parameters.clean)
    summary["warnings"] += [*_doubtful(findings, summary["kept"]), *(signal.sentence for signal in findings.signals)]
    text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
    write_text(layout.reports("clean") / "summary.json", text)
    return CleanSummary(
        num_photos=summary["files"],
        num_kept=summary["kept"],
        num_quarantined=summary["quarantined"],
        reasons=summary["quarantined_by_reason"],
        warnings=(*summary["warnings"], *_unmatched_lines(result.unmatched)),
    )


def find(inputs: CleanInputs, result: CleanResult, parameters: CleanParameters) -> Findings:
    """Look for kept photos that seem filed wrongly, and for properties that tell the class."""
    return Findings(
        suspects=find_suspects(result.photos, inputs.vectors, parameters.max_outlier_spread),
        signals=find_signals(inputs.photos, result.photos, parameters.min_signal_strength),
        have_vectors=inputs.vectors is not None,
    )


def summarise_findings(photos: Sequence[PhotoRow], findings: Findings, parameters: CleanParameters) -> dict[str, Any]:
    """Suspects by kind, signals, and the measures of all photos beside the thresholds of the rules."""
    kinds = Counter(suspect.kind for suspect in findings.suspects)
    return {
        "quantiles": [asdict(one) for one in summarise_measures(photos, parameters)],
        "signals": [asdict(one) for one in findings.signals],
        "suspects": {kind.value: kinds[kind] for kind in Suspicion},
        "suspects_note": "" if findings.have_vectors else "not looked for: `embed` made no vectors of the photos",
    }


def _doubtful(findings: Findings, num_kept: int) -> list[str]:
    num_suspects = sum(suspect.kind == Suspicion.LABEL for suspect in findings.suspects)
    if num_suspects <= _DOUBTFUL_SHARE * num_kept:
        return []
    return [
        f"{num_suspects} of {num_kept} kept photos seem filed under a wrong class: the network that `embed.backbone` "
        "names hardly tells these classes, so look at the first suspects before you believe the others"
    ]


def _unmatched_lines(unmatched: Sequence[HumanDecision]) -> list[str]:
    """For the console: the report has them in its own words."""
    if not unmatched:
        return []
    shown = ", ".join(one.sha256[:_SHA256_DIGITS_SHOWN] for one in unmatched[:_MAX_SHOWN])
    more = f" and {len(unmatched) - _MAX_SHOWN} more" if len(unmatched) > _MAX_SHOWN else ""
    return [f"lines of reviews/decisions.csv about photos that this run does not see: {len(unmatched)} ({shown}{more})"]


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
        "largest_group": max(Counter(row.group for row in result.photos if row.group).values(), default=1),
        "scenes": asdict(result.scenes),
        "leaks_of_pinned": leaks(result, batches),
        "unmatched_decisions": [asdict(one) for one in result.unmatched],
        "overruled_decisions": [asdict(one) for one in result.overruled],
        "provenance": provenance_of(kept),
        "warnings": [*result.warnings, *licence_warnings(kept)],
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
