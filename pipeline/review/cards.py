"""Cards: a photo as the page shows it. Files of equal bytes are one photo, since a decision holds for all of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.photos.records import CleanRow, Decision, PhotoRow, Side
from pipeline.report.quarantine import reason_name
from pipeline.review.material import Material


@dataclass(frozen=True)
class Card:
    """A photo, and what the last run made of it."""

    sha256: str
    places: tuple[str, ...]
    """Paths from the root of the checkout."""
    labels: tuple[str, ...]
    """Sorted; several where files of equal bytes came under several; none for an unlabelled photo."""
    batches: tuple[str, ...]
    stays: bool
    side: str
    """A `Side`, empty where it stands on none."""
    reasons: tuple[str, ...]
    """In words; of quarantine, or flags."""
    width: int
    height: int
    num_bytes: int
    sharpness: float
    error: str
    """Why the file cannot be read."""
    facts: dict[str, str]
    """Where it is from, as far as that is told: site, url, licence, author, taken at."""


def cards_by_sha256(material: Material) -> dict[str, Card]:
    """All photos of a run."""
    files: dict[str, list[CleanRow]] = {}
    for row in material.rows:
        files.setdefault(row.sha256, []).append(row)
    return {sha256: _card(sha256, rows, material) for sha256, rows in files.items()}


def sha256s(rows: Iterable[CleanRow]) -> tuple[str, ...]:
    """The photos of some files, each once, in their order."""
    return tuple(dict.fromkeys(row.sha256 for row in rows))


def _card(sha256: str, rows: Sequence[CleanRow], material: Material) -> Card:
    photo = material.photos.get(rows[0].path)
    sides = {material.sides.get(row.path, "") for row in rows} - {"", Side.NONE}
    reasons = {reason for row in rows for reason in row.reasons.split(",") if reason}
    return Card(
        sha256=sha256,
        places=tuple(row.path for row in rows),
        labels=tuple(sorted({row.label for row in rows if row.label is not None})),
        batches=tuple(sorted({row.batch for row in rows})),
        stays=any(row.decision == Decision.KEEP for row in rows),
        side=Side.TEST if Side.TEST in sides else min(sides, default=""),
        reasons=tuple(reason_name(reason) for reason in sorted(reasons)),
        width=photo.width if photo else 0,
        height=photo.height if photo else 0,
        num_bytes=photo.num_bytes if photo else 0,
        sharpness=photo.sharpness if photo else 0.0,
        error=photo.error if photo else "",
        facts=_facts(photo) if photo else {},
    )


def _facts(photo: PhotoRow) -> dict[str, str]:
    facts = {
        "site": photo.site,
        "url": photo.url,
        "licence": photo.licence,
        "author": photo.author,
        "taken at": photo.taken_at,
    }
    return {name: value for name, value in facts.items() if value}
