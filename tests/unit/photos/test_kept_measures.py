import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.photos.kept_measures import KeptMeasures
from pipeline.photos.measures import MEASURED, Measures, unmeasured
from pipeline.photos.reading import Identity, Reading

TODAY = 20_000
IDENTITY = Identity(9, 1_700_000_000_000_000_001, 1_700_000_000_000_000_002, 2**63 - 1)


def measures_of(number: int = 1) -> Measures:
    made = {**unmeasured(f"{number:064x}", 9, ""), "phash": -(2**63), "entropy": 0.1 + 0.2}
    return {**made, "thumbnail": bytes(range(256)) * 4, "format": "JPEG"}


def reading(number: int = 1, *, whole: bool = True, identity: Identity | None = IDENTITY) -> Reading:
    return Reading(measures_of(number), whole, identity)


@contextmanager
def opened(path: Path, making: str = "so", today: int = TODAY) -> Iterator[KeptMeasures]:
    with closing(KeptMeasures(path, making, today)) as kept:
        yield kept


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that holds one photo."""
    path = tmp_path / "state" / "measures.sqlite"
    with opened(path) as kept:
        assert kept.is_empty()
        kept.keep({"data/a/é.jpg": reading()})
    return path


def test_what_one_run_kept_the_next_one_finds(store: Path) -> None:
    with opened(store) as kept:
        assert not kept.is_empty()
        assert kept.sha256s_of({"data/a/é.jpg": IDENTITY, "data/a/b.jpg": IDENTITY}) == {"data/a/é.jpg": f"{1:064x}"}
        assert kept.measures_of([f"{1:064x}", f"{2:064x}"]) == {f"{1:064x}": measures_of()}
        assert kept.warnings == []


KINDS = {
    str: st.text(st.characters(codec="utf-8")),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    bytes: st.binary(),
}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({name: KINDS[type(value)] for name, value in measures_of().items()}))
def test_measures_come_back_as_they_were(tmp_path: Path, measures: Measures) -> None:
    with opened(tmp_path / "store") as kept:
        kept.keep({"x": Reading(measures, whole=True, identity=None)})
        (found,) = kept.measures_of([measures["sha256"]]).values()
        assert tuple(found) == MEASURED
        assert repr(found) == repr({name: measures[name] for name in MEASURED})


@pytest.mark.parametrize("field", Identity._fields)
def test_a_file_that_differs_in_anything_is_not_recognised(store: Path, field: str) -> None:
    with opened(store) as kept:
        assert kept.sha256s_of({"data/a/é.jpg": IDENTITY._replace(**{field: 1})}) == {}


def test_measures_made_by_other_code_are_not_seen_and_not_lost(store: Path) -> None:
    with opened(store, making="otherwise") as kept:
        assert kept.is_empty()
        assert kept.measures_of([f"{1:064x}"]) == {}
    with opened(store) as kept:
        assert kept.measures_of([f"{1:064x}"])


def test_files_that_were_not_read_whole_are_not_kept(tmp_path: Path) -> None:
    with opened(tmp_path / "store") as kept:
        kept.keep({"a": reading(1, whole=False, identity=None), "b": reading(2, identity=None)})
        assert kept.measures_of([f"{1:064x}", f"{2:064x}"]).keys() == {f"{2:064x}"}
        assert kept.sha256s_of({"a": IDENTITY, "b": IDENTITY}) == {}


def test_what_no_run_uses_is_dropped_and_what_one_uses_stays(store: Path) -> None:
    for day in (10, 20, 35, 60):
        with opened(store, today=TODAY + day) as kept:
            assert kept.sha256s_of({"data/a/é.jpg": IDENTITY})
            assert kept.measures_of([f"{1:064x}"])
    for day in (91, 92):
        with opened(store, today=TODAY + day) as kept:
            assert kept.is_empty() == (day == 92)


@pytest.mark.parametrize("damage", ("text", "cut", "holes", "altered"))
def test_a_damaged_store_is_put_aside_and_begun_anew(store: Path, damage: str) -> None:
    whole = store.read_bytes()
    damaged = {
        "text": b"To the restorer: these are the photos you asked for. " * 40,
        "cut": whole[: len(whole) // 2],
        "holes": whole[:4096] + bytes(len(whole) - 4096),
        "altered": whole.replace(bytes(range(100, 200)), bytes(range(101, 201))),
    }[damage]
    assert damaged != whole
    store.write_bytes(damaged)
    with opened(store) as kept:
        assert kept.sha256s_of({"data/a/é.jpg": IDENTITY}) in ({}, {"data/a/é.jpg": f"{1:064x}"})
        assert kept.measures_of([f"{1:064x}"]) == {}
        kept.keep({"data/a/é.jpg": reading()})
        assert [("damaged" in warning) for warning in kept.warnings] == [True]
    assert store.with_name(f"{store.name}.damaged").read_bytes()
    with opened(store) as kept:
        assert kept.measures_of([f"{1:064x}"])
        assert kept.warnings == []


def test_a_store_of_another_form_is_begun_anew(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DROP TABLE measures")
        connection.execute("CREATE TABLE measures (something)")
        connection.execute("PRAGMA user_version = 1")
    with opened(store) as kept:
        assert kept.is_empty()
        kept.keep({"x": reading()})
        assert kept.measures_of([f"{1:064x}"])
        assert kept.warnings == []


def test_where_no_store_can_be_made_a_run_goes_on_without_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    with opened(tmp_path / "state" / "measures.sqlite") as kept:
        kept.keep({"x": reading()})
        assert kept.is_empty()
        assert kept.measures_of([f"{1:064x}"]) == {}
        assert ["measured without it" in warning for warning in kept.warnings] == [True]


def test_a_store_that_another_program_holds_is_left_alone(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.photos.kept_measures._WAIT_SECONDS", 0.01)
    with closing(sqlite3.connect(store)) as other, opened(store) as kept:
        other.execute("BEGIN EXCLUSIVE")
        kept.keep({"y": reading(2)})
        assert ["locked" in warning for warning in kept.warnings] == [True]
        other.rollback()
    with opened(store) as kept:
        assert kept.measures_of([f"{1:064x}", f"{2:064x}"]).keys() == {f"{1:064x}"}


def test_two_runs_at_once_keep_what_both_found(store: Path) -> None:
    with opened(store) as one, opened(store) as other:
        for number in range(2, 40, 2):
            one.keep({f"{number}": reading(number)})
            other.keep({f"{number + 1}": reading(number + 1)})
        found = one.measures_of(f"{number:064x}" for number in range(50))
        assert len(found) == 39
        assert one.warnings == other.warnings == []
