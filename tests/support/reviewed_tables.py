"""Tables of a run as the review reads them, without photos behind them."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from reported_runs import photo_row
from reviewed_runs import review_parameters

from pipeline.photos.records import CleanRow, DuplicateRow, PhotoRow, SuspectRow
from pipeline.review.material import Material


def row(path: str, label: str | None = "wall", **values: str) -> CleanRow:
    """A kept photo at `data/<path>`; its sha256 is that of its path."""
    sha256 = hashlib.sha256(path.encode()).hexdigest()
    kept = CleanRow(f"data/{path}", path.split("/", maxsplit=1)[0], label, sha256, "keep", "", "", "", "")
    return replace(kept, **values)


def pair(first: str, second: str, distance: int = 2, correlation: float = 0.98, relation: str = "same") -> DuplicateRow:
    return DuplicateRow(f"data/{first}", f"data/{second}", 1, distance, correlation, None, None, relation)


def scene_pair(first: str, second: str) -> DuplicateRow:
    """Two photos of one scene."""
    return replace(pair(first, second, relation="scene"), tier=2)


def material(
    rows: Sequence[CleanRow],
    pairs: Sequence[DuplicateRow] = (),
    suspects: Sequence[SuspectRow] = (),
    photos: Sequence[PhotoRow] = (),
    sides: dict[str, str] | None = None,
) -> Material:
    """What a review is made from; photos that are not given are without fault."""
    measured = {one.path: photo_row(one.path, one.label, sha256=one.sha256) for one in rows}
    return Material(
        rows=sorted(rows, key=lambda one: one.path),
        photos={**measured, **{one.path: one for one in photos}},
        sides={f"data/{path}": side for path, side in (sides or {}).items()},
        pairs=pairs,
        suspects=suspects,
        decisions=[],
        summary={},
        parameters=review_parameters().clean,
    )
