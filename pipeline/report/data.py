"""The photos of a run: what came, what was kept, what each side got, and what a person should look at."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.photos.batches import read_batches
from pipeline.photos.listing import UNLABELLED
from pipeline.photos.provenance import provenance_of
from pipeline.photos.records import Decision, DuplicateRow, PhotoRow, Side, SplitRow
from pipeline.report.files import json_or_none, rows_or_none
from pipeline.report.photos import thumbnails_of
from pipeline.report.quarantine import Cleaned, flag_lines, reason_galleries
from pipeline.report.sections import Section, section_of

_REVIEW = "review/index.html"
_DATA_DOCS = "validate/data_docs/index.html"
"""Both from the page's own folder."""


@dataclass(frozen=True)
class Counts:
    """Photos of a class, of a batch, or of all."""

    name: str
    note: str
    files: int
    quarantined: int
    train: int
    validation: int
    test: int
    beside: int
    """Kept, but on no side: photos without a label."""


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `data`."""
    rows = rows_or_none(layout.artifacts("split") / "photos.parquet", SplitRow)
    if rows is None:
        return section_of("data", "Photos", rows=None)
    photos = rows_or_none(layout.artifacts("validate") / "photos.parquet", PhotoRow) or []
    duplicates = rows_or_none(layout.artifacts("clean") / "duplicates.parquet", DuplicateRow) or []
    cleaned = Cleaned(rows, {photo.path: photo for photo in photos}, duplicates, parameters.clean)
    outcomes = json_or_none(layout.reports("validate") / "expectations.json") or []
    has_docs = (layout.report.parent / _DATA_DOCS).is_file()
    return section_of(
        "data",
        "Photos",
        rows=rows,
        total=_counts("all", "", rows),
        by_class=counts_by(rows, [row.label or UNLABELLED for row in rows]),
        by_batch=_by_batch(layout, rows),
        galleries=reason_galleries(cleaned, thumbnails_of(layout, parameters)),
        flags=flag_lines(rows),
        same_photo=sum(pair.tier == 1 for pair in duplicates),
        same_scene=sum(pair.tier != 1 for pair in duplicates),
        origin=provenance_of([row for row in rows if row.decision == Decision.KEEP]),
        scenes=(json_or_none(layout.reports("clean") / "summary.json") or {}).get("scenes"),
        warnings=warnings_of(layout),
        judged=json_or_none(layout.reports("clean") / "summary.json") or {},
        outcomes=outcomes,
        broken=[outcome for outcome in outcomes if not outcome["success"]],
        data_docs=_DATA_DOCS if has_docs else "",
        review=_REVIEW if layout.review.is_file() else "",
    )


def counts_by(rows: Sequence[SplitRow], names: Sequence[str]) -> list[Counts]:
    """Counts of photos by a name of each, sorted by name."""
    groups: dict[str, list[SplitRow]] = {}
    for name, row in zip(names, rows, strict=True):
        groups.setdefault(name, []).append(row)
    return [_counts(name, "", members) for name, members in sorted(groups.items())]


def warnings_of(layout: Layout) -> list[str]:
    """What the stages `validate`, `clean` and `split` want a person to look at, a sentence each."""
    validate = json_or_none(layout.reports("validate") / "summary.json") or {}
    clean = json_or_none(layout.reports("clean") / "summary.json") or {}
    split = json_or_none(layout.reports("split") / "summary.json") or {}
    return [*validate.get("warnings", []), *clean.get("warnings", []), *_of_decisions(clean), *_of_sides(split)]


def _of_decisions(clean: dict[str, Any]) -> Iterable[str]:
    unmatched = clean.get("unmatched_decisions", [])
    if unmatched:
        yield f"Lines of reviews/decisions.csv about photos that this run does not see: {len(unmatched):,}"


def _of_sides(split: dict[str, Any]) -> Iterable[str]:
    for key, words in (
        ("same_scene_pairs_across", "Pairs of photos of one scene on two sides, which flatters the figures"),
        ("groups_across", "Groups of photos (one site, one scene) with photos on more than one side"),
        ("bridges", "Photos left out because they would tie training to the photos that measure it"),
        ("twins_of_pinned", "Photos left out because they are the same as one of the pinned test set"),
    ):
        if split.get(key):
            yield f"{words}: {split[key]:,}"


def _by_batch(layout: Layout, rows: Sequence[SplitRow]) -> list[Counts]:
    """In the order of intake."""
    members: dict[str, list[SplitRow]] = {}
    for row in rows:
        members.setdefault(row.batch, []).append(row)
    pinned = {batch.batch: batch.side for batch in read_batches(layout.batches)}
    order = [name for name in pinned if name in members] + sorted(members.keys() - pinned.keys())
    return [_counts(name, "pinned to the test side" if pinned.get(name) else "", members[name]) for name in order]


def _counts(name: str, note: str, rows: Sequence[SplitRow]) -> Counts:
    sides = Counter(row.side for row in rows)
    quarantined = sum(row.decision == Decision.QUARANTINE for row in rows)
    return Counts(
        name=name,
        note=note,
        files=len(rows),
        quarantined=quarantined,
        train=sides[Side.TRAIN],
        validation=sides[Side.VALIDATION],
        test=sides[Side.TEST],
        beside=sides[Side.NONE] - quarantined,
    )
