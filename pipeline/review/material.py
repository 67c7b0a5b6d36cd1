"""What a review is made from: the tables of the last run, and what people decided before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.core.parameters import CleanParameters, Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows
from pipeline.photos.decisions import HumanDecision, read_decisions
from pipeline.photos.records import CleanRow, DuplicateRow, PhotoRow, SplitRow, SuspectRow
from pipeline.report.files import json_or_none, rows_or_none


@dataclass(frozen=True)
class Material:
    """The tables of one run."""

    rows: Sequence[CleanRow]
    """Sorted by path."""
    photos: Mapping[str, PhotoRow]
    """By path."""
    sides: Mapping[str, str]
    """By path; empty before `split` has run on these photos."""
    pairs: Sequence[DuplicateRow]
    suspects: Sequence[SuspectRow]
    decisions: Sequence[HumanDecision]
    """As `reviews/decisions.csv` holds them now."""
    summary: Mapping[str, Any]
    """`reports/clean/summary.json`; empty where it is missing."""
    parameters: CleanParameters


def read_material(layout: Layout, parameters: Parameters) -> Material:
    """Read what the last run left.

    Raises:
        DataError: `validate` or `clean` has not run, or a table or the decisions cannot be used.
    """
    folder = layout.artifacts("clean")
    rows = read_rows(folder / "photos.parquet", CleanRow)
    photos = read_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow)
    summary = json_or_none(layout.reports("clean") / "summary.json")
    return Material(
        rows=sorted(rows, key=lambda row: row.path),
        photos={photo.path: photo for photo in photos},
        sides=_sides(layout, rows),
        pairs=read_rows(folder / "duplicates.parquet", DuplicateRow),
        suspects=rows_or_none(folder / "suspects.parquet", SuspectRow) or [],
        decisions=read_decisions(layout.decisions),
        summary=summary if isinstance(summary, dict) else {},
        parameters=parameters.clean,
    )


def _sides(layout: Layout, rows: Sequence[CleanRow]) -> dict[str, str]:
    """Sides of an earlier run would mislead: other photos, or other decisions about them."""
    split = rows_or_none(layout.artifacts("split") / "photos.parquet", SplitRow) or []
    if {(row.path, row.decision) for row in split} != {(row.path, row.decision) for row in rows}:
        return {}
    return {row.path: row.side for row in split}
