"""Asking one version of a served model about many files, several at a time."""

import io
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from pipeline.core.errors import ServingError
from pipeline.predict.answers import Answered, Unanswered
from pipeline.predict.listing import AskedFile
from pipeline.predict.overlays import overlay_path, shrunk, write_overlay
from serving.answers import Explanation
from serving.client import DeadlinePassed, ModelClient, ModelServerError, NotServed, RequestRefused, ServingUnavailable
from serving.contract import STABLE_LABEL, PhotoLimits, UnreadablePhoto, read_upright, upright_bytes

IN_FLIGHT = 4
"""Photos that are read, asked about and drawn at once; more gain little (`benchmarks/predict.py`)."""

_PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # a minute, in which a busy machine starts the server again


@dataclass(frozen=True)
class Desk:
    """Where questions go, and where the overlays of the answers are written."""

    client: ModelClient
    model: str
    version: int
    """The one version that is asked."""
    limits: PhotoLimits
    folder: Path
    """Folder of answers."""
    closed: threading.Event = field(default_factory=threading.Event)
    """Set once no answer is waited for any more."""


def stable_version(client: ModelClient, model: str) -> int:
    """The version that answers under the label `stable` now.

    A grey picture is asked about, since model servers differ in what they tell of labels, and not in how they answer.

    Raises:
        ModelServerError: see `ModelClient`.
    """
    return client.as_trial().explain(_grey_picture(), model, label=STABLE_LABEL).prediction.version


def ask_all(files: Sequence[AskedFile], desk: Desk) -> Iterator[Answered | Unanswered]:
    """Ask about files, `IN_FLIGHT` at a time; answers come in the order of the files.

    A file that cannot be read, that the server refuses or that it fails on costs its own answer alone. A server that
    is away is given time to start again.

    Raises:
        ServingError: the server stays away, is too slow, breaks the contract or no longer serves the version.
    """
    executor = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="predict")
    num_answers = 0
    try:
        for answer in executor.map(lambda file: _ask(file, desk), files):
            num_answers += 1
            yield answer
    except ModelServerError as error:
        raise _stopped(error, desk, f"after {num_answers} of {len(files)} files") from None
    finally:
        desk.closed.set()
        executor.shutdown(cancel_futures=True)


def _ask(file: AskedFile, desk: Desk) -> Answered | Unanswered:
    if file.problem:
        return Unanswered(file.path, file.problem)
    try:
        photo, small = _read(file.location, desk.limits)
    except OSError as error:
        return Unanswered(file.path, f"cannot be read: {error.strerror}")
    except UnreadablePhoto as error:
        return Unanswered(file.path, str(error))
    try:
        explanation = _explained(photo, desk)
    except (RequestRefused, ServingUnavailable) as error:
        if not _still_serves(desk):
            raise
        return Unanswered(file.path, " ".join(error.came.split()))
    overlay = overlay_path(file.path)
    write_overlay(desk.folder / overlay, small, explanation.heatmap)
    return Answered(file.path, explanation.prediction, overlay)


def _read(location: Path, limits: PhotoLimits) -> tuple[bytes, Image.Image]:
    """The bytes for the model, and the photo in the size of overlays."""
    num_bytes = location.stat().st_size
    if num_bytes > limits.max_bytes:
        raise UnreadablePhoto(f"{num_bytes:,} bytes; at most {limits.max_bytes:,} are accepted")
    data = location.read_bytes()
    photo = read_upright(data, limits)
    return upright_bytes(photo, data), shrunk(photo.image)


def _explained(photo: bytes, desk: Desk) -> Explanation:
    pauses = iter(_PAUSES_SECONDS)
    while True:
        try:
            return desk.client.explain(photo, desk.model, version=desk.version)
        except ServingUnavailable as error:
            pause = next(pauses, None)
            if isinstance(error, DeadlinePassed) or pause is None or desk.closed.wait(pause):
                raise


def _still_serves(desk: Desk) -> bool:
    try:
        desk.client.as_trial().explain(_grey_picture(), desk.model, version=desk.version)
    except ModelServerError:
        return False
    return True


def _grey_picture() -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(picture, "PNG")
    return picture.getvalue()


def _stopped(error: ModelServerError, desk: Desk, when: str) -> ServingError:
    if isinstance(error, NotServed):
        return ServingError(
            f"version {desk.version} of {desk.model} went away {when}",
            expected="one version for all photos, so that answers can be compared",
            todo="run the command again: it asks the version that serves now; nothing was written",
        )
    return ServingError(
        f"{error.came} ({when})", expected=error.expected, todo=f"{error.to_do}; then run the command again"
    )
