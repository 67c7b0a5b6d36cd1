from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.core.errors import DataError
from pipeline.core.tables import read_rows, replacing, schema_of, write_rows, write_text


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    label: str | None
    number: int
    share: float
    kept: bool
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class WiderRow:
    name: str
    colour: str


@dataclass(frozen=True, slots=True)
class OddRow:
    names: list[str]


ROWS = st.builds(
    Row,
    st.text(max_size=5),
    st.none() | st.text(max_size=5),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
    st.binary(max_size=5),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=4))
def test_rows_come_back_as_they_went_and_equal_rows_give_equal_bytes(tmp_path: Path, rows: list[Row]) -> None:
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    write_rows(first, Row, rows)
    write_rows(second, Row, list(rows))
    assert read_rows(first, Row) == rows
    assert first.read_bytes() == second.read_bytes()


def test_a_value_may_be_missing_only_where_the_row_says_so(tmp_path: Path) -> None:
    with pytest.raises(pa.ArrowInvalid):
        write_rows(tmp_path / "rows.parquet", WiderRow, [WiderRow("a", None)])  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_missing_table_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro"):
        read_rows(tmp_path / "rows.parquet", Row)


def test_a_table_that_lacks_a_column_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"name": ["a"]}), path)
    with pytest.raises(DataError, match="colour"):
        read_rows(path, WiderRow)


@pytest.mark.parametrize("data", (b"", b"no table", b"PAR1PAR1"))
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "rows.parquet").write_bytes(data)
    with pytest.raises(DataError, match="cannot be read"):
        read_rows(tmp_path / "rows.parquet", Row)


def test_a_type_that_no_column_holds_is_refused() -> None:
    with pytest.raises(TypeError, match=r"OddRow\.names"):
        schema_of(OddRow)


def half_written(path: Path) -> None:
    path.write_text("half of the new", encoding="utf-8")
    path.mkdir()


def test_a_failed_replacement_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    write_text(path, "old")
    with pytest.raises(FileExistsError), replacing(path) as temporary:
        half_written(temporary)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_replacement_makes_its_folder_and_a_file_that_others_may_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "report.txt"
    write_text(path, "grüße")
    assert path.read_bytes() == "grüße".encode()
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]
