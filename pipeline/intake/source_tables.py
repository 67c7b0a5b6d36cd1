"""Tables that come with photos: `photos.csv` or `labels.csv` in a batch, one line per photo."""

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from pipeline.core.errors import DataError
from pipeline.core.tables import write_text
from pipeline.intake.outlines import Outline
from pipeline.photos.listing import ORIGINALS, PHOTOS_CSV

TABLE_NAMES = (PHOTOS_CSV, "labels.csv")

_OTHER_NAMES = {"file": "path", "class": "label", "license": "licence"}
_BETWEEN_LABELS = re.compile(r"[;|]")
_NUM_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """What a table says of a photo besides its label; each may be empty."""

    group: str = ""
    """Photos that must share a side."""
    site: str = ""
    taken_at: str = ""
    mask: str = ""
    """Path of the photo's pixel mask, relative as the photo's own."""
    url: str = ""
    licence: str = ""
    author: str = ""
    source: str = ""
    """Page or collection where the photo was found."""
    original: str = ""
    """Path below `_originals/` of the file that the photo was converted from, relative as the photo's own."""


@dataclass(frozen=True, slots=True)
class PhotoLine:
    """A line of a table."""

    path: str
    """POSIX path relative to the folder of the table."""
    label: str | None
    """None where the table leaves the label empty, or has no such column."""
    facts: Facts
    outline: Outline | None = None
    """What a label file marks on the photo, to be drawn as its mask."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table: its photos by path, and whether it is the table that says what is on them."""

    lines: Mapping[str, PhotoLine]
    gives_labels: bool
    files: frozenset[str] = frozenset()
    """Paths of its own files, from the folder that the photos' paths are relative to."""
    remarks: tuple[str, ...] = ()
    """What was not taken over from it, in sentences."""


NO_TABLE = SourceTable(lines={}, gives_labels=False)

_FACTS = tuple(field.name for field in fields(Facts))
_LATE_FACTS = frozenset(("source", "original"))
"""Written where known: a table without them stays byte for byte what it was before there were such columns."""
_PATHS = ("mask", "original")


def read_source_table(folder: Path, files: Collection[str]) -> SourceTable:
    """Read the table at the top of a folder, if there is one.

    The columns are `path` (or `file`), `label` (or `class`), group, site, taken_at, mask, url, licence, author,
    source and original; all but the path may be absent, other columns are ignored, and so is an original outside
    `_originals/`.

    Args:
        folder: the folder that the paths of the table are relative to.
        files: POSIX paths of the files below it; each path, mask and original of the table must be one of them.

    Raises:
        DataError: two tables, no column of paths, text that is not UTF-8, files that are not there, or a photo with
            more than one label.
    """
    names = [name for name in TABLE_NAMES if name in files]
    if not names:
        return NO_TABLE
    if len(names) > 1:
        raise DataError(
            f"{folder} holds {' and '.join(names)}",
            expected="one table of the photos",
            todo="merge them into photos.csv and take the other away",
        )
    table = folder / names[0]
    header, lines = _read_csv(table)
    listed = _with_files([_parsed(line) for line in lines], files, table)
    _refuse_many_labels(listed, table)
    lines_by_path = {photo.path: photo for photo in listed}
    return SourceTable(lines_by_path, gives_labels="label" in header, files=frozenset(names))


def write_photos_csv(path: Path, photos: Sequence[PhotoLine]) -> None:
    """Write `photos.csv`, sorted by path, with all columns, `source` and `original` where known."""
    known = {name for name in _LATE_FACTS if any(getattr(photo.facts, name) for photo in photos)}
    names = [name for name in _FACTS if name in known or name not in _LATE_FACTS]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "label", *names))
    for photo in sorted(photos, key=lambda photo: photo.path):
        writer.writerow((photo.path, photo.label or "", *(getattr(photo.facts, name) for name in names)))
    write_text(path, text.getvalue())


def shown(names: Sequence[str]) -> str:
    """The first names of a long list, and how many more there are."""
    more = f" and {len(names) - _NUM_SHOWN} more" if len(names) > _NUM_SHOWN else ""
    return ", ".join(names[:_NUM_SHOWN]) + more


def _read_csv(table: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        rows = list(csv.reader(io.StringIO(table.read_text(encoding="utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{table} cannot be read: {error}",
            expected="a CSV file in UTF-8",
            todo="save the table again as CSV (UTF-8)",
        ) from None
    header = [_OTHER_NAMES.get(name.strip().lower(), name.strip().lower()) for name in (rows[0] if rows else [])]
    if "path" not in header:
        raise DataError(
            f"{table} has the columns {', '.join(header) or '(none)'}",
            expected="a column `path` or `file`, parted by commas",
            todo="name the column of the files `path`, and save the table with commas",
        )
    return header, [dict(zip(header, (value.strip() for value in row), strict=False)) for row in rows[1:] if any(row)]


def _parsed(line: dict[str, str]) -> PhotoLine:
    # On one line: Python's writer of tables leaves a lone carriage return bare, and readers take it for a line's end.
    facts = Facts(**{name: " ".join(line.get(name, "").split()) for name in _FACTS if name not in _PATHS})
    original = line.get("original", "")
    facts = replace(facts, mask=line.get("mask", ""), original=original if ORIGINALS in original.split("/") else "")
    return PhotoLine(path=line.get("path", ""), label=line.get("label") or None, facts=facts)


def _with_files(listed: list[PhotoLine], files: Collection[str], table: Path) -> list[PhotoLine]:
    """Replace the paths of the table by the names on disk; accents may be composed differently in the two."""
    on_disk = {comparable(file): file for file in files}
    named = {name for photo in listed for name in (photo.path, photo.facts.mask, photo.facts.original) if name}
    absent = sorted(name for name in named if comparable(name) not in on_disk)
    if absent:
        raise DataError(
            f"{table} names {len(absent)} files that are not there: {shown(absent)}",
            expected="paths relative to the folder of the table, of photos and masks that came with it",
            todo="mend the paths or take the lines out",
        )
    return [
        PhotoLine(
            path=on_disk[comparable(photo.path)],
            label=photo.label,
            facts=replace(
                photo.facts,
                mask=on_disk.get(comparable(photo.facts.mask), ""),
                original=on_disk.get(comparable(photo.facts.original), ""),
            ),
        )
        for photo in listed
    ]


def comparable(path: str) -> str:
    """A path as names are compared: with `/`, from its folder, its accents composed."""
    return unicodedata.normalize("NFC", path.replace("\\", "/").removeprefix("./"))


def _refuse_many_labels(listed: Sequence[PhotoLine], table: Path) -> None:
    first_of: dict[str, PhotoLine] = {}
    for photo in listed:
        several = photo.label is not None and _BETWEEN_LABELS.search(photo.label)
        if several or first_of.setdefault(photo.path, photo).label != photo.label:
            raise DataError(
                f"{table}: {photo.path} is many-label",
                expected="one label per photo; many-label photos are out of scope for now",
                todo="keep the label that matters for your task, or leave the photo out",
            )
