"""Intake: a folder or archive of photos becomes a batch below `data/`, whole or not at all."""

import errno
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from pipeline.core.errors import DataError, MachineError, ParameterError
from pipeline.core.locks import held_lock
from pipeline.core.parameter_types import Name
from pipeline.core.paths import Layout
from pipeline.intake.batch_folders import copy_batch
from pipeline.intake.finishing import finish_batch
from pipeline.intake.source_tables import shown
from pipeline.intake.sources import read_source
from pipeline.intake.versioning import add_data
from pipeline.photos.batches import read_batches, write_batches
from pipeline.photos.records import Batch, Side
from serving.contract import PhotoLimits

Check = Callable[[Layout, Sequence[Batch], Mapping[str, str]], None]
"""Looks at new batches where they were made, below the `data/` of a layout, and raises where they must not come in; it
is told why files of them could not be converted, by path below `data/`."""

_NUM_REMARKS = 5
_DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class TakenBatch:
    """What became of one batch."""

    batch: Batch
    """Its line in `data/batches.csv`; for photos seen before, the line under which they came first."""
    is_new: bool


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of a source."""

    taken: tuple[TakenBatch, ...]
    left_out: tuple[str, ...]
    """Files of the source that are neither photos nor masks nor tables, by path from the source."""
    hidden: tuple[str, ...]
    """Photos left out since their names begin with a dot."""
    remarks: tuple[str, ...]
    """What of photos and label files was not taken over, in sentences."""
    unconverted: Mapping[str, str]
    """Why files could not be converted, by path below `data/`."""

    def in_words(self) -> Iterator[str]:
        """What a person should know of it, in sentences; of many alike the first."""
        if self.left_out:
            yield f"left out, neither photos nor tables: {shown(self.left_out)}"
        if self.hidden:
            yield f"left out, hidden by a leading dot: {shown(self.hidden)}"
        if self.unconverted:
            named = [f"{path}: {why}" for path, why in self.unconverted.items()]
            yield f"{len(named)} files could not be converted, and will not train: {shown(named)}"
        yield from self.remarks[:_NUM_REMARKS]
        if len(self.remarks) > _NUM_REMARKS:
            yield f"{len(self.remarks) - _NUM_REMARKS} more remarks like these"


def bring_photos(
    layout: Layout,
    source: Path,
    batch: str,
    side: str | None = None,
    limits: PhotoLimits | None = None,
    check: Check | None = None,
) -> IntakeResult:
    """Take photos in and version `data/`, under one lock; see `take_in` and `version_data`."""
    with held_lock(layout.run_lock, f"the intake of batch {batch}"):
        result = _take_in(layout, source, batch, side, limits, check)
        add_data(layout)
    return result


def take_in(
    layout: Layout,
    source: Path,
    batch: str,
    side: str | None = None,
    limits: PhotoLimits | None = None,
    check: Check | None = None,
) -> IntakeResult:
    """Take photos in as `data/<batch>/<label>/<file>` with a `photos.csv`, and record the batch.

    Files are copied byte for byte. HEIC and TIFF photos, which no stage reads, are converted to JPEG, and the files
    themselves kept under `data/<batch>/_originals/`.

    The batch is made beside `data/`, moved there in one step and then recorded; what a crash between the two leaves
    unrecorded, the next intake records. Nothing in `data/` is changed or removed. A source with `train` and `test`
    folders becomes the batches `<batch>-train` and `<batch>-test`, the latter pinned to the test side.

    Args:
        layout: the checkout.
        source: a folder with class folders, train and test folders, a table or label files (see `read_source`).
        batch: name of the new batch.
        side: `test` pins the batch to the test side.
        limits: of a photo that is converted; none = the defaults.
        check: has the last word on new batches.

    Returns:
        The batches; photos whose labels and bytes all came in an earlier batch are not taken in again.

    Raises:
        ParameterError: the name cannot be a batch's name, or the side is unknown.
        DataError: the source cannot be understood, or the name belongs to other photos.
        MachineError: the run lock is held, DVC is recording a stage that read `data/`, or the disk is full.
    """
    with held_lock(layout.run_lock, f"the intake of batch {batch}"):
        return _take_in(layout, source, batch, side, limits, check)


def version_data(layout: Layout) -> None:
    """Give `data/` as it is now to DVC, which writes its hash to `data.dvc`.

    Raises:
        MachineError: the run lock is held, or DVC fails; the message has DVC's own words.
    """
    with held_lock(layout.run_lock, "the versioning of data/"):
        add_data(layout)


def _take_in(
    layout: Layout, source: Path, batch: str, side: str | None, limits: PhotoLimits | None, check: Check | None
) -> IntakeResult:
    check_names(layout, batch, side)
    _check_source(source)
    _refuse_while_dvc_reads(layout)
    _repair(layout)
    with _staging(layout) as staging:
        understood = read_source(source)
        if side is not None and understood.parts[0].name:
            raise ParameterError(
                f"{source} holds train and test folders, and SIDE={side} was given",
                expected="one or the other: the test folder is pinned to the test side by itself",
                todo="leave SIDE away",
            )
        taken: list[TakenBatch] = []
        unconverted: dict[str, str] = {}
        remarks = list(dict.fromkeys(remark for part in understood.parts for remark in part.remarks))
        for part in understood.parts:
            name = f"{batch}-{part.name}" if part.name else batch
            pinned = Side.TEST.value if Side.TEST in (side, part.name) else ""
            brought = copy_batch(Layout(staging).data / name, understood.root, part, pinned)
            known = [*read_batches(layout.batches), *(earlier.batch for earlier in taken if earlier.is_new)]
            taken.append(_compared(brought.batch, known, layout))
            if taken[-1].is_new:
                finished = finish_batch(brought, limits)
                remarks += finished.remarks
                unconverted |= {f"{name}/{path}": why for path, why in finished.unconverted.items()}
        new = [batch.batch for batch in taken if batch.is_new]
        if check is not None and new:
            check(Layout(staging), new, unconverted)
        _move_in(layout, Layout(staging).data, new)
    left_out = tuple(file for part in understood.parts for file in part.left_out)
    return IntakeResult(tuple(taken), left_out, understood.hidden, tuple(remarks), unconverted)


def check_names(layout: Layout, batch: str, side: str | None) -> None:
    """Refuse a name or side that no batch can have.

    Raises:
        ParameterError: see above.
    """
    try:
        TypeAdapter(Name).validate_python(batch)
    except ValidationError:
        raise ParameterError(
            f"BATCH={batch} cannot be a batch's name",
            expected="letters, digits, `.`, `_` and `-`, starting with a letter or digit",
            todo="choose another name",
        ) from None
    if side not in (None, Side.TEST.value) or batch == layout.batches.name:
        raise ParameterError(
            f"SIDE={side} BATCH={batch}",
            expected="SIDE=test or no SIDE, and a batch that is not named as the record of batches",
            todo="training and validation photos are drawn by the pipeline: leave SIDE away",
        )


def _check_source(source: Path) -> None:
    if not source.exists():
        raise DataError(
            f"{source} does not exist",
            expected="a folder, tar or zip of photos, or a table urls.csv of their addresses",
            todo="check the path in FROM",
        )


def _refuse_while_dvc_reads(layout: Layout) -> None:
    """Refuse between the end of a stage and its entry in dvc.lock.

    The stage has let go of the run lock by then; photos that came now would be recorded as seen, and never train.
    DVC's own note of who reads `data/` stands until the entry is written.
    """
    try:
        read = json.loads((layout.root / ".dvc" / "tmp" / "rwlock").read_text(encoding="utf-8"))["read"]
    except (FileNotFoundError, ValueError, KeyError):
        return
    data = layout.data.resolve()
    readers = [reader for path, given in read.items() if Path(path).is_relative_to(data) for reader in given]
    for reader in readers:
        if Path("/proc", str(reader["pid"])).exists():
            raise MachineError(
                f"`{reader['cmd']}` (process {reader['pid']}) is reading data/",
                expected="no run while photos come in",
                todo="wait for it to end, then run the command again",
            )


@contextmanager
def _staging(layout: Layout) -> Iterator[Path]:
    """A folder on the same file system as `data/`, gone after the block."""
    staging = layout.state / "intake" / "staging"
    try:
        shutil.rmtree(staging, ignore_errors=True)
        Layout(staging).data.mkdir(parents=True)
        layout.data.mkdir(exist_ok=True)
        yield staging
    except OSError as error:
        full = error.errno in _DISK_FULL
        raise MachineError(
            f"the photos could not be taken in: {error}",
            expected=f"room for the photos below {layout.root.resolve()}, files that can be read and written",
            todo="free some space and run the command again" if full else "mend what the message names and try again",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _compared(made: Batch, known: Sequence[Batch], layout: Layout) -> TakenBatch:
    """Tell a new batch from one that was seen before."""
    seen = next((batch for batch in known if batch.sha256 == made.sha256), None)
    if seen is not None and seen.side != made.side:
        raise DataError(
            f"the photos of {made.batch} came before as batch {seen.batch}, {_pinned(seen)}; now they are to be "
            f"{_pinned(made)}",
            expected="one side for a batch, for good: test photos never move",
            todo=f"leave them as {seen.batch}; to start over, take that batch out of data/ and of {layout.batches}",
        )
    if seen is not None:
        return TakenBatch(seen, is_new=False)
    if (layout.data / made.batch).exists():
        raise DataError(
            f"there is a {layout.data / made.batch} already, with other photos",
            expected="a new name for new photos: a batch never changes",
            todo=f"choose another name, such as BATCH={made.batch}-2",
        )
    return TakenBatch(made, is_new=True)


def _pinned(batch: Batch) -> str:
    return f"pinned to {batch.side}" if batch.side else "not pinned"


def _move_in(layout: Layout, staged: Path, new: Sequence[Batch]) -> None:
    if not new:
        return
    # The intent lets the next intake record what a crash between the moves and the record leaves behind.
    write_batches(_intent(layout), new)
    for batch in new:
        (staged / batch.batch).rename(layout.data / batch.batch)
    _repair(layout)


def _repair(layout: Layout) -> None:
    """Record the batches of an intent that did arrive in `data/`, and forget the intent."""
    intended = read_batches(_intent(layout))
    if not intended:
        return
    known = read_batches(layout.batches)
    names = {batch.batch for batch in known}
    arrived = [batch for batch in intended if batch.batch not in names and (layout.data / batch.batch).is_dir()]
    write_batches(layout.batches, [*known, *arrived])
    _intent(layout).unlink()


def _intent(layout: Layout) -> Path:
    return layout.state / "intake" / "intent.csv"
