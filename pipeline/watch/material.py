"""Material of a watch: photos with the answers of the version that serves, kept ones and those of `data/`."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from pipeline.core.paths import Layout
from pipeline.core.progress import with_progress
from pipeline.photos.listing import FoundFile
from pipeline.watch.asking import Desk
from pipeline.watch.findings import Served
from pipeline.watch.photos import DataSince, measured
from pipeline.watch.ranking import Candidate
from pipeline.watch.trust import Calibration, calibration_of
from serving.answers import Prediction
from serving.asked import AskedPhoto, folder_of, read_asked
from serving.contract import PhotoLimits, UnreadablePhoto, upright

MAX_OF_DATA = 500
"""Photos of `data/` that are looked at in one watch, of the newest batches first."""


def asked_candidates(layout: Layout, served: Served, limits: PhotoLimits) -> list[Candidate]:
    """The kept photos that a version answered since it serves, measured; what is gone or unreadable is left out.

    Args:
        layout: of the checkout.
        served: the version; what it answered during an earlier term is no news.
        limits: of one photo.
    """
    folder, since = folder_of(layout.asked, served.model), datetime.fromisoformat(served.since)
    told = {
        folder / photo.file: photo
        for photo in read_asked(layout.asked, served.model)
        if photo.version == served.version and datetime.fromisoformat(photo.time) >= since
    }
    files = {location: FoundFile(photo.file, "", None) for location, photo in told.items()}
    rows = measured(files, limits, f"measuring photos that {served.model} was asked about")
    return [
        Candidate(location, row, prediction_of(told[location]), told[location].times) for location, row in rows.items()
    ]


def unlabelled_candidates(data: DataSince, desk: Desk) -> list[Candidate]:
    """The newest photos of `data/` without a label, measured and asked about; none where the server is away."""
    files = {data.root / file.path: file for file in data.unlabelled[:MAX_OF_DATA]}
    answers = desk.ask(list(files))
    rows = measured({location: files[location] for location in answers}, desk.limits, "measuring unlabelled photos")
    return [Candidate(location, row, answers[location], 0) for location, row in rows.items()]


def calibration_since(
    data: DataSince, kept: Mapping[str, Prediction], classes: Sequence[str], desk: Desk, seed: int
) -> Calibration | None:
    """Hold the model's answers against the labels of photos that came after it was trained.

    Args:
        data: what came; photos of classes that the model does not know are left out.
        kept: answers to photos that were asked about, by sha256; the server is asked about the others.
        classes: that the model knows.
        desk: the version that serves.
        seed: see `calibration_of`.

    Returns:
        None where no such photo has an answer.
    """
    files = {data.root / file.path: file for file in data.labelled if file.label in classes}
    recent = list(files)[:MAX_OF_DATA]
    answers = {
        location: kept[sha256]
        for location in with_progress(recent, "looking for labels", len(recent))
        for sha256 in _hashes(location, desk.limits)
        if sha256 in kept
    }
    answers |= desk.ask([location for location in recent if location not in answers])
    if not answers:
        return None
    certainty = [answer.probabilities[answer.classes.index(answer.predicted)] for answer in answers.values()]
    correct = [answer.predicted == files[location].label for location, answer in answers.items()]
    return calibration_of(np.array(certainty), np.array(correct), seed)


def prediction_of(photo: AskedPhoto) -> Prediction:
    """The answer that was kept with a photo."""
    return Prediction(
        photo.model,
        photo.version,
        tuple(photo.probabilities),
        tuple(photo.probabilities.values()),
        tuple(photo.thresholds[name] for name in photo.probabilities),
        photo.predicted,
    )


def _hashes(location: Path, limits: PhotoLimits) -> set[str]:
    """Hashes that a photo may be kept under: that of its file, and that of its file as it goes to a server."""
    try:
        data = location.read_bytes()
        return {hashlib.sha256(one).hexdigest() for one in (data, upright(data, limits))}
    except (OSError, UnreadablePhoto):
        return set()
