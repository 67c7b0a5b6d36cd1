"""Tables on disk: a table is a list of one frozen dataclass, stored as Parquet whose bytes depend on the rows alone."""

import dataclasses
import os
import tempfile
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import DataError

Row = TypeVar("Row")

_ROWS_AT_ONCE = 8192
"""So many rows stand in memory a second time, as columns, while a table is written or read."""
_ARROW_TYPES: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}


def schema_of(row_type: type) -> pa.Schema:
    """Arrow schema of a row dataclass; `T | None` becomes a nullable column, everything else is required.

    Raises:
        TypeError: a field has a type that no column can hold.
    """
    hints = typing.get_type_hints(row_type)
    fields = []
    for field in dataclasses.fields(row_type):
        hint, nullable = _without_none(hints[field.name])
        if hint not in _ARROW_TYPES:
            raise TypeError(f"{row_type.__name__}.{field.name} has type {hint}; columns hold {list(_ARROW_TYPES)}")
        fields.append(pa.field(field.name, _ARROW_TYPES[hint], nullable=nullable))
    return pa.schema(fields)


def write_rows(path: Path, row_type: type[Row], rows: Iterable[Row]) -> None:
    """Write rows as Parquet, replacing the file in one step; equal rows give equal bytes.

    Rows may come one after the other: no more than some thousands are held at once.
    """
    schema = schema_of(row_type)
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", version="2.6", write_statistics=False) as writer,
    ):
        waiting = iter(rows)
        while part := list(islice(waiting, _ROWS_AT_ONCE)):
            columns = {name: list(map(attrgetter(name), part)) for name in schema.names}
            writer.write_table(pa.Table.from_pydict(columns, schema=schema))


def read_rows(path: Path, row_type: type[Row]) -> list[Row]:
    """Read the rows of a table written by `write_rows`.

    Raises:
        DataError: the file is missing, is not Parquet or lacks a column of `row_type`.
    """
    schema = schema_of(row_type)
    try:
        with pq.ParquetFile(path) as file:
            missing = [name for name in schema.names if name not in file.schema_arrow.names]
            rows = [] if missing else list(_rows_of(file, row_type, schema.names))
    except FileNotFoundError:
        raise DataError(
            f"{path} does not exist",
            expected="the table that an earlier stage writes",
            todo="run `dvc repro` (or the stage that makes it) first",
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{path} cannot be read: {error}",
            expected=f"a Parquet table with the columns {', '.join(schema.names)}",
            todo="delete the file and run `dvc repro` again",
        ) from None
    if missing:
        raise DataError(
            f"{path} lacks the columns {', '.join(missing)}",
            expected=f"the columns {', '.join(schema.names)}",
            todo="delete the file and run `dvc repro` again",
        )
    return rows


def _rows_of(file: pq.ParquetFile, row_type: type[Row], names: Sequence[str]) -> Iterator[Row]:
    # One group after the other, as they were written: to read batches, Arrow would load the whole file first.
    for group in range(file.num_row_groups):
        part = file.read_row_group(group, columns=list(names))
        columns = [part.column(name).to_pylist() for name in names]
        yield from (row_type(*values) for values in zip(*columns, strict=True))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it replaces `path` in one step, on failure it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step, so that no reader ever sees half of it."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _without_none(hint: Any) -> tuple[Any, bool]:
    if isinstance(hint, types.UnionType):
        inner = [argument for argument in typing.get_args(hint) if argument is not type(None)]
        return inner[0], True
    return hint, False
