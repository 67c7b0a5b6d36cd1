"""Kept measures: what earlier runs measured, by the hash of a file's bytes, so that no photo is measured twice.

The store is a help and never a need: rows come out the same without it, and where it cannot be used the run goes on
without it and says so.
"""

import json
import marshal
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pipeline.photos.measures import MEASURED, Measures
from pipeline.photos.reading import Identity, Reading

Answer = TypeVar("Answer")

FILE_NAME = "measures.sqlite"
"""Among the records of a checkout."""

_WAIT_SECONDS = 30
_DAYS_KEPT = 30
"""What no run used for so long is dropped."""
_DAYS_UNTIL_NOTED = 7
"""Uses are noted this coarsely, so that a run over known photos writes next to nothing."""

_COLUMNS = ", ".join(MEASURED)
_PLAIN = 2
"""Format of `marshal` in which equal values have equal bytes."""
_PAGE_BYTES = 16_384
"""A row takes more than half of SQLite's usual 4,096 bytes, and the rest of each page would be left empty."""
_TABLES = f"""
CREATE TABLE files (
    path TEXT PRIMARY KEY, num_bytes, modified, changed, inode, sha256 NOT NULL, used NOT NULL
) WITHOUT ROWID;
CREATE INDEX files_by_use ON files (used);
CREATE TABLE measures (making, {_COLUMNS}, checksum NOT NULL, used NOT NULL, PRIMARY KEY (making, sha256));
CREATE INDEX measures_by_use ON measures (used);
"""
_FORM = zlib.crc32(_TABLES.encode()) >> 1
"""Tells the tables' form; a store of another form is emptied."""
_NEW_TABLES = f"""
BEGIN IMMEDIATE;
DROP TABLE IF EXISTS files;
DROP TABLE IF EXISTS measures;
{_TABLES}
PRAGMA user_version = {_FORM};
COMMIT;
"""
_GET_FILES = """
SELECT path, num_bytes, modified, changed, inode, sha256, used FROM files
WHERE path IN (SELECT value FROM json_each(?))
"""
_GET_MEASURES = f"""
SELECT {_COLUMNS}, checksum, used FROM measures
WHERE sha256 IN (SELECT value FROM json_each(?)) AND making = ?
"""  # noqa: S608 -- the columns are our own
_GET_MEASURED = "SELECT sha256 FROM measures WHERE sha256 IN (SELECT value FROM json_each(?)) AND making = ?"
_GET_ANY = "SELECT 1 FROM measures WHERE making = ? LIMIT 1"
_PUT_FILES = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)"
_PUT_MEASURES = f"INSERT OR REPLACE INTO measures VALUES ({', '.join('?' * (len(MEASURED) + 3))})"  # noqa: S608
_USE_FILE = "UPDATE files SET used = ? WHERE path = ?"
_USE_MEASURES = "UPDATE measures SET used = ? WHERE sha256 = ? AND making = ?"
_FORGET = ("DELETE FROM files WHERE used < ?", "DELETE FROM measures WHERE used < ?")


class KeptMeasures:
    """A store of measures in one SQLite file, which several runs may use at once.

    Args:
        path: the file; made where it is missing.
        making: hash of what shapes measures (see `making_of_measures`); what was made otherwise is not seen.
        today: days since 1970.
    """

    def __init__(self, path: Path, making: str, today: int) -> None:
        self.warnings: list[str] = []
        self._path = path
        self._making = making
        self._today = today
        self._uses: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._damaged = False
        self._store: sqlite3.Connection | None = None
        try:
            self._open()
        except (sqlite3.Error, OSError) as problem:
            self._give_up(problem)

    def sha256s_of(self, identities: Mapping[str, Identity]) -> dict[str, str]:
        """Give the sha256 of those files that are still what an earlier run read.

        Args:
            identities: of files, by path.
        """
        found = {}
        for path, *identity, sha256, used in self._rows(_GET_FILES, identities):
            if identities[path] == tuple(identity):
                found[path] = sha256
                self._note(used, _USE_FILE, path)
        return found

    def measured_of(self, sha256s: Iterable[str]) -> set[str]:
        """Tell of which bytes measures are kept."""
        return {sha256 for (sha256,) in self._rows(_GET_MEASURED, set(sha256s), self._making)}

    def measures_of(self, sha256s: Iterable[str]) -> dict[str, Measures]:
        """Give the measures that are kept, by the sha256 of the bytes."""
        found = {}
        for *values, checksum, used in self._rows(_GET_MEASURES, set(sha256s), self._making):
            if _checksum(values) != checksum:
                self._give_up(sqlite3.DatabaseError("a row was altered"))
                return {}
            measures = dict(zip(MEASURED, values, strict=True))
            found[measures["sha256"]] = measures
            self._note(used, _USE_MEASURES, measures["sha256"], self._making)
        return found

    def keep(self, readings: Mapping[str, Reading]) -> None:
        """Keep what was read, by path; what was not read whole is left out."""
        rows = [[reading.measures[name] for name in MEASURED] for reading in readings.values() if reading.whole]
        self._write(_PUT_MEASURES, [(self._making, *row, _checksum(row), self._today) for row in rows])
        self.know(readings)

    def know(self, readings: Mapping[str, Reading]) -> None:
        """Keep the sha256 alone, by path, of files of which the measures are kept already."""
        files = [
            (path, *reading.identity, reading.measures["sha256"], self._today)
            for path, reading in readings.items()
            if reading.identity
        ]
        self._write(_PUT_FILES, files)

    def is_empty(self) -> bool:
        """Whether there is nothing to ask for."""
        return not self._attempt(lambda store: store.execute(_GET_ANY, (self._making,)).fetchall(), [])

    def close(self) -> None:
        """Note what was used, drop what no run used for long, and let go of the file."""
        for statement, uses in self._uses.items():
            self._write(statement, uses)
        for statement in _FORGET:
            self._write(statement, [(self._today - _DAYS_KEPT,)])
        self._let_go()

    def _note(self, used: int, statement: str, *key: str) -> None:
        if used < self._today - _DAYS_UNTIL_NOTED:
            self._uses[statement].append((self._today, *key))

    def _rows(self, question: str, keys: Iterable[str], *more: str) -> list[tuple[Any, ...]]:
        parameters = (json.dumps(list(keys)), *more)
        return self._attempt(lambda store: store.execute(question, parameters).fetchall(), [])

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        def write(store: sqlite3.Connection) -> None:
            with store:  # one transaction
                store.executemany(statement, rows)

        if rows:
            self._attempt(write, None)

    def _attempt(self, do: Callable[[sqlite3.Connection], Answer], otherwise: Answer) -> Answer:
        try:
            return otherwise if self._store is None else do(self._store)
        except (sqlite3.Error, OSError) as problem:
            self._give_up(problem)
            return otherwise

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        store = self._store = sqlite3.connect(self._path, timeout=_WAIT_SECONDS)
        store.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        # Writers and readers do not wait for one another, and a killed run loses nothing that it had written.
        store.execute("PRAGMA journal_mode = WAL")
        store.execute("PRAGMA synchronous = NORMAL")
        if store.execute("PRAGMA user_version").fetchone() != (_FORM,):
            store.executescript(_NEW_TABLES)

    def _give_up(self, problem: Exception) -> None:
        """Go on without a store that is busy or out of reach; put a damaged one aside and begin a new one."""
        self._let_go()
        damaged = isinstance(problem, sqlite3.DatabaseError) and not isinstance(problem, sqlite3.OperationalError)
        if not damaged or self._damaged:
            self.warnings.append(f"{self._path} cannot be used ({problem}): photos are measured without it")
            return
        self._damaged = True
        self.warnings.append(f"{self._path} is damaged ({problem}): it was put aside as {self._path.name}.damaged")
        try:
            for ending in ("-wal", "-shm"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
            self._path.replace(self._path.with_name(f"{self._path.name}.damaged"))
            self._open()
        except (sqlite3.Error, OSError) as another:
            self._give_up(another)

    def _let_go(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _checksum(values: Sequence[Any]) -> int:
    """Sum of a row, which SQLite does not keep: a disk's error must not pass for a measure."""
    return zlib.crc32(marshal.dumps(tuple(values), _PLAIN))
