"""The record of batches: which came, in which order, pinned to which side."""

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

from pipeline.core.errors import DataError
from pipeline.core.tables import write_text
from pipeline.photos.records import Batch, Side

_COLUMNS = tuple(field.name for field in fields(Batch))
_SIDES = ("", Side.TEST.value)


def read_batches(path: Path) -> list[Batch]:
    """Read the record, in the order of intake; no file = no batches yet.

    Raises:
        DataError: a line is malformed or a batch occurs twice; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise _malformed(path, 1, str(error)) from None
    lines = csv.reader(io.StringIO(text, newline=""))
    header = next(lines, [])
    if tuple(header) != _COLUMNS:
        raise _malformed(path, 1, f"the header is {','.join(header)!r}")
    batches: list[Batch] = []
    for values in lines:
        batch = _parsed(values, path, lines.line_num)
        if any(batch.batch == other.batch for other in batches):
            raise _malformed(path, lines.line_num, f"batch {batch.batch} occurs twice")
        batches.append(batch)
    return batches


def write_batches(path: Path, batches: Sequence[Batch]) -> None:
    """Replace the record in one step."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(astuple(batch) for batch in batches)
    write_text(path, text.getvalue())


def _parsed(values: list[str], path: Path, line: int) -> Batch:
    if len(values) != len(_COLUMNS):
        raise _malformed(path, line, f"it has {len(values)} values")
    batch, side, sha256, photos = values
    if not batch or side not in _SIDES or not photos.isdecimal():
        raise _malformed(path, line, f"the values are {','.join(values)!r}")
    return Batch(batch, side, sha256, int(photos))


def _malformed(path: Path, line: int, what: str) -> DataError:
    return DataError(
        f"{path}, line {line}: {what}",
        expected=f"the columns {','.join(_COLUMNS)}; side empty or `test`, photos a number, one line per batch",
        todo="take the file back from the data's last version with `dvc checkout data.dvc`",
    )
