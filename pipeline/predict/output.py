"""The folder of answers: made beside its place and put there in one step, so that it never mixes two runs."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.errors import ParameterError
from pipeline.predict import overlays

TABLE = "predictions.csv"
PAGE = "index.html"

_MADE_HERE = {TABLE, PAGE, overlays.FOLDER}


def check_place(folder: Path, source: Path) -> None:
    """Refuse a place where answers would change the photos or replace what is no folder of answers.

    Args:
        folder: where the answers shall lie.
        source: the folder or file that is asked about.

    Raises:
        ParameterError: the place cannot be used.
    """
    place, photos = folder.resolve(), source.resolve()
    if photos.is_relative_to(place) or (photos.is_dir() and place.is_relative_to(photos)):
        raise ParameterError(
            f"the answers would go to {folder}, and the photos lie in {source}",
            expected="two folders of which neither lies inside the other",
            todo="name another folder for the answers: --out <folder>",
        )
    if place.exists() and not _may_be_replaced(place):
        raise ParameterError(
            f"{folder} holds other things than answers",
            expected="a folder that does not exist, is empty, or was made by `pipeline predict`",
            todo="name another folder for the answers: --out <folder>",
        )


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder`; on success it takes the place of `folder`, on failure it is removed.

    What a killed run left beside it is removed first.
    """
    place = folder.resolve()
    unfinished, earlier = (place.parent / f".{place.name}.{what}" for what in ("unfinished", "earlier"))
    for left in (unfinished, earlier):
        shutil.rmtree(left, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        if place.exists():
            place.rename(earlier)
        unfinished.rename(place)
    finally:
        for left in (unfinished, earlier):
            shutil.rmtree(left, ignore_errors=True)


def _may_be_replaced(place: Path) -> bool:
    if not place.is_dir():
        return False
    there = {entry.name for entry in place.iterdir()}
    return there <= _MADE_HERE and (not there or {TABLE, PAGE} <= there)
