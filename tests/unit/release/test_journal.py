"""The history: appended, never rewritten, readable after a crash."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ServingError
from pipeline.release.journal import (
    Action,
    Entry,
    Journal,
    State,
    append_entry,
    current,
    pending,
    previous,
    read_journal,
    standing_versions,
)

ENTRY = Entry(Action.PROMOTE, 1, None, "m" * 64, "run", "passed", "Ada", "", "2026-05-01T00:00:00+00:00", State.DONE)


def done(action: Action, version: int) -> Entry:
    return replace(ENTRY, action=action, version=version)


def test_what_is_appended_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "walls" / "promotions.jsonl"
    entries = [replace(ENTRY, state=State.INTENT, who="Ödön"), ENTRY, replace(ENTRY, version=2, previous=1)]
    for entry in entries:
        append_entry(path, entry)
    assert read_journal(path) == Journal(tuple(entries))


def test_a_missing_history_is_an_empty_one(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "promotions.jsonl") == Journal()
    assert current(Journal()) is None
    assert previous(Journal()) is None


@pytest.mark.parametrize("kept_bytes", (1, 20, -1))
def test_a_torn_last_line_is_reported_left_out_and_cut_off(tmp_path: Path, kept_bytes: int) -> None:
    path = tmp_path / "promotions.jsonl"
    append_entry(path, ENTRY)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:kept_bytes])
    assert read_journal(path) == Journal((ENTRY,), whole[:kept_bytes].decode())
    append_entry(path, replace(ENTRY, version=2))
    assert read_journal(path) == Journal((ENTRY, replace(ENTRY, version=2)))


@pytest.mark.parametrize("line", ("{", "[]", '{"action": "promote"}', '{"action": "melt", "state": "done"}'))
def test_a_complete_line_that_makes_no_sense_is_an_error_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "promotions.jsonl"
    append_entry(path, ENTRY)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ServingError, match="line 2"):
        read_journal(path)


def test_only_done_lines_change_what_serves() -> None:
    failed = replace(ENTRY, version=2, state=State.FAILED)
    intent = replace(ENTRY, version=3, state=State.INTENT)
    journal = Journal((ENTRY, failed, intent))
    assert current(journal) == ENTRY
    assert pending(journal) == intent
    assert pending(Journal((ENTRY, failed))) is None


@pytest.mark.parametrize(
    ("changes", "standing", "before"),
    (
        ([(Action.PROMOTE, 1)], [1], None),
        ([(Action.PROMOTE, 1), (Action.PROMOTE, 2)], [1, 2], 1),
        ([(Action.PROMOTE, 1), (Action.PROMOTE, 2), (Action.ROLLBACK, 1)], [1], None),
        ([(Action.PROMOTE, 1), (Action.PROMOTE, 2), (Action.PROMOTE, 3), (Action.ROLLBACK, 1)], [1], None),
        ([(Action.PROMOTE, 1), (Action.PROMOTE, 2), (Action.ROLLBACK, 1), (Action.PROMOTE, 3)], [1, 3], 1),
        ([(Action.PROMOTE, 2), (Action.PROMOTE, 1), (Action.PROMOTE, 2)], [2, 1, 2], 1),
    ),
)
def test_a_rollback_never_returns_to_the_version_that_was_withdrawn(
    changes: list[tuple[Action, int]], standing: list[int], before: int | None
) -> None:
    journal = Journal(tuple(done(action, version) for action, version in changes))
    assert standing_versions(journal) == standing
    assert previous(journal) == before


@given(st.lists(st.tuples(st.sampled_from(Action), st.integers(1, 4))))
def test_the_top_of_the_standing_versions_is_what_serves(changes: list[tuple[Action, int]]) -> None:
    journal = Journal(tuple(done(action, version) for action, version in changes))
    serving = current(journal)
    assert standing_versions(journal)[-1:] == ([serving.version] if serving else [])
    assert previous(journal) is None or previous(journal) != serving.version
