"""Stage `split`: give every kept photo its side, and let no photo and its copy stand on two sides."""

import csv
import dataclasses
import io
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import DataError
from pipeline.core.parameters import Parameters, SplitParameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows, write_text
from pipeline.photos.batches import read_batches
from pipeline.photos.reasons import Reason
from pipeline.photos.records import Batch, CleanRow, Decision, DuplicateRow, Side, SplitRow
from pipeline.photos.sides import Replay, arrivals_of, cut_groups, replay_sides

_SIDES = (Side.TRAIN, Side.VALIDATION, Side.TEST)
_NUM_SHOWN = 10
_OF_CLEAN = tuple(field.name for field in dataclasses.fields(CleanRow))


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """Photos of one class by side."""

    label: str
    train: int
    validation: int
    test: int
    quarantined: int
    """Labelled photos that `clean` took out, or whose side is none."""


@dataclass(frozen=True, slots=True)
class SplitReport:
    """What a person should know of the sides."""

    classes: tuple[ClassCounts, ...]
    """By name."""
    train: int
    validation: int
    test: int
    test_is_pinned: bool
    """Whether the test side is that of pinned batches alone."""
    same_photo_pairs_across: int
    """Leak gate: 0, or there is no report."""
    same_scene_pairs_across: int
    """Pairs of tier 2 of which the two photos lie on different sides."""
    groups_across: int
    """Groups, given or found, with photos on more than one side."""
    bridges: int
    """Photos left out because they would tie training to the photos that measure it."""
    twins_of_pinned: int
    """Photos left out because they are the same photo as one of a pinned batch."""


@dataclass(frozen=True, slots=True)
class SplitResult:
    """The rows of `artifacts/split/photos.parquet`, in the order of `clean`, and the report."""

    rows: list[SplitRow]
    report: SplitReport


def split_photos(
    photos: Sequence[CleanRow],
    duplicates: Sequence[DuplicateRow],
    batches: Sequence[Batch],
    parameters: SplitParameters,
    seed: int,
) -> SplitResult:
    """Give every photo its side by replaying the batches (see `replay_sides`); only kept, labelled photos get one.

    Args:
        photos: all rows of `clean`.
        duplicates: all pairs of `clean`.
        batches: the record of batches, in intake order.
        parameters: shares of validation and test.
        seed: changes the placement of photos without twins and groups.

    Raises:
        DataError: a photo and its copy lie on two sides, a class has no training photo or one photo only, or no
            photo is left for validation.
    """
    replay = replay_sides(arrivals_of(photos, duplicates, batches), parameters, seed)
    rows = [_with_side(photo, replay) for photo in photos]
    leaks = find_leaks(rows, duplicates)
    if leaks:
        raise _leaking(leaks)
    report = _report(rows, duplicates, batches, replay)
    _refuse_untrainable(report)
    return SplitResult(rows, report)


def find_leaks(rows: Sequence[SplitRow], duplicates: Sequence[DuplicateRow]) -> list[tuple[str, str]]:
    """Find photos of which a copy lies on another side.

    It looks at the finished rows alone, so that it also holds where the replay is wrong.

    Args:
        rows: photos with their sides.
        duplicates: pairs; those of tier 1 are copies, and so are equal bytes.

    Returns:
        Pairs of paths, sorted.
    """
    first_of: dict[str, str] = {}
    pairs = {(pair.first, pair.second) for pair in duplicates if pair.tier == 1}
    for row in rows:
        if row.side != Side.NONE:
            pairs.add((first_of.setdefault(row.sha256, row.path), row.path))
    return _pairs_across(rows, pairs)


def run(layout: Layout, parameters: Parameters) -> SplitResult:
    """Read what `clean` wrote, split it, and write the sides and their report."""
    clean = layout.artifacts("clean")
    result = split_photos(
        read_rows(clean / "photos.parquet", CleanRow),
        read_rows(clean / "duplicates.parquet", DuplicateRow),
        read_batches(layout.batches),
        parameters.split,
        parameters.seed,
    )
    write_rows(layout.artifacts("split") / "photos.parquet", SplitRow, result.rows)
    _write_report(layout.reports("split"), result.report)
    return result


def _with_side(photo: CleanRow, replay: Replay) -> SplitRow:
    kept = photo.decision == Decision.KEEP and photo.label is not None
    side = replay.sides[photo.path] if kept else Side.NONE
    return SplitRow(**{name: getattr(photo, name) for name in _OF_CLEAN}, side=side.value)


def _pairs_across(rows: Sequence[SplitRow], pairs: set[tuple[str, str]]) -> list[tuple[str, str]]:
    side_of = {row.path: row.side for row in rows if row.side != Side.NONE}
    present = ((first, second) for first, second in pairs if first in side_of and second in side_of)
    return sorted((first, second) for first, second in present if side_of[first] != side_of[second])


def _report(
    rows: Sequence[SplitRow], duplicates: Sequence[DuplicateRow], batches: Sequence[Batch], replay: Replay
) -> SplitReport:
    seen = {row.batch for row in rows}
    scenes = {(pair.first, pair.second) for pair in duplicates if pair.tier == 2}
    sides = Counter(row.side for row in rows)
    return SplitReport(
        classes=_counts_by_class(rows),
        train=sides[Side.TRAIN],
        validation=sides[Side.VALIDATION],
        test=sides[Side.TEST],
        test_is_pinned=any(batch.side == Side.TEST for batch in batches if batch.batch in seen),
        same_photo_pairs_across=0,
        same_scene_pairs_across=len(_pairs_across(rows, scenes)),
        groups_across=len(cut_groups((row.group, Side(row.side)) for row in rows)),
        bridges=len(replay.bridges),
        twins_of_pinned=len(replay.twins_of_pinned),
    )


def _counts_by_class(rows: Sequence[SplitRow]) -> tuple[ClassCounts, ...]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.label is not None and Reason.CLASS_NOT_IN_RUN not in row.reasons.split(","):
            counts[row.label][row.side] += 1
    return tuple(
        ClassCounts(label, *(sides[side] for side in (*_SIDES, Side.NONE))) for label, sides in sorted(counts.items())
    )


def _refuse_untrainable(report: SplitReport) -> None:
    problems = [problem for counts in report.classes if (problem := _problem_of(counts))]
    if not report.classes:
        problems.append("there is no labelled photo")
    elif not report.validation:
        problems.append(f"no photo is left for validation (train {report.train}, test {report.test})")
    if problems:
        raise DataError(
            "the photos cannot be split: " + "; ".join(problems),
            expected="a training photo of every class and photos to validate on, after cleaning",
            todo="read the reasons in reports/clean; bring more photos, leave a class out with photos.classes, or "
            "raise split.validation",
        )


def _problem_of(counts: ClassCounts) -> str:
    kept = counts.train + counts.validation + counts.test
    if kept == 0:
        return f"all {counts.quarantined} photos of class {counts.label} are quarantined"
    if kept == 1:
        return f"class {counts.label} has one photo"
    if counts.train == 0:
        where = f"validation {counts.validation}, test {counts.test}, quarantined {counts.quarantined}"
        return f"class {counts.label} has no training photo ({where})"
    return ""


def _leaking(leaks: Sequence[tuple[str, str]]) -> DataError:
    lines = [f"\n    {first}  =  {second}" for first, second in leaks[:_NUM_SHOWN]]
    more = f"\n    and {len(leaks) - _NUM_SHOWN} more" if len(leaks) > _NUM_SHOWN else ""
    return DataError(
        f"{len(leaks)} pairs of the same photo lie on two sides:{''.join(lines)}{more}",
        expected="a photo and its copies on one side",
        todo="quarantine one photo of each pair by a line `<sha256>,drop,,<reason>,<you>` in reviews/decisions.csv, "
        "and report it: the replay should have prevented it",
    )


def _write_report(folder: Path, report: SplitReport) -> None:
    write_text(folder / "summary.json", json.dumps(dataclasses.asdict(report), indent=2, ensure_ascii=False) + "\n")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in dataclasses.fields(ClassCounts))
    writer.writerows(dataclasses.astuple(counts) for counts in report.classes)
    write_text(folder / "classes.csv", text.getvalue())
