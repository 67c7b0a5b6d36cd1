"""What arrives, brought near: a batch becomes a folder of this machine, wherever it lies and however it was packed."""

import json
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pipeline.automation.quarantine import blaming_the_batch
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.intake.archives import unpack
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


def begun_at(job: Job) -> str:
    """When this upload was first tried, in UTC, as part of a name."""
    note = job.work / _NOTE
    if not note.is_file():
        write_text(note, json.dumps({"source": job.arrival.source, "begun": f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"}))
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
        is_of_source = json.loads(note.read_text(encoding="utf-8"))["source"] == source
        if note.parent != keep and (is_of_source or note.stat().st_mtime < oldest):
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
        place = job.inbox.fetch(job.arrival, job.work / "fetched")
        if place.is_file():
            place = _unpacked(place, job.work)
    with blaming_the_batch(place):
        table = url_table_of(place)
        return _scraped(job, table) if table is not None else place


def _unpacked(archive: Path, work: Path) -> Path:
    target, unfinished = work / "unpacked", work / "unpacking"
    if not target.is_dir():
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        unpack(archive, unfinished)
        unfinished.rename(target)
    return target


def _scraped(job: Job, table: Path) -> Path:
    """The photos that a table lists, fetched."""
    limits = FetchLimits(max_bytes=job.parameters.validate_.max_bytes)
    report = fetch_listed(table, job.work / "listed", job.parameters.intake, limits, job.network)
    kept = job.home.automation / "listed" / f"{job.arrival.batch[:_LONGEST_NAME]}.csv"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(job.work / "listed" / SCRAPE_REPORT, kept)
    job.remarks.append(f"{report.in_words()}; line by line in {kept}")
    return report.folder
