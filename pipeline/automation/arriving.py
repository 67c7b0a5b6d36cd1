"""What arrives, brought near: a batch becomes a folder of this machine, wherever it lies and however it was packed."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipeline.automation.quarantine import blaming_the_batch
from pipeline.core.errors import MachineError
from pipeline.core.hashing import sha256_of_value
from pipeline.core.locks import held_lock
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.intake.archives import unpacked
from pipeline.intake.inbox import Arrival, Inbox
from pipeline.intake.scraping.listed import fetch_listed
from pipeline.intake.scraping.network import Network
from pipeline.intake.scraping.scrape_report import SCRAPE_REPORT
from pipeline.intake.scraping.url_table import url_table_of
from pipeline.intake.scraping.visiting import FetchLimits
from pipeline.intake.taking import check_names

_DAYS_KEPT = 7
"""What was fetched and never settled goes after so long."""
_SECONDS_PER_DAY = 86_400
_NOTE = "begun.json"
_INSTANT_SECONDS = 1.0
_LONGEST_NAME = 200
"""Letters of a batch's name that a file's name is made of, which may have 255."""


@dataclass(frozen=True)
class Job:
    """One arrival, and what its taking needs."""

    home: Layout
    parameters: Parameters
    inbox: Inbox
    arrival: Arrival
    network: Network | None
    remarks: list[str] = field(default_factory=list)

    @property
    def work(self) -> Path:
        """Folder of what is brought near, found again when the take is repeated."""
        return self.home.automation / "arriving" / self.arrival.fingerprint[:32]


@contextmanager
def taking(home: Layout, source: str) -> Iterator[None]:
    """Hold a batch for as long as it is taken in; others may come in meanwhile.

    Args:
        home: the checkout.
        source: of the batch, as `Arrival` has it.

    Raises:
        MachineError: another command takes it in.
    """
    # Whoever asks whether it is held holds it for an instant.
    with held_lock(_lock_of(home, source), f"the taking in of {source}", _INSTANT_SECONDS):
        yield


def is_being_taken(home: Layout, source: str) -> bool:
    """Whether a command takes a batch in at this moment; see `taking`."""
    lock = _lock_of(home, source)
    try:
        with held_lock(lock, "a look at the inbox") if lock.exists() else nullcontext():
            return False
    except MachineError:
        return True


def _lock_of(home: Layout, source: str) -> Path:
    return home.automation / "taking" / f"{sha256_of_value(source)[:32]}.lock"


def begun_at(job: Job) -> str:
    """When this upload was first tried, in UTC, as part of a name; notes that it is tried now."""
    note = job.work / _NOTE
    if not note.is_file():
        write_text(note, json.dumps({"source": job.arrival.source, "begun": f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"}))
    note.touch()
    return str(json.loads(note.read_text(encoding="utf-8"))["begun"])


def forget_works(home: Layout, source: str, keep: Path | None) -> None:
    """Remove what was brought near of earlier uploads of a batch, and of any that nobody tried again for long.

    Args:
        home: the checkout.
        source: of the batch.
        keep: the folder of an upload of it that stays.
    """
    oldest = time.time() - _DAYS_KEPT * _SECONDS_PER_DAY
    for note in (home.automation / "arriving").glob(f"*/{_NOTE}"):
        with suppress(FileNotFoundError):  # whoever takes another batch in may remove it meanwhile
            of_batch = json.loads(note.read_text(encoding="utf-8"))["source"]
            is_old = note.stat().st_mtime < oldest and not is_being_taken(home, of_batch)
            if note.parent != keep and (of_batch == source or is_old):
                shutil.rmtree(note.parent, ignore_errors=True)


def brought_near(job: Job) -> Path:
    """The batch as a folder of this machine: fetched, unpacked, and its listed photos fetched too.

    Raises:
        BadBatch: it holds what cannot be used.
        ServingError: its inbox, or the hosts of listed photos, are away; what was fetched is kept.
        MachineError: it changed meanwhile.
    """
    with blaming_the_batch(None):
        check_names(job.home, job.arrival.batch, None)
        place = unpacked(job.inbox.fetch(job.arrival, job.work / "fetched"), job.work / "unpacked")
    with blaming_the_batch(place):
        table = url_table_of(place)
        return _scraped(job, table) if table is not None else place


def _scraped(job: Job, table: Path) -> Path:
    """The photos that a table lists, fetched."""
    limits = FetchLimits(max_bytes=job.parameters.validate_.max_bytes)
    report = fetch_listed(table, job.work / "listed", job.parameters.intake, limits, job.network)
    kept = job.home.automation / "listed" / f"{job.arrival.batch[:_LONGEST_NAME]}.csv"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(job.work / "listed" / SCRAPE_REPORT, kept)
    job.remarks.append(f"{report.in_words()}; line by line in {kept}")
    return report.folder
