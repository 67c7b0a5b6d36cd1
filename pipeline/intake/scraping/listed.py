"""Fetching what a `urls.csv` lists into a folder that is a batch like any other."""

import re
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from rich.progress import Progress, TaskID

from pipeline.core.errors import DataError, ServingError
from pipeline.core.hashing import sha256_of_file
from pipeline.core.operation_parameters import IntakeParameters
from pipeline.core.progress import progress_bar
from pipeline.core.tables import replacing
from pipeline.intake.photo_kinds import ending_of
from pipeline.intake.scraping.network import Network
from pipeline.intake.scraping.refusals import Failed, Refused
from pipeline.intake.scraping.scrape_report import (
    SCRAPE_REPORT,
    Outcome,
    ScrapedPhoto,
    ScrapeReport,
    reasons_in_words,
    write_scrape_report,
)
from pipeline.intake.scraping.url_table import ListedPhoto, read_url_table
from pipeline.intake.scraping.urls import Url, parse_url
from pipeline.intake.scraping.visiting import FetchLimits, Visitor
from pipeline.intake.source_tables import Facts, PhotoLine, write_photos_csv
from pipeline.photos.listing import PHOTOS_CSV, UNLABELLED

_BATCH = "batch"
_MAX_HOSTS_AT_ONCE = 4
_NUM_HASH_SIGNS = 12
_MAX_STEM = 60
_NOT_IN_NAMES = re.compile(r"[^\w-]+")


@dataclass(frozen=True, slots=True)
class _Task:
    """A photo that is to be fetched."""

    listed: ListedPhoto
    url: Url


def fetch_listed(
    table: Path,
    folder: Path,
    intake: IntakeParameters,
    limits: FetchLimits | None = None,
    network: Network | None = None,
) -> ScrapeReport:
    """Fetch the photos that a table lists, as a batch in `folder/batch/`, with a `photos.csv` about them.

    What an earlier call fetched to the same folder is not asked for again. `folder/scrape-report.csv` says what became
    of each line.

    Args:
        table: see `read_url_table`.
        folder: belongs to this function alone; made where missing.
        intake: hosts that may be asked, and how.
        limits: what a photo and a host may cost; none = the defaults.
        network: the way out, for tests; none = the internet.

    Raises:
        DataError: the table is wrong, or no photo could be fetched.
        ServingError: hosts are away, and the next call may find them.
    """
    listed = read_url_table(table)
    limits = limits or FetchLimits()
    visitor = Visitor(intake, limits, network or Network())
    settled, tasks = _sorted_out(folder / _BATCH, listed, visitor)
    fetched = _fetched(folder / _BATCH, tasks, visitor, limits)
    photos = sorted([*settled, *fetched], key=lambda photo: photo.listed.line)
    report = ScrapeReport(folder / _BATCH, tuple(photos))
    write_scrape_report(folder / SCRAPE_REPORT, report)
    _check_outcome(report, table, folder, intake)
    _forget_others(report)
    write_photos_csv(report.folder / PHOTOS_CSV, [_photo_line(photo) for photo in report.here])
    return report


def _sorted_out(batch: Path, listed: Sequence[ListedPhoto], visitor: Visitor) -> tuple[list[ScrapedPhoto], list[_Task]]:
    """Tell photos that are settled without a request from those that must be asked for."""
    here = {path.with_suffix(""): path for path in batch.glob("*/[!.]*")}
    first_lines: dict[str, int] = {}
    settled: list[ScrapedPhoto] = []
    tasks: list[_Task] = []
    for photo in listed:
        first = first_lines.setdefault(photo.url, photo.line)
        try:
            if first != photo.line:
                raise Refused(f"listed before: in line {first}")
            if not photo.licence:
                raise Refused("no licence")
            url = parse_url(photo.url)
            visitor.check_host(url)
        except Refused as error:
            settled.append(ScrapedPhoto(photo, Outcome.REFUSED, str(error)))
            continue
        known = here.get(batch / _path_of(photo))
        if known is None:
            tasks.append(_Task(photo, url))
        else:
            path = known.relative_to(batch).as_posix()
            settled.append(ScrapedPhoto(photo, Outcome.KEPT, "", path, known.stat().st_size, sha256_of_file(known)))
    return settled, tasks


def _fetched(batch: Path, tasks: Sequence[_Task], visitor: Visitor, limits: FetchLimits) -> list[ScrapedPhoto]:
    """Ask several hosts at once, and each for one photo after the other."""
    queues: defaultdict[str, list[_Task]] = defaultdict(list)
    for task in tasks:
        queues[task.url.host].append(task)
    with progress_bar() as progress, ThreadPoolExecutor(_MAX_HOSTS_AT_ONCE) as threads:
        bar = progress.add_task("fetch photos", total=len(tasks))
        try:
            waiting = [
                threads.submit(_Round(batch, visitor, limits, progress, bar).fetch, queue) for queue in queues.values()
            ]
            return [photo for future in waiting for photo in future.result()]
        finally:
            visitor.stop()


@dataclass
class _Round:
    """The photos of one host, one after the other; those that fail are asked for once more at the end."""

    batch: Path
    visitor: Visitor
    limits: FetchLimits
    progress: Progress
    bar: TaskID
    answered: bool = False
    failures: int = 0
    """In a row."""
    is_away: str = ""
    """Why the host is not asked any more."""

    def fetch(self, tasks: Sequence[_Task]) -> list[ScrapedPhoto]:
        done: list[ScrapedPhoto] = []
        failed: list[tuple[_Task, Failed]] = []
        for task in tasks:
            self._ask(task, done, failed)
        if failed and not self.is_away:
            self.visitor.put_off(failed[0][0].url, self.limits.seconds_before_retry)
        again = [task for task, _ in failed]
        failed = []
        for task in again:
            self._ask(task, done, failed)
        for task, error in failed:
            is_lost = (self.answered or error.answered) and not error.busy and not self.is_away
            outcome = Outcome.REFUSED if is_lost else Outcome.AWAY
            done.append(ScrapedPhoto(task.listed, outcome, str(error)))
        return done

    def _ask(self, task: _Task, done: list[ScrapedPhoto], failed: list[tuple[_Task, Failed]]) -> None:
        if self.is_away:
            failed.append((task, Failed(self.is_away, busy=True)))
            return
        try:
            photo = self.visitor.fetch_photo(task.url)
        except Refused as error:
            self.answered, self.failures = True, 0
            done.append(ScrapedPhoto(task.listed, Outcome.REFUSED, str(error)))
        except Failed as error:
            self._note(task, error)
            failed.append((task, error))
            return
        else:
            self.answered, self.failures = True, 0
            done.append(_written(self.batch, task.listed, photo))
        self.progress.advance(self.bar)

    def _note(self, task: _Task, error: Failed) -> None:
        self.failures += 1
        wait = error.wait or 0.0
        if wait > self.limits.max_wait or self.failures >= self.limits.max_failures:
            self.is_away = str(error)
        elif wait:
            self.visitor.put_off(task.url, wait)


def _written(batch: Path, listed: ListedPhoto, photo: bytes) -> ScrapedPhoto:
    path = f"{_path_of(listed)}.{ending_of(photo)}"
    with replacing(batch / path) as temporary:
        temporary.write_bytes(photo)
    return ScrapedPhoto(listed, Outcome.FETCHED, "", path, len(photo), sha256(photo).hexdigest())


def _path_of(photo: ListedPhoto) -> str:
    """Where a photo lies, without its ending; it follows from label and address alone."""
    last = PurePosixPath(unquote(photo.url.partition("?")[0].partition("#")[0])).stem
    stem = _NOT_IN_NAMES.sub("_", last)[:_MAX_STEM].strip("_") or "photo"
    return f"{photo.label or UNLABELLED}/{stem}-{sha256(photo.url.encode()).hexdigest()[:_NUM_HASH_SIGNS]}"


def _photo_line(photo: ScrapedPhoto) -> PhotoLine:
    listed = photo.listed
    facts = Facts(url=listed.url, licence=listed.licence, author=listed.author, source=listed.source)
    return PhotoLine(photo.path, listed.label or None, facts)


def _forget_others(report: ScrapeReport) -> None:
    """Remove photos that an earlier table listed."""
    named = {report.folder / photo.path for photo in report.here}
    for path in report.folder.glob("*/*"):
        if path not in named:
            path.unlink()


def _check_outcome(report: ScrapeReport, table: Path, folder: Path, intake: IntakeParameters) -> None:
    away = report.with_outcome(Outcome.AWAY)
    if away:
        raise ServingError(
            f"{len(away)} of {len(report.photos)} photos of {table} cannot be fetched now: {reasons_in_words(away)}",
            expected="answers from the hosts of intake.hosts",
            todo=f"run the command again later, {len(report.here)} photos are kept for it; or take the lines of a host "
            "that is gone for good out of the table",
        )
    if not report.here:
        raise DataError(
            f"no photo of {table} could be fetched: {reasons_in_words(report.photos)}",
            expected=f"photos with a licence on hosts that intake.hosts of params.yaml names: "
            f"{', '.join(intake.hosts) or 'none so far'}",
            todo=f"see {folder / SCRAPE_REPORT} for each line; name further hosts where their owners agree",
        )
