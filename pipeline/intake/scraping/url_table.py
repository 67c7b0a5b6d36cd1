"""`urls.csv`: photos to be fetched, one line each."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.errors import DataError
from pipeline.intake.source_tables import TABLE_NAMES, shown
from pipeline.intake.sources import check_class_name, is_seen, looks_like_photo

URLS_CSV = "urls.csv"
MAX_LISTED = 100_000
"""Photos in one table."""

_OPTIONAL = ("label", "source", "licence", "author")
_OTHER_NAMES = {"license": "licence", "class": "label"}
_BETWEEN_LABELS = re.compile(r"[;|]")
_MAX_BYTES = 64 * 2**20
_NUM_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ListedPhoto:
    """A line of the table; all but `line` and `url` may be empty."""

    line: int
    """Number of the line, the header being the first."""
    url: str
    label: str = ""
    source: str = ""
    """Page or collection where the photo was found."""
    licence: str = ""
    author: str = ""


def url_table_of(source: Path) -> Path | None:
    """The table of photos to be fetched, where a source is one or holds one, else none.

    Args:
        source: a file, or a folder with the table at its top or in the only folder there; notes and the like beside
            that folder do no harm.

    Raises:
        DataError: photos or another table came along with it.
    """
    if not source.is_dir():
        return source if source.suffix.lower() == ".csv" and source.is_file() else None
    folder = source
    while inner := _wrapped(folder):
        folder = inner
    table = folder / URLS_CSV
    if not table.is_file() or table.is_symlink():
        return None
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    others = [file for file in files if file in TABLE_NAMES or looks_like_photo(file)]
    if others:
        raise DataError(
            f"{source} holds {URLS_CSV} and {shown(others)}",
            expected="photos to be fetched, or photos that came with the batch",
            todo="make two batches of them",
        )
    return table


def _wrapped(folder: Path) -> Path | None:
    """The only folder in one, beside which no photo or table lies."""
    seen = [path for path in folder.iterdir() if is_seen(path.name)]
    inner = [path for path in seen if path.is_dir() and not path.is_symlink()]
    beside = any(path.name in (URLS_CSV, *TABLE_NAMES) or looks_like_photo(path.name) for path in seen)
    return inner[0] if len(inner) == 1 and not beside else None


def read_url_table(table: Path) -> list[ListedPhoto]:
    """Read the table; its columns are `url`, `licence` (or `license`), `label` (or `class`), `source` and `author`.

    Label, source and author may be absent; other columns are ignored.

    Raises:
        DataError: with every line that is wrong: no address, too many cells, no class's name, or one address under two
            labels; or the file as a whole is no such table.
    """
    header, rows = _rows(table)
    photos: list[ListedPhoto] = []
    problems: list[str] = []
    for line, row in rows:
        if len(row) > len(header):
            problems.append(f"line {line} has {len(row)} cells, the header {len(header)}")
            continue
        cells = dict(zip(header, (" ".join(cell.split()) for cell in row), strict=False))
        photos.append(ListedPhoto(line, *(cells.get(name, "") for name in ("url", *_OPTIONAL))))
    problems += _problems(photos, table)
    if problems:
        more = f"\n  - and {len(problems) - _NUM_SHOWN} more" if len(problems) > _NUM_SHOWN else ""
        raise DataError(
            f"{table} has {len(problems)} problem{'s' if len(problems) > 1 else ''}:\n  - "
            + "\n  - ".join(problems[:_NUM_SHOWN])
            + more,
            expected="in each line an address, and at most one label, which can be the name of a class",
            todo="mend the lines named above",
        )
    if not photos or len(photos) > MAX_LISTED:
        raise DataError(
            f"{table} lists {len(photos)} photos",
            expected=f"1 to {MAX_LISTED}",
            todo="list the photos, or part them into several batches",
        )
    return photos


def _rows(table: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        if table.stat().st_size > _MAX_BYTES:
            raise ValueError(f"has more than {_MAX_BYTES} bytes")
        reader = csv.reader(io.StringIO(table.read_text(encoding="utf-8-sig"), newline=""))
        numbered = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(
            f"{table} cannot be read: {error}",
            expected="a CSV file in UTF-8",
            todo="save the table again as CSV (UTF-8)",
        ) from None
    names = [cell.strip().lower() for cell in numbered[0][1]] if numbered else []
    header = [_OTHER_NAMES.get(name, name) for name in names]
    if not {"url", "licence"} <= set(header) or len(set(header)) < len(header):
        raise DataError(
            f"{table} has the columns {', '.join(header) or '(none)'}",
            expected="each once, parted by commas: url, licence, and where known label, source, author",
            todo="name the columns so; a photo whose licence nobody knows is not fetched",
        )
    return header, numbered[1:]


def _problems(photos: list[ListedPhoto], table: Path) -> Iterator[str]:
    label_of: dict[str, str] = {}
    for photo in photos:
        if not photo.url:
            yield f"line {photo.line} has no address"
        elif _BETWEEN_LABELS.search(photo.label):
            yield f"line {photo.line} is many-label: {photo.label}; many-label photos are out of scope for now"
        elif label_of.setdefault(photo.url, photo.label) != photo.label:
            yield f"line {photo.line} is many-label: its address has the label {label_of[photo.url]!r} above"
        elif photo.label:
            try:
                check_class_name(photo.label, table)
            except DataError as error:
                yield f"line {photo.line}: {error.came}"
