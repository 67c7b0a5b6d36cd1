import hashlib
import io
import random
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from reading_work import KILLER, measure_or_die

from pipeline.photos import scan
from pipeline.photos.kept_measures import KeptMeasures
from pipeline.photos.listing import FoundFile
from pipeline.photos.measures import Measures, making_of_measures, measure
from pipeline.photos.readers import Readers, in_processes, in_this_process
from pipeline.photos.reading import NOTHING_READ, read_photo
from pipeline.photos.records import PhotoRow
from pipeline.photos.scan import Scanner, scan_photos
from serving.contract import PhotoLimits

LIMITS = PhotoLimits()
TODAY = 20_000
NUM_FILES = 150


def photo(seed: int) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((40, 30), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def rested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of these tests count as settled at once: the time of their last change cannot be set back."""
    monkeypatch.setattr("pipeline.photos.reading._SETTLED_NANOSECONDS", -(10**12))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout of photos, a tenth of them none."""
    for number in range(NUM_FILES):
        put(tmp_path, number, photo(number) if number % 10 else b"no photo %d" % number)
    return tmp_path


def put(root: Path, number: int, data: bytes) -> None:
    location = root / path_of(number)
    location.parent.mkdir(parents=True, exist_ok=True)
    location.write_bytes(data)


def path_of(number: int) -> str:
    return f"data/one/wall/{number:03}.jpg"


def files_of(root: Path) -> list[FoundFile]:
    found = sorted(location for location in (root / "data").rglob("*") if location.is_file())
    return [FoundFile(location.relative_to(root).as_posix(), "one", "wall") for location in found]


@contextmanager
def scanner(root: Path, readers: Readers | None = None, store: str = "measures.sqlite") -> Iterator[Scanner]:
    with closing(KeptMeasures(root / ".heritage" / store, making_of_measures(LIMITS), TODAY)) as kept:
        yield Scanner(root, LIMITS, lambda num_files, num_bytes: readers or in_this_process(), kept)


def rows_of(root: Path, readers: Readers | None = None, store: str = "measures.sqlite") -> list[PhotoRow]:
    with scanner(root, readers, store) as ours:
        return list(scan_photos(files_of(root), ours))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sha256 of all bytes that were decoded, in order."""
    seen: list[str] = []

    def measure_and_tell(data: bytes, limits: PhotoLimits) -> Measures:
        seen.append(hashlib.sha256(data).hexdigest())
        return measure(data, limits)

    monkeypatch.setattr(scan, "measure", measure_and_tell)
    return seen


def test_a_second_run_decodes_nothing_and_says_the_same(root: Path, decoded: list[str]) -> None:
    first = rows_of(root)
    assert len(decoded) == NUM_FILES
    assert first == [read_photo(root, file, LIMITS) for file in files_of(root)]
    assert sum(bool(row.error) for row in first) == 15
    assert rows_of(root) == first
    assert len(decoded) == NUM_FILES


def test_a_run_that_is_stopped_half_way_leaves_its_work_to_the_next(
    root: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_FILES_AT_ONCE", 10)
    monkeypatch.setattr(scan, "_FILES_PER_TASK", 5)

    def stop_at(data: bytes, limits: PhotoLimits) -> Measures:
        if data == photo(101):
            raise KeyboardInterrupt
        return measure(data, limits)

    with monkeypatch.context() as patched:
        patched.setattr(scan, "measure", stop_at)
        with pytest.raises(KeyboardInterrupt):
            rows_of(root)
    rows = rows_of(root)
    assert len(rows) == NUM_FILES
    assert NUM_FILES - 101 <= len(decoded) <= NUM_FILES - 100 + 10
    assert rows == rows_of(root, store="another")


def test_known_bytes_under_other_names_are_hashed_and_not_decoded(root: Path, decoded: list[str]) -> None:
    before = {row.sha256: row for row in rows_of(root)}
    shutil.move(root / "data/one", root / "data/two")
    put(root, 500, photo(500))
    decoded.clear()
    rows = rows_of(root)
    assert decoded == [hashlib.sha256(photo(500)).hexdigest()]
    assert len(rows) == NUM_FILES + 1
    assert all(row.phash == before[row.sha256].phash for row in rows if row.sha256 in before)


def test_a_file_whose_bytes_changed_is_read_again(root: Path, decoded: list[str]) -> None:
    rows_of(root)
    decoded.clear()
    put(root, 7, photo(700))
    (row,) = [row for row in rows_of(root) if row.path == path_of(7)]
    assert decoded == [row.sha256] == [hashlib.sha256(photo(700)).hexdigest()]


def test_a_file_that_goes_between_listing_and_reading_costs_itself_alone(root: Path) -> None:
    files = files_of(root)
    (root / path_of(3)).unlink()
    with scanner(root) as ours:
        rows = list(scan_photos(files, ours))
    assert [row.path for row in rows] == [file.path for file in files]
    assert [row.error for row in rows if row.sha256 == NOTHING_READ] == ["cannot be read: No such file or directory"]


def test_a_file_that_kills_its_decoder_costs_itself_alone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = rows_of(root, store="another")
    for number in (20, 130):
        put(root, number, KILLER + b"%d" % number)
    with monkeypatch.context() as patched:
        patched.setattr(scan, "measure", measure_or_die)
        rows = rows_of(root, in_processes(2))
    killed = {row.path: row for row in rows if row.error == "the process that read it was killed"}
    assert killed.keys() == {path_of(20), path_of(130)}
    assert killed[path_of(20)].sha256 == hashlib.sha256(KILLER + b"20").hexdigest()
    assert [row for row in rows if row.path not in killed] == [row for row in expected if row.path not in killed]
    # The next run tries it again.
    assert {row.error for row in rows_of(root) if row.path in killed} == {
        "not a photo: the bytes are none of JPEG, PNG, WEBP"
    }


@pytest.mark.parametrize("workers", (1, 2, 4))
def test_rows_are_the_same_for_any_order_of_files_and_any_number_of_workers(root: Path, workers: int) -> None:
    files = files_of(root)
    with scanner(root, store="one") as ours:
        expected = list(scan_photos(files, ours))
    shuffled = random.Random(workers).sample(files, len(files))
    with scanner(root, in_processes(workers), "other") as ours:
        rows = list(scan_photos(shuffled, ours))
    assert [row.path for row in expected] == [file.path for file in files]
    assert [row.path for row in rows] == [file.path for file in shuffled]
    assert sorted(rows, key=lambda row: row.path) == expected


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=4))
def test_whatever_came_before_a_run_says_what_a_first_run_would(
    tmp_path_factory: pytest.TempPathFactory, states: list[Mapping[int, int]]
) -> None:
    root = tmp_path_factory.mktemp("checkout")
    for state in states:
        shutil.rmtree(root / "data", ignore_errors=True)
        for number, content in state.items():
            put(root, number, photo(content) if content else b"no photo")
        (root / "data").mkdir(exist_ok=True)
        assert rows_of(root) == [read_photo(root, file, LIMITS) for file in files_of(root)]


def test_a_store_that_is_damaged_while_it_is_used_changes_no_row(root: Path) -> None:
    expected = rows_of(root)
    store = root / ".heritage" / "measures.sqlite"
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE measures SET entropy = 9 WHERE rowid = 77")
    with scanner(root) as ours:
        assert list(scan_photos(files_of(root), ours)) == expected
        assert ["a row was altered" in warning for warning in ours.kept.warnings] == [True]


def test_no_file_is_changed(root: Path) -> None:
    def state() -> dict[str, tuple[bytes, int, int]]:
        files = [location for location in (root / "data").rglob("*") if location.is_file()]
        return {str(one): (one.read_bytes(), one.stat().st_mtime_ns, one.stat().st_mode) for one in files}

    before = state()
    rows_of(root)
    rows_of(root, in_processes(2), "another")
    assert state() == before


def test_tasks_are_small_in_files_and_in_bytes() -> None:
    small = scan._tasks({str(number): 1 for number in range(130)})
    assert [len(task) for task in small] == [64, 64, 2]
    large = scan._tasks({str(number): 5 << 20 for number in range(5)})
    assert [len(task) for task in large] == [2, 2, 1]
