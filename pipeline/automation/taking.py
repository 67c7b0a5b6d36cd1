"""Taking a batch of an inbox in: brought near, looked at, committed in the photos clone, and settled in its inbox.

A killed take leaves nothing that the next one does not finish or repeat: photos count once they are committed, the
commit names the upload, so that one that was committed is known again, and the batch leaves its inbox last of all.
"""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from pipeline.alerts.sending import send
from pipeline.automation.clones import FOLLOWED, SOURCE_LINE, commit_photos, open_photos_clone, photos_lock
from pipeline.automation.git import git_or_empty
from pipeline.automation.quarantine import BadBatch, alert_of, blaming_the_batch, refusal_of, write_report
from pipeline.core.locks import held_lock
from pipeline.core.parameters import Parameters, PhotosParameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.sections import sections_of
from pipeline.core.tables import write_text
from pipeline.intake.archives import unpack
from pipeline.intake.inbox import MARKER, Arrival, Inbox, PutAside, Settled
from pipeline.intake.inboxes import inbox_with, inboxes_of
from pipeline.intake.inspection import unreadable
from pipeline.intake.scraping.listed import fetch_listed
from pipeline.intake.scraping.scrape_report import SCRAPE_REPORT
from pipeline.intake.scraping.url_table import URLS_CSV, url_table_of
from pipeline.intake.scraping.visiting import FetchLimits
from pipeline.intake.source_tables import shown
from pipeline.intake.taking import Check, IntakeResult, bring_photos
from pipeline.photos.batches import read_batches
from pipeline.photos.kept_measures import FILE_NAME
from pipeline.photos.listing import FoundFile, list_files
from pipeline.photos.records import Batch
from pipeline.release.facts import data_hash

_DAYS_KEPT = 7
"""What was fetched and never settled goes after so long."""
_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Taken:
    """What became of a batch that was taken in."""

    batch: str
    source: str
    batches: tuple[str, ...]
    """Under which names its photos are known; two where they came in `train` and `test` folders."""
    photos: int
    labelled: int
    is_new: bool
    """False where the same photos came before."""
    commit: str
    """Of the photos, on their branch."""
    data_hash: str
    """DVC's hash of all photos."""
    trains: bool
    """Whether a run of the followed branch would see a labelled photo of it."""
    remarks: tuple[str, ...]
    """What a person should know, in sentences."""


@dataclass(frozen=True)
class _Job:
    """One arrival, and what its taking needs."""

    home: Layout
    parameters: Parameters
    inbox: Inbox
    arrival: Arrival
    remarks: list[str] = field(default_factory=list)

    @property
    def work(self) -> Path:
        """Folder of what is brought near, found again when the take is repeated."""
        return self.home.automation / "arriving" / self.arrival.fingerprint[:32]


def take(home: Layout, parameters: Parameters, source: str) -> Taken:
    """Take one batch of an inbox in; a batch that cannot be taken in is put aside, with a report and an alert.

    Taken once more, a batch that is settled gives the same answer.

    Args:
        home: the checkout.
        parameters: its own; which photos train is said by those of the followed branch.
        source: as `pipeline inbox` calls it.

    Raises:
        DataError: there is no such batch, or it was put aside; or photos that came before are lost.
        ParameterError: parameters of the followed branch cannot be used.
        ServingError: the inbox is away; the batch stays.
        MachineError: the disk is full, or another command works on the photos; the batch stays.
    """
    inbox = inbox_with(source, inboxes_of(home, parameters.intake))
    with held_lock(home.automation / "take.lock", f"the taking in of {source}"):
        _forget_abandoned(home.automation / "arriving")
        found = inbox.find(source)
        if isinstance(found, Settled):
            return _answered_again(found, home, parameters)
        job = _Job(home, parameters, inbox, found)
        note = job.work / "begun"
        if not note.is_file():
            write_text(note, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        try:
            taken = _taken_in(job, _brought_near(job))
        except BadBatch as bad:
            aside = _put_aside(job, bad, note.read_text(encoding="utf-8"))
            send(alert_of(aside), parameters.notify.target, home.state)
            shutil.rmtree(job.work, ignore_errors=True)
            raise refusal_of(aside) from None
        inbox.settle_taken(found, asdict(taken))
        shutil.rmtree(job.work, ignore_errors=True)
        return taken


def _answered_again(settled: Settled, home: Layout, parameters: Parameters) -> Taken:
    if settled.put_aside is not None:
        # Whoever put it aside may have been killed before the alert; one that was sent is not sent twice.
        send(alert_of(settled.put_aside), parameters.notify.target, home.state)
        raise refusal_of(settled.put_aside)
    answer = dict(settled.answer or {})
    return Taken(**{**answer, "batches": tuple(answer["batches"]), "remarks": tuple(answer["remarks"])})


def _forget_abandoned(arriving: Path) -> None:
    """Remove what was brought near and never settled, such as of a batch that somebody took away."""
    oldest = time.time() - _DAYS_KEPT * _SECONDS_PER_DAY
    for work in arriving.iterdir() if arriving.is_dir() else ():
        if work.stat().st_mtime < oldest:
            shutil.rmtree(work, ignore_errors=True)


def _brought_near(job: _Job) -> Path:
    """The batch as a folder of this machine that holds its photos."""
    with blaming_the_batch(None):
        place = job.inbox.fetch(job.arrival, job.work / "fetched")
        if place.is_file():
            place = _unpacked(place, job.work)
    with blaming_the_batch(place):
        table = url_table_of(_unwrapped(place))
        return _scraped(job, table) if table is not None else place


def _unpacked(archive: Path, work: Path) -> Path:
    target, unfinished = work / "unpacked", work / "unpacking"
    if not target.is_dir():
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        unpack(archive, unfinished)
        unfinished.rename(target)
    return target


def _unwrapped(place: Path) -> Path:
    """The only folder at the top of an archive, where it holds a list of photos."""
    folders = [path for path in place.iterdir() if path.is_dir() and not path.is_symlink()]
    return folders[0] if len(folders) == 1 and (folders[0] / URLS_CSV).is_file() else place


def _scraped(job: _Job, table: Path) -> Path:
    """The photos that a table lists, fetched."""
    limits = FetchLimits(max_bytes=job.parameters.validate_.max_bytes)
    report = fetch_listed(table, job.work / "listed", job.parameters.intake, limits)
    kept = job.home.automation / "listed" / f"{job.arrival.batch}.csv"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(job.work / "listed" / SCRAPE_REPORT, kept)
    job.remarks.append(f"{report.in_words()}; line by line in {kept}")
    return report.folder


def _taken_in(job: _Job, near: Path) -> Taken:
    with photos_lock(job.home, f"the taking in of {job.arrival.source}"):
        clone = open_photos_clone(job.home, job.parameters, job.remarks.append)
        followed = _followed_parameters(clone, job.parameters.automation.follow)
        was_committed = _was_committed(clone, job.arrival)
        read_batches(clone.batches)  # a damaged record is no fault of the batch
        with blaming_the_batch(near):
            result = bring_photos(clone, near, job.arrival.batch, check=_check_of(job, followed))
        batches = [taken.batch for taken in result.taken]
        commit = commit_photos(clone, _message(job.arrival))
        files = list_files(clone, batches, PhotosParameters()).files
        idle = why_nothing_trains(files, followed.photos)
        is_new = was_committed or any(taken.is_new for taken in result.taken)
        return Taken(
            batch=job.arrival.batch,
            source=job.arrival.source,
            batches=tuple(batch.batch for batch in batches),
            photos=len(files),
            labelled=sum(file.label is not None for file in files),
            is_new=is_new,
            commit=commit,
            data_hash=data_hash(clone),
            trains=not idle,
            remarks=(*job.remarks, *_remarks_on(result, is_new), *([f"trains nothing: {idle}"] if idle else [])),
        )


def _check_of(job: _Job, followed: Parameters) -> Check:
    clone = job.home.retrain_clone
    # Where the first stage of a retraining keeps its measures, once there is such a clone.
    store = Layout(clone if clone.is_dir() else job.home.photos_clone).state / FILE_NAME

    def check(made: Layout, batches: Sequence[Batch]) -> None:
        job.inbox.check_unchanged(job.arrival)
        errors = unreadable(made, batches, followed.validate_, store)
        if errors:
            first = shown([f"{path}: {error}" for path, error in errors.items()])
            job.remarks.append(f"{len(errors)} files cannot be read, and will not train: {first}")

    return check


def _put_aside(job: _Job, bad: BadBatch, begun: str) -> PutAside:
    place = job.inbox.quarantine_place(job.arrival, begun)
    came = bad.problem.came
    # Where it was looked at means nothing to people.
    for brought in (bad.near, job.work / "unpacked", job.work / "fetched" / job.arrival.name):
        came = came.replace(str(brought), job.arrival.source) if brought else came
    aside = PutAside(job.arrival.batch, job.arrival.source, came, bad.problem.expected, bad.problem.todo, place)
    write_report(job.work / "report", aside, job.arrival, bad)
    if (listed := job.work / "listed" / SCRAPE_REPORT).is_file():
        shutil.copyfile(listed, job.work / "report" / SCRAPE_REPORT)
    job.inbox.settle_quarantined(job.arrival, aside, job.work / "report")
    return aside


def _followed_parameters(clone: Layout, follow: str) -> Parameters:
    """The parameters that say what is retrained.

    Raises:
        ParameterError: the followed branch has none, or none that can be used.
    """
    text = git_or_empty(clone.root, "show", f"{FOLLOWED}:{clone.parameters.name}")
    source = f"{clone.parameters.name} of {follow}"
    return parse_parameters(sections_of(text, source), source)


def why_nothing_trains(files: Sequence[FoundFile], photos: PhotosParameters) -> str:
    """Why a run would train on none of these photos, in a sentence; empty where it would.

    Args:
        files: of new batches.
        photos: which photos runs see.
    """
    labelled = [file for file in files if file.label is not None]
    if not labelled:
        return "none of its photos has a label"
    seen = [file for file in labelled if any(fnmatchcase(file.batch, glob) for glob in photos.batches)]
    if not seen:
        return f"its name is outside photos.batches ({', '.join(photos.batches)}) of the followed params.yaml"
    if photos.classes and not any(file.label in photos.classes for file in seen):
        return f"none of its labels is among photos.classes ({', '.join(photos.classes)}) of the followed params.yaml"
    return ""


def _was_committed(clone: Layout, arrival: Arrival) -> bool:
    """Whether a killed take committed this very upload."""
    line = f"^{_upload_line(arrival)}$"
    return bool(git_or_empty(clone.root, "log", "-1", "--format=%H", f"--grep={line}"))


def _message(arrival: Arrival) -> str:
    return f"Take in {arrival.batch}\n\n{SOURCE_LINE}{arrival.source}\n{_upload_line(arrival)}"


def _upload_line(arrival: Arrival) -> str:
    return f"Upload: {arrival.fingerprint}"


def _remarks_on(result: IntakeResult, is_new: bool) -> Iterator[str]:
    if not is_new:
        names = ", ".join(sorted({taken.batch.batch for taken in result.taken}))
        yield f"the same photos came before as {names}"
    left_out = [file for file in result.left_out if PurePosixPath(file).name != MARKER]
    if left_out:
        yield f"left out, neither photos nor tables: {shown(left_out)}"
    if result.hidden:
        yield f"left out, hidden by a leading dot: {shown(result.hidden)}"
