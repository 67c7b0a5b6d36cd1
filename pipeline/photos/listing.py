"""Listing: which files a run sees, and what their folders and `photos.csv` say about them."""

import csv
import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core.errors import DataError
from pipeline.core.paths import Layout
from pipeline.photos.records import Batch

if TYPE_CHECKING:
    # Processes that read photos import this module, and would wait for what checks parameters.
    from pipeline.core.parameters import PhotosParameters

UNLABELLED = "_unlabelled"
MASKS = "_masks"
ORIGINALS = "_originals"
"""Files that photos of the batch were converted from."""
PHOTOS_CSV = "photos.csv"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a batch that should be a photo."""

    path: str
    """POSIX path from the root of the checkout."""
    batch: str
    label: str | None
    problem: str = ""
    """Why it must not even be opened, or empty."""
    group: str = ""
    mask: str = ""
    """Path from the root of the checkout, or empty."""
    url: str = ""
    licence: str = ""
    author: str = ""
    taken_at: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """All files that a run sees."""

    files: tuple[FoundFile, ...]
    """Sorted by path."""
    warnings: tuple[str, ...]
    """Lines of `photos.csv` that name what is not there, and folders that are no batch."""


def chosen_batches(batches: Sequence[Batch], globs: Sequence[str]) -> list[Batch]:
    """Choose the batches whose name matches any of the globs, in the order of intake.

    Raises:
        DataError: no batch was ever taken in, or none matches.
    """
    if not batches:
        raise DataError(
            "data/batches.csv names no batch",
            expected="at least one batch of photos",
            todo="bring photos in with `make photos FROM=<folder> BATCH=<name>`, or draw some with `make demo`",
        )
    chosen = [batch for batch in batches if any(fnmatchcase(batch.batch, glob) for glob in globs)]
    if not chosen:
        raise DataError(
            f"photos.batches is {', '.join(globs)}, which matches no batch",
            expected=f"a glob over these names: {', '.join(batch.batch for batch in batches)}",
            todo="mend photos.batches in params.yaml",
        )
    return chosen


def list_files(layout: Layout, batches: Sequence[Batch], photos: "PhotosParameters") -> Listing:
    """List every file of the run's batches, photo or not; masks, originals, `photos.csv` and dot-files are no photos.

    Unlabelled photos are listed whatever `photos.classes` says. Links are listed, never followed out of `data/`.

    Raises:
        DataError: no batch matches, a batch's folder is missing, a `photos.csv` cannot be used, a class is unknown,
            or there is no file at all.
    """
    files: list[FoundFile] = []
    warnings = _strangers(layout.data, batches)
    for batch in chosen_batches(batches, photos.batches):
        found, missing = _files_of_batch(layout, batch.batch)
        files += found
        warnings += missing
    labels = {file.label for file in files if file.label is not None}
    unknown = sorted(set(photos.classes) - labels)
    if unknown:
        raise DataError(
            f"photos.classes names {', '.join(unknown)}, of which there is no file",
            expected=f"classes among {', '.join(sorted(labels)) or '(no labelled file)'}",
            todo="mend photos.classes in params.yaml, or bring photos of these classes in",
        )
    if photos.classes:
        files = [file for file in files if file.label is None or file.label in photos.classes]
    if not files:
        raise DataError(
            f"the batches matching {', '.join(photos.batches)} hold no file",
            expected="photos as data/<batch>/<label>/<file>",
            todo="bring photos in with `make photos FROM=<folder> BATCH=<name>`, or run `dvc checkout`",
        )
    return Listing(tuple(sorted(files, key=lambda file: file.path)), tuple(sorted(warnings)))


def _strangers(data: Path, batches: Sequence[Batch]) -> list[str]:
    known = {batch.batch for batch in batches}
    folders = sorted(place.name for place in data.iterdir() if place.is_dir()) if data.is_dir() else []
    return [
        f"data/{_text(name)} is left out, since data/batches.csv does not name it: bring it in with `make photos`"
        for name in folders
        if name not in known and not name.startswith(".")
    ]


def _files_of_batch(layout: Layout, batch: str) -> tuple[list[FoundFile], list[str]]:
    folder = layout.data / batch
    data = layout.data.resolve()
    if not folder.is_dir() or not folder.resolve().is_relative_to(data):
        raise DataError(
            f"{folder} is missing, or a link that leads out of {layout.data}",
            expected="a folder for every batch of data/batches.csv",
            todo="run `dvc checkout` (or `dvc pull`) to bring the photos of this version back",
        )
    told = _read_photos_csv(folder / PHOTOS_CSV)
    files = []
    warnings: list[str] = []
    for name in _walk(folder, warnings):
        line = told.pop(name, {})
        mask = _mask_of(line, folder)
        if line.get("mask") and not mask:
            warnings.append(f"{folder / PHOTOS_CSV}: the mask {line['mask']} of {name} is not there")
        files.append(
            FoundFile(
                path=_text(f"data/{batch}/{name}"),
                batch=batch,
                label=line.get("label") or _label_of(_text(name)),
                problem=_problem_of(f"{folder}/{name}", data),
                group=line.get("group") or line.get("site", ""),
                mask=f"data/{batch}/{mask}" if mask else "",
                url=line.get("url", ""),
                licence=line.get("licence", ""),
                author=line.get("author", ""),
                taken_at=line.get("taken_at", ""),
                site=line.get("site", ""),
            )
        )
    return files, warnings + [f"{folder / PHOTOS_CSV}: {name} is not there" for name in told]


def _walk(folder: Path, warnings: list[str]) -> Iterator[str]:
    """Paths, from a batch's folder, of all in it that is no plain folder, hidden, a mask, an original or `photos.csv`.

    A folder that cannot be looked into is added to the warnings.
    """

    def warn(problem: OSError) -> None:
        warnings.append(
            f"{_text(str(problem.filename))} is left out, since it cannot be looked into: {problem.strerror}"
        )

    for current, folders, names in os.walk(folder, onerror=warn):
        links = [name for name in folders if os.path.islink(f"{current}/{name}")]  # noqa: PTH114 -- in a tight loop
        folders[:] = [name for name in folders if not name.startswith(".") and name not in links]
        found = [name for name in [*names, *links] if not name.startswith(".")]
        prefix = current[len(str(folder)) + 1 :]
        if not prefix:
            folders[:] = [name for name in folders if name not in (MASKS, ORIGINALS)]
            found = [name for name in found if name not in (PHOTOS_CSV, MASKS, ORIGINALS)]
        yield from (f"{prefix}/{name}" if prefix else name for name in sorted(found))


def _problem_of(location: str, data: Path) -> str:
    try:
        location.encode()
    except UnicodeEncodeError:
        return "the file's name is not UTF-8"
    try:
        status = os.lstat(location)
        if stat.S_ISLNK(status.st_mode):
            if not Path(os.path.realpath(location)).is_relative_to(data):
                return "a link that leads out of data/"
            status = os.stat(location)  # noqa: PTH116
            if stat.S_ISDIR(status.st_mode):
                return "a link to a folder"
    except OSError as problem:
        # What went since it was listed is said by whoever reads it; a loop of links has no end to go to.
        return "a link that leads in a circle" if problem.errno == errno.ELOOP else ""
    # A device or a pipe would make its reader wait for ever.
    return "" if stat.S_ISREG(status.st_mode) else "not a regular file"


def _label_of(name: str) -> str | None:
    folder, _, rest = name.partition("/")
    return folder if rest and folder != UNLABELLED else None


def _mask_of(line: Mapping[str, str], folder: Path) -> str:
    mask = line.get("mask", "")
    inside = mask and (folder / mask).resolve().is_relative_to(folder.resolve())
    return mask if inside and (folder / mask).is_file() else ""


def _text(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _read_photos_csv(path: Path) -> dict[str, dict[str, str]]:
    """Lines by path, without their empty cells."""
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.DictReader(stream, restkey="", restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unusable(path, f"cannot be read: {error}") from None
    if any("" in line for line in lines) or any(not line.get("path") for line in lines):
        raise _unusable(path, "has a line without a path, or with more cells than the header")
    if len({line["path"] for line in lines}) < len(lines):
        raise _unusable(path, "names a path twice")
    return {line["path"]: {name: cell.strip() for name, cell in line.items() if cell} for line in lines}


def _unusable(path: Path, problem: str) -> DataError:
    return DataError(
        f"{path} {problem}",
        expected="a CSV table with the header path,label,group,site,taken_at,mask,url,licence,author (all but path "
        "optional), one line per photo, in UTF-8",
        todo="mend the file, then bring the batch in again",
    )
