"""What is asked about: every file below a folder, in one order, without following links out of it."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from pipeline.photos.listing import MASKS, ORIGINALS, PHOTOS_CSV


@dataclass(frozen=True, slots=True)
class AskedFile:
    """A file that may be a photo."""

    path: str
    """POSIX path from the folder; bytes of a name that are not UTF-8 are spelt out."""
    location: Path
    problem: str = ""
    """Why it must not even be opened, or empty."""


def list_photos(source: Path) -> list[AskedFile]:
    """List every file below a folder, photo or not, sorted by path.

    Hidden files and folders are not seen, nor are masks, originals and `photos.csv` of a folder made by intake.

    A folder that cannot be listed becomes one line with its problem. Links to files inside the folder are files, all
    other links have a problem.

    Args:
        source: a folder, or a single file, which is then the only one.
    """
    if not source.is_dir():
        return [_file(source, source.parent)]
    files: list[AskedFile] = []

    def unreadable(error: OSError) -> None:
        place = Path(error.filename)
        files.append(AskedFile(_text(place, source), place, f"a folder that cannot be read: {error.strerror}"))

    for current, folders, names in os.walk(source, onerror=unreadable):
        place = Path(current)
        links = [name for name in folders if (place / name).is_symlink()]
        folders[:] = [name for name in folders if _is_seen(name) and name not in links]
        files += [_file(place / name, source) for name in [*names, *links] if _is_seen(name)]
    return sorted(files, key=lambda file: file.path)


def _is_seen(name: str) -> bool:
    return not name.startswith(".") and name not in (MASKS, ORIGINALS, PHOTOS_CSV)


def _file(location: Path, folder: Path) -> AskedFile:
    return AskedFile(_text(location, folder), location, _problem_of(location, folder))


def _problem_of(location: Path, folder: Path) -> str:
    try:
        str(location).encode()
    except UnicodeEncodeError:
        return "the file's name is not UTF-8"
    if location.is_symlink():
        # Not `Path.resolve`, which fails on links that lead in a circle.
        if not Path(os.path.realpath(location)).is_relative_to(os.path.realpath(folder)):
            return "a link that leads out of the folder"
        if location.is_dir():
            return "a link to a folder"
    # A device or a pipe would make its reader wait for ever.
    if location.exists() and not stat.S_ISREG(location.stat().st_mode):
        return "not a regular file"
    return ""


def _text(location: Path, folder: Path) -> str:
    return os.fsencode(location.relative_to(folder).as_posix()).decode("utf-8", "backslashreplace")
