"""Scan: a row for every file found, by the least work: known files are recognised, and only the others are read."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pipeline.core.progress import with_progress
from pipeline.photos.kept_measures import KeptMeasures
from pipeline.photos.listing import FoundFile
from pipeline.photos.measures import Measures, measure
from pipeline.photos.readers import Readers, Work, do_tasks
from pipeline.photos.reading import Identity, Reading, Take, hashed, killed, read_task, row_of, unread
from pipeline.photos.records import PhotoRow
from serving.contract import PhotoLimits

Item = TypeVar("Item")

_FILES_AT_ONCE = 512
"""So many files are looked up, and kept, at a time: what a killed run measured is lost for no more than these."""
_FILES_PER_TASK = 64
_BYTES_PER_TASK = 8 << 20


@dataclass(frozen=True)
class Scanner:
    """What a scan needs beside the files."""

    root: Path
    """The checkout, as all readers see it."""
    limits: PhotoLimits
    readers_for: Callable[[int, int], Readers]
    """Chooses who reads so many files of so many bytes together."""
    kept: KeptMeasures


def scan_photos(files: Sequence[FoundFile], scanner: Scanner) -> list[PhotoRow]:
    """Make a row of every file, in the order of the files.

    A file that is still what an earlier run read is not opened. Another is hashed, where any measures are kept, and
    decoded only if its bytes are new.

    Raises:
        MachineError: readers cannot be had, or die again and again.
    """
    found = {file.path: file for file in files if not file.problem}
    rows: dict[str, PhotoRow] = {}
    unknown: dict[str, int] = {}
    for paths in _groups(found):
        identities = {path: _identity_of(f"{scanner.root}/{path}") for path in paths}
        measured = _recognised(scanner.kept, {path: one for path, one in identities.items() if one})
        rows |= {path: row_of(found[path], measures) for path, measures in measured.items()}
        unknown |= {path: one.num_bytes if one else 0 for path, one in identities.items() if path not in measured}
    if not scanner.kept.is_empty():
        for readings in _read(unknown, hashed, "recognising photos", scanner):
            known = scanner.kept.measures_of(reading.measures["sha256"] for reading in readings.values())
            copies = {path: one for path, one in readings.items() if one.whole and one.measures["sha256"] in known}
            scanner.kept.know(copies)
            rows |= {path: row_of(found[path], known[one.measures["sha256"]]) for path, one in copies.items()}
    for readings in _read(
        {path: unknown[path] for path in unknown if path not in rows}, measure, "reading photos", scanner
    ):
        scanner.kept.keep(readings)
        rows |= {path: row_of(found[path], reading.measures) for path, reading in readings.items()}
    return [row_of(file, unread(file.problem).measures) if file.problem else rows[file.path] for file in files]


def _recognised(kept: KeptMeasures, identities: Mapping[str, Identity]) -> dict[str, Measures]:
    """Measures of the files that need not be opened, by path."""
    sha256s = kept.sha256s_of(identities)
    measures = kept.measures_of(sha256s.values())
    return {path: measures[sha256] for path, sha256 in sha256s.items() if sha256 in measures}


def _identity_of(location: str) -> Identity | None:
    try:
        return Identity.of(os.stat(location))  # noqa: PTH116 -- a path object costs more than the question
    except OSError:
        return None


def _read(sizes: Mapping[str, int], take: Take, doing: str, scanner: Scanner) -> Iterator[dict[str, Reading]]:
    """Have files read, given their bytes by path; readings come by path, a few hundred at a time."""
    if not sizes:
        return
    work = Work(
        do=partial(read_task, scanner.root, scanner.limits, take),
        killed=lambda path: killed(scanner.root / path, scanner.limits),
    )
    tasks = list(_tasks(sizes))
    results = do_tasks(tasks, work, scanner.readers_for(len(sizes), sum(sizes.values())))
    readings = (pair for task, ones in zip(tasks, results, strict=True) for pair in zip(task, ones, strict=True))
    for group in _groups(with_progress(readings, doing, len(sizes))):
        yield dict(group)


def _tasks(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Paths in parts that keep a worker busy for some tenths of a second."""
    task: list[str] = []
    num_bytes = 0
    for path, size in sizes.items():
        task.append(path)
        num_bytes += size
        if len(task) == _FILES_PER_TASK or num_bytes >= _BYTES_PER_TASK:
            yield task
            task, num_bytes = [], 0
    if task:
        yield task


def _groups(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while group := list(islice(iterator, _FILES_AT_ONCE)):
        yield group
