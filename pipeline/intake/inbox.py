"""Inboxes: where batches arrive, what one is called, and what became of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from pipeline.core.errors import DataError
from pipeline.core.hashing import sha256_of_value

MARKER = "_COMPLETE"
"""A file that says that nothing more comes: in the folder of a batch, or beside an archive as `<archive>._COMPLETE`."""
TAKEN = "_taken"
QUARANTINE = "_quarantine"
REPORT_PAGE = "report.html"
REPORT_FACTS = "report.json"

_ARCHIVE_ENDINGS = (".tar.gz", ".tar.xz", ".tgz", ".txz", ".tar", ".zip")
_OWN_NAMES = ("_", ".")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A complete batch that nobody has taken in yet."""

    batch: str
    source: str
    """What `pipeline take` calls it: a path from the checkout, or an address that begins with `s3://`."""
    changed: float
    """When it was changed last, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file of a batch in an inbox."""

    path: str
    """POSIX path from the batch's folder; an archive's own name."""
    num_bytes: int
    version: str
    """Another one where the file may hold other bytes."""


@dataclass(frozen=True)
class Arrival:
    """A batch as it lies in an inbox."""

    name: str
    """As it is called there, an archive with its ending."""
    batch: str
    source: str
    """As in `Waiting`."""
    files: tuple[ArrivedFile, ...]
    """Sorted by path; the marker is none of them."""

    @cached_property
    def fingerprint(self) -> str:
        """Tells this upload from any other; of equal files under another name it is another."""
        files = [[file.path, file.num_bytes, file.version] for file in self.files]
        return sha256_of_value([self.source, *files])


@dataclass(frozen=True)
class PutAside:
    """A batch that could not be taken in, and why."""

    batch: str
    source: str
    came: str
    expected: str
    todo: str
    place: str
    """Where its report lies; a batch of the inbox folder lies beside it."""

    @property
    def files(self) -> str:
        """Where the batch itself lies."""
        return self.source if self.place.startswith("s3://") else f"{self.place}/{PurePosixPath(self.source).name}"


@dataclass(frozen=True)
class Settled:
    """What became of a batch: it was taken in, with an answer, or put aside."""

    answer: Mapping[str, Any] | None = None
    put_aside: PutAside | None = None

    @property
    def source(self) -> str:
        """As in `Waiting`."""
        return self.put_aside.source if self.put_aside is not None else str((self.answer or {})["source"])

    def as_values(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "answer": dict(self.answer) if self.answer is not None else None,
            "put_aside": asdict(self.put_aside) if self.put_aside is not None else None,
        }

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> "Settled":
        """From JSON."""
        put_aside = values["put_aside"]
        return cls(values["answer"], PutAside(**put_aside) if put_aside is not None else None)


class Inbox(Protocol):
    """Where batches arrive, and to where they go from there."""

    def owns(self, source: str) -> bool:
        """Whether this is the inbox in which a source lies."""
        ...

    def waiting(self, now: float) -> list[Waiting]:
        """Complete batches, in no order.

        Args:
            now: seconds since 1970.

        Raises:
            ServingError: the inbox is far away and does not answer.
        """
        ...

    def find(self, source: str) -> Arrival | Settled:
        """A batch that lies here, complete or not; where it is settled already, what became of it.

        Raises:
            DataError: there is no such batch.
            ServingError: the inbox is far away and does not answer.
        """
        ...

    def fetch(self, arrival: Arrival, folder: Path) -> Path:
        """Bring a batch near, if it is far away.

        Args:
            arrival: as found.
            folder: for what has to be copied; what an earlier attempt left there is used again.

        Returns:
            A folder or an archive.

        Raises:
            DataError: the batch holds what cannot be fetched.
            MachineError: the batch has changed since it was found.
            ServingError: the inbox is far away and does not answer.
        """
        ...

    def check_unchanged(self, arrival: Arrival) -> None:
        """Make sure that what was read is what was found.

        Raises:
            MachineError: files came, went or changed.
        """
        ...

    def settle_taken(self, arrival: Arrival, answer: Mapping[str, Any]) -> None:
        """Note a batch as taken in, so that it waits no more."""
        ...

    def quarantine_place(self, arrival: Arrival, time: str) -> str:
        """Where a batch that is put aside will lie, and its report.

        Args:
            arrival: as found.
            time: of the first attempt to take it in, as part of a name.
        """
        ...

    def settle_quarantined(self, arrival: Arrival, put_aside: PutAside, report: Path) -> None:
        """Put a batch aside, so that it waits no more.

        Args:
            arrival: as found.
            put_aside: why, and to which place.
            report: folder of the files that go along.
        """
        ...


def batch_of(name: str, is_folder: bool) -> str | None:
    """The batch that an entry of an inbox holds: its name, an archive's without the ending; None where it is none.

    Args:
        name: of the entry.
        is_folder: whether the entry is a folder.
    """
    if is_own(name):
        return None
    if is_folder:
        return name
    ending = next((ending for ending in _ARCHIVE_ENDINGS if name.lower().endswith(ending)), "")
    return name[: -len(ending)] or None if ending else None


def is_own(name: str) -> bool:
    """Whether a name is one of the inbox's own, or of a copy under way, and so never a batch's."""
    return name.startswith(_OWN_NAMES)


def no_such_batch(source: str, inbox: str) -> DataError:
    """What is said of a source that no batch in an inbox has."""
    return DataError(
        f"{source} is no batch in {inbox}",
        expected="a folder, tar or zip directly in it, whose name begins with neither `_` nor `.`",
        todo="list what waits with `pipeline inbox`; photos from elsewhere come in with `make photos`",
    )
