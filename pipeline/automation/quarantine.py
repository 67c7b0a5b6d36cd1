"""Quarantine: what a person finds where a batch could not be taken in."""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from pipeline.alerts.alert import Alert, Kind
from pipeline.core.errors import DataError, MachineError, ParameterError, PipelineError
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.intake.inbox import REPORT_FACTS, REPORT_PAGE, Arrival, PutAside
from pipeline.intake.inspection import UnreadablePhotos
from pipeline.pages.page import templates_of
from pipeline.pages.pictures import thumbnail
from pipeline.photos.readers import Work, do_tasks, in_processes
from serving.contract import PhotoLimits, UnreadablePhoto, read_upright_small

_FILES_LISTED = 1000
_FILES_SHOWN = 100
_PHOTOS_SHOWN = 12
_PICTURE_SIDE = 240
_PHOTO_ENDINGS = (".jpeg", ".jpg", ".png", ".webp")


class BadBatch(Exception):
    """A batch that cannot be taken in, through a fault of its own.

    Args:
        problem: as it was told.
        near: the batch as a folder; None where not even that could be had.
    """

    def __init__(self, problem: PipelineError, near: Path | None) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.near = near


@dataclass(frozen=True)
class _Picture:
    path: str
    address: str


@contextmanager
def blaming_the_batch(near: Path | None) -> Iterator[None]:
    """Take every problem of data or names within the block for the batch's own.

    Args:
        near: the batch as a folder, if it is one by now.

    Raises:
        BadBatch: there was one.
    """
    try:
        yield
    except (DataError, ParameterError) as problem:
        raise BadBatch(problem, near) from problem


def refusal_of(aside: PutAside) -> DataError:
    """What is said of a batch that was put aside."""
    way_back = "upload it again" if _is_far(aside) else f"move {aside.files} back into the inbox"
    return DataError(
        f"{aside.source} was put aside: {aside.came}",
        expected=aside.expected,
        todo=f"{aside.todo}; then {way_back}. What came: {report_of(aside)}",
    )


def alert_of(aside: PutAside, home: Layout) -> Alert:
    """What a person hears of a batch that was put aside.

    Args:
        aside: what became of it.
        home: the checkout.
    """
    text = f"{aside.came}\nexpected: {aside.expected}\nto do:    {aside.todo}"
    link = report_of(aside) if _is_far(aside) else str((home.root / report_of(aside)).resolve())
    return Alert(Kind.QUARANTINE, f"batch {aside.batch} is put aside in {aside.place}", text, link)


def report_of(aside: PutAside) -> str:
    """Where the report lies."""
    return f"{aside.place.rstrip('/')}/{REPORT_PAGE}"


def _is_far(aside: PutAside) -> bool:
    return aside.place.startswith("s3://")


def write_report(folder: Path, aside: PutAside, arrival: Arrival, bad: BadBatch) -> None:
    """Write the page and the facts about a batch that cannot be taken in.

    Args:
        folder: for both files; made where missing.
        aside: why, and where the batch will lie.
        arrival: the batch as it came.
        bad: names unreadable photos, and where photos to show lie.
    """
    errors = bad.problem.errors if isinstance(bad.problem, UnreadablePhotos) else {}
    unreadable = [{"path": path, "error": error} for path, error in errors.items()]
    facts = {
        **asdict(aside),
        "num_files": len(arrival.files),
        "num_bytes": sum(file.num_bytes for file in arrival.files),
        "files": [{"path": file.path, "num_bytes": file.num_bytes} for file in arrival.files[:_FILES_LISTED]],
        "unreadable": unreadable[:_FILES_LISTED],
    }
    write_text(folder / REPORT_FACTS, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    page = templates_of("pipeline.automation").get_template("quarantine.html")
    write_text(
        folder / REPORT_PAGE,
        page.render(
            aside=aside,
            num_files=facts["num_files"],
            num_bytes=facts["num_bytes"],
            files=arrival.files[:_FILES_SHOWN],
            num_unreadable=len(unreadable),
            unreadable=unreadable[:_FILES_SHOWN],
            pictures=_pictures(bad.near),
        ),
    )


def _pictures(near: Path | None) -> list[_Picture]:
    """A few photos from all over the batch; a process of its own reads them, since one may end its reader."""
    if near is None:
        return []
    photos = sorted(path for path in near.rglob("*") if path.name.lower().endswith(_PHOTO_ENDINGS) and _is_file(path))
    chosen = photos[:: math.ceil(len(photos) / _PHOTOS_SHOWN) or 1]
    work = Work(do=partial(_small, PhotoLimits()), killed=lambda _path: "")
    try:
        results = do_tasks([chosen] if chosen else [], work, in_processes(1))
        addresses = [address for task in results for address in task]
    except MachineError:  # the report is worth having without them
        return []
    return [
        _Picture(path.relative_to(near).as_posix(), address)
        for path, address in zip(chosen, addresses, strict=True)
        if address
    ]


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _small(limits: PhotoLimits, photos: Sequence[Path]) -> list[str]:
    return [_small_one(limits, photo) for photo in photos]


def _small_one(limits: PhotoLimits, photo: Path) -> str:
    """A photo as a small `data:` address; empty where it is none."""
    try:
        if photo.stat().st_size > limits.max_bytes:
            return ""
        return thumbnail(read_upright_small(photo.read_bytes(), limits, _PICTURE_SIDE), _PICTURE_SIDE)
    except (OSError, UnreadablePhoto):
        return ""
