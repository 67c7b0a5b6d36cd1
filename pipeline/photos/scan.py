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
from pipeline.photos.measures import measure
from pipeline.photos.readers import Readers, Work, do_tasks
from pipeline.photos.reading import Identity, Reading, Take, hashed, killed, read_file, read_task, row_of, unread
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


def scan_photos(files: Sequence[FoundFile], scanner: Scanner) -> Iterator[PhotoRow]:
    """Make a row of every file, in the order of the files; few rows stand in memory at once.

    A file that is still what an earlier run read is not opened. Another is hashed, where any measures are kept, and
    decoded only if its bytes are new.

    Raises:
        MachineError: readers cannot be had, or die again and again.
    """
    known, unknown = _recognise([file.path for file in files if not file.problem], scanner)
    readings = _measured(unknown, scanner)
    for group in _groups(files):
        kept = scanner.kept.measures_of(known[file.path] for file in group if file.path in known)
        for file in group:
            if file.problem:
                measures = unread(file.problem).measures
            elif file.path in unknown:
                measures = next(readings).measures
            elif known[file.path] in kept:
                measures = kept[known[file.path]]
            else:  # the store was damaged, or emptied by another run, since it was asked
                measures = read_file(scanner.root / file.path, scanner.limits).measures
            yield row_of(file, measures)


def _recognise(paths: Sequence[str], scanner: Scanner) -> tuple[dict[str, str], dict[str, int]]:
    """Tell the files of which measures are kept, and their sha256, from those to read, and their bytes."""
    known: dict[str, str] = {}
    unknown: dict[str, int] = {}
    for group in _groups(paths):
        identities = {path: _identity_of(f"{scanner.root}/{path}") for path in group}
        sha256s = scanner.kept.sha256s_of({path: one for path, one in identities.items() if one})
        measured = scanner.kept.measured_of(sha256s.values())
        known |= {path: sha256 for path, sha256 in sha256s.items() if sha256 in measured}
        unknown |= {path: one.num_bytes if one else 0 for path, one in identities.items() if path not in known}
    if scanner.kept.is_empty():
        return known, unknown
    for readings in _read(unknown, hashed, "recognising photos", scanner):
        measured = scanner.kept.measured_of(reading.measures["sha256"] for reading in readings.values())
        copies = {path: one for path, one in readings.items() if one.whole and one.measures["sha256"] in measured}
        scanner.kept.know(copies)
        known |= {path: one.measures["sha256"] for path, one in copies.items()}
    return known, {path: num_bytes for path, num_bytes in unknown.items() if path not in known}


def _measured(sizes: Mapping[str, int], scanner: Scanner) -> Iterator[Reading]:
    """Readings of files in their order, kept as they come."""
    for readings in _read(sizes, measure, "reading photos", scanner):
        scanner.kept.keep(readings)
        yield from readings.values()


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
