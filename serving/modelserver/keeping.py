"""Keeping a bounded sample of the photos that were asked about, without letting any request wait for it."""

import fcntl
import hashlib
import logging
import queue
import random
import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import tensorflow as tf

from serving import contract
from serving.asked import NOTE_SUFFIX, AskedPhoto, folder_of, note_text, read_note
from serving.metadata import without_metadata
from serving.modelserver.savedmodel import Array

MAX_PHOTO_BYTES = contract.PhotoLimits().max_bytes
"""Larger photos are not kept, so that the folder has a largest size."""

_NEEDED = (contract.CLASSES, contract.PROBABILITIES, contract.THRESHOLD)
_MAX_WAITING = 16
_MAX_WAITING_BYTES = 64_000_000
"""Of the photos of all questions that wait: a client may send hundreds of megabytes at once."""
_REST_PER_WORK = 9.0
"""Keeping takes a tenth of one core at most: under load it sees a part of the photos, and answers stay quick."""
_STOP_SECONDS = 2.0
_UNFINISHED = ".unfinished"
_LOCK = ".lock"
_OURS = re.compile(r"[0-9a-f]{64}\.(jpg|png|json)(\.unfinished)?")

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Asked:
    """A question that was answered."""

    model: str
    version: int
    tensors: Mapping[str, tf.Tensor]
    """What was asked, by input name."""
    outputs: Mapping[str, Array]
    """What was answered, by output name."""


@dataclass(frozen=True, eq=False)
class _Question:
    """What is kept of a question: not its heat maps, which are large."""

    model: str
    version: int
    photos: Sequence[bytes]
    answers: Mapping[str, Array]
    """By output name, row by row for the photos."""

    @property
    def num_bytes(self) -> int:
        return sum(map(len, self.photos))


class KeptPhotos:
    """A sample of the photos that were asked about, on disk, of at most so many photos for each model.

    Once a model's folder is full, a new photo takes the place of one that chance picks: what was asked lately
    prevails, and a single busy hour does not push all else out. What the file says beside the pixels is left out.

    Args:
        folder: of all models; made where it is missing, for this user's eyes alone. Of several servers one keeps
            photos there, the first that is asked about one.
        limit: photos of each model.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._lock: IO[bytes] | None = None
        self._models: dict[str, _ModelFolder] = {}
        self._failed = False
        self._waiting_bytes = 0
        self._counting = threading.Lock()
        self._waiting: queue.Queue[_Question | None] = queue.Queue(_MAX_WAITING)
        self._keeper = threading.Thread(target=self._keep_all, name="keeping", daemon=True)
        self._keeper.start()

    def offer(self, asked: Asked) -> None:
        """Keep a question's photos soon, or not at all where too many wait already; takes the time of a copy."""
        is_known = contract.IMAGE_BYTES in asked.tensors and all(name in asked.outputs for name in _NEEDED)
        if not is_known or self._waiting.full():
            return
        photos = asked.tensors[contract.IMAGE_BYTES].numpy().ravel().tolist()
        question = _Question(asked.model, asked.version, photos, {name: asked.outputs[name] for name in _NEEDED})
        with self._counting:
            num_bytes = self._waiting_bytes + question.num_bytes
            if num_bytes <= _MAX_WAITING_BYTES:
                with suppress(queue.Full):
                    self._waiting.put_nowait(question)
                    self._waiting_bytes = num_bytes

    def wait_until_kept(self) -> None:
        """Wait for what was taken in so far."""
        self._waiting.join()

    def close(self) -> None:
        """Keep what waits, for two seconds at most."""
        try:
            self._waiting.put(None, timeout=_STOP_SECONDS)
        except queue.Full:
            return
        self._keeper.join(_STOP_SECONDS)
        if self._lock is not None:
            self._lock.close()

    def _keep_all(self) -> None:
        while (question := self._waiting.get()) is not None:
            started = time.monotonic()
            try:
                self._keep(question)
                self._failed = False
            except Exception as error:  # serving goes on whatever happens here
                if not self._failed:
                    log.warning("Photos that are asked about cannot be kept in %s: %s", self._folder, error)
                self._failed = True
                self._models.pop(question.model, None)  # its folder is looked at anew: somebody may have removed it
            with self._counting:
                self._waiting_bytes -= question.num_bytes
            self._waiting.task_done()
            time.sleep(_REST_PER_WORK * (time.monotonic() - started))

    def _keep(self, question: _Question) -> None:
        if self._lock is None:
            self._lock = _locked(self._folder)
        model = self._models.get(question.model)
        if model is None:
            model = self._models[question.model] = _ModelFolder(folder_of(self._folder, question.model), self._limit)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        for index, data in enumerate(question.photos):
            photo = without_metadata(data) if len(data) <= MAX_PHOTO_BYTES else None
            if photo is not None:
                model.keep(photo, _note(question, index, photo, now))


def _locked(folder: Path) -> IO[bytes]:
    """A file that is locked until it is closed, or this process ends in whatever way."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = (folder / _LOCK).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise BlockingIOError("another server keeps photos there") from None
    return lock


class _ModelFolder:
    """The kept photos of one model; what a killed server left half done is removed first."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        notes = [note for note in map(read_note, folder.glob(f"*{NOTE_SUFFIX}")) if note is not None]
        self._kept = {note.sha256: note for note in notes if (folder / note.file).is_file()}
        whole = {note.file for note in self._kept.values()} | {f"{sha256}{NOTE_SUFFIX}" for sha256 in self._kept}
        for path in list(folder.iterdir()):
            if path.name not in whole and _OURS.fullmatch(path.name):
                path.unlink()
        self._make_room(0)

    def keep(self, data: bytes, note: AskedPhoto) -> None:
        known = self._kept.get(note.sha256)
        if known is None:
            self._make_room(1)
            self._write(note.file, data)
        else:
            note = replace(note, times=known.times + 1)
        self._write(f"{note.sha256}{NOTE_SUFFIX}", note_text(note).encode())
        self._kept[note.sha256] = note

    def _make_room(self, num_photos: int) -> None:
        while len(self._kept) + num_photos > self._limit:
            note = self._kept.pop(random.choice(tuple(self._kept)))
            (self._folder / f"{note.sha256}{NOTE_SUFFIX}").unlink(missing_ok=True)
            (self._folder / note.file).unlink(missing_ok=True)

    def _write(self, name: str, data: bytes) -> None:
        unfinished = self._folder / f"{name}{_UNFINISHED}"
        try:
            unfinished.write_bytes(data)
            unfinished.replace(self._folder / name)
        finally:
            unfinished.unlink(missing_ok=True)


def _note(question: _Question, index: int, photo: bytes, now: str) -> AskedPhoto:
    names = [name.decode() for name in question.answers[contract.CLASSES][index]]
    probabilities = question.answers[contract.PROBABILITIES][index]
    thresholds = question.answers[contract.THRESHOLD][index]
    return AskedPhoto(
        sha256=hashlib.sha256(photo).hexdigest(),
        suffix=".png" if photo.startswith(b"\x89PNG") else ".jpg",
        model=question.model,
        version=question.version,
        time=now,
        times=1,
        predicted=names[int((probabilities - thresholds).argmax())],
        probabilities=_by_class(names, probabilities),
        thresholds=_by_class(names, thresholds),
    )


def _by_class(names: Iterable[str], values: Array) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in zip(names, values, strict=True)}
