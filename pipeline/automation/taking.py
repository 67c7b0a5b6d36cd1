"""Taking a batch of an inbox in: brought near, looked at, committed in the photos clone, and settled in its inbox.

A killed take leaves nothing that the next one does not finish or repeat: photos count once they are committed, the
commit names the upload, so that one that was committed is known again, and the batch leaves its inbox last of all.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline.alerts.sending import send
from pipeline.automation.arriving import Job, begun_at, brought_near, forget_works, taking
from pipeline.automation.clones import FOLLOWED, SOURCE_LINE, commit_photos, open_photos_clone, photos_lock
from pipeline.automation.git import git, git_or_empty
from pipeline.automation.quarantine import BadBatch, alert_of, blaming_the_batch, refusal_of, write_report
from pipeline.core.parameters import Parameters, PhotosParameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.sections import sections_of
from pipeline.intake.inbox import Arrival, PutAside, Settled
from pipeline.intake.inboxes import inbox_with, inboxes_of
from pipeline.intake.inspection import unreadable
from pipeline.intake.scraping.network import Network
from pipeline.intake.scraping.scrape_report import SCRAPE_REPORT
from pipeline.intake.source_tables import shown
from pipeline.intake.taking import Check, IntakeResult, bring_photos
from pipeline.photos.batches import read_batches
from pipeline.photos.kept_measures import FILE_NAME
from pipeline.photos.listing import FoundFile, list_files
from pipeline.photos.records import Batch
from pipeline.release.facts import data_hash
from serving.contract import PhotoLimits


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


def take(home: Layout, parameters: Parameters, source: str, network: Network | None = None) -> Taken:
    """Take one batch of an inbox in; a batch that cannot be taken in is put aside, with a report and an alert.

    Taken once more, a batch that is settled gives the same answer.

    Args:
        home: the checkout.
        parameters: its own; which photos train is said by those of the followed branch.
        source: as `pipeline inbox` calls it.
        network: the way to listed photos, for tests; none = the internet.

    Raises:
        DataError: there is no such batch, or it was put aside; or photos that came before are lost.
        ParameterError: parameters of the followed branch cannot be used.
        ServingError: the inbox is away; the batch stays.
        MachineError: the disk is full, or another command takes this batch in, or works on the photos for long; the
            batch stays.
    """
    inbox = inbox_with(source, inboxes_of(home, parameters.intake))
    with taking(home, inbox.find(source).source):
        found = inbox.find(source)
        if isinstance(found, Settled):
            forget_works(home, found.source, None)
            return _answered_again(found, home, parameters)
        job = Job(home, parameters, inbox, found, network)
        forget_works(home, found.source, job.work)
        begun = begun_at(job)
        try:
            taken = _taken_in(job, brought_near(job))
        except BadBatch as bad:
            aside = _put_aside(job, bad, begun)
            send(alert_of(aside, home), parameters.notify.target, home.state)
            shutil.rmtree(job.work, ignore_errors=True)
            raise refusal_of(aside) from None
        except OSError:
            shutil.rmtree(job.work, ignore_errors=True)  # a full disk needs the room
            raise
        inbox.settle_taken(found, asdict(taken))
        shutil.rmtree(job.work, ignore_errors=True)
        return taken


def _answered_again(settled: Settled, home: Layout, parameters: Parameters) -> Taken:
    if settled.put_aside is not None:
        # Whoever put it aside may have been killed before the alert; one that was sent is not sent twice.
        send(alert_of(settled.put_aside, home), parameters.notify.target, home.state)
        raise refusal_of(settled.put_aside)
    answer = dict(settled.answer or {})
    return Taken(**{**answer, "batches": tuple(answer["batches"]), "remarks": tuple(answer["remarks"])})


def _taken_in(job: Job, near: Path) -> Taken:
    with photos_lock(job.home, f"the taking in of {job.arrival.source}"):
        clone = open_photos_clone(job.home, job.parameters, job.remarks.append)
        followed = _followed_parameters(clone, job.parameters.automation.follow)
        before, was_committed = git(clone.root, "rev-parse", "HEAD"), _was_committed(clone, job.arrival)
        read_batches(clone.batches)  # a damaged record is no fault of the batch
        with blaming_the_batch(near):
            limits = PhotoLimits(followed.validate_.max_bytes, followed.validate_.max_pixels)
            result = bring_photos(clone, near, job.arrival.batch, None, limits, _check_of(job, followed))
        batches = [taken.batch for taken in result.taken]
        commit = commit_photos(clone, _message(job.arrival))
        files = list_files(clone, batches, PhotosParameters()).files
        idle = why_nothing_trains(files, followed.photos)
        is_new = was_committed or commit != before
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


def _check_of(job: Job, followed: Parameters) -> Check:
    clone = job.home.retrain_clone
    # Where the first stage of a retraining keeps its measures, once there is such a clone.
    store = Layout(clone if clone.is_dir() else job.home.photos_clone).state / FILE_NAME

    def check(made: Layout, batches: Sequence[Batch], unconverted: Mapping[str, str]) -> None:
        job.inbox.check_unchanged(job.arrival)
        errors = unreadable(made, batches, unconverted, followed.validate_, store)
        others = [f"{path}: {error}" for path, error in errors.items() if path not in unconverted]
        if others:
            job.remarks.append(f"{len(others)} files cannot be read, and will not train: {shown(others)}")

    return check


def _put_aside(job: Job, bad: BadBatch, begun: str) -> PutAside:
    place = job.inbox.quarantine_place(job.arrival, begun)
    came = bad.problem.came.replace(f"{job.home.photos_clone.resolve()}/", "")
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
    yield from result.in_words()
