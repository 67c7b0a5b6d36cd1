"""The life of one model's versions: loaded, served, retried, unloaded."""

import gc
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import grpc

from serving.modelserver.configuration import ModelSettings
from serving.modelserver.errors import RequestError, invalid
from serving.modelserver.versions import State, VersionStatus, versions_on_disk

log = logging.getLogger(__name__)

Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class RetryPolicy:
    """How often a refused version is tried again, and the pause before each attempt."""

    max_num_retries: int = 5
    interval_seconds: float = 60.0


@dataclass(frozen=True)
class Lease(Generic[Loaded]):
    """A version that stays loaded until the call that asked for it has ended."""

    number: int
    loaded: Loaded


@dataclass
class _Version(Generic[Loaded]):
    number: int
    folder: tuple[int, int]
    """Identity of the folder at the last attempt: a folder that was replaced deserves a fresh one."""
    state: State = State.START
    error: RequestError | None = None
    loaded: Loaded | None = None
    num_calls: int = 0
    num_failures: int = 0
    next_attempt: float = 0.0


class Model(Generic[Loaded]):
    """The versions of one model, kept in line with its settings and its folder.

    A wanted version is loaded before an unwanted one is dropped, and what serves goes on until a wanted version serves.
    A version that is dropped lives on until the calls that it is answering have ended.

    Args:
        settings: what is wanted; may be replaced at any time, the next refresh follows them.
        load: turns a version folder into something that answers; a RequestError refuses the version.
        retries: what to do after a refusal.
    """

    def __init__(self, settings: ModelSettings, load: Callable[[Path], Loaded], retries: RetryPolicy) -> None:
        self.settings = settings
        self._load = load
        self._retries = retries
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._versions: dict[int, _Version[Loaded]] = {}
        self._closed = False
        self._last_warning = ""
        self._has_garbage = False

    def refresh(self) -> None:
        """Look at the folder once: load what is wanted, then drop what is not."""
        with self._refreshing:
            self._free_memory()
            try:
                on_disk = versions_on_disk(self.settings.base_path)
            except OSError as error:  # says nothing about what is wanted: what serves goes on serving
                self._warn(f"{self.settings.base_path} cannot be listed: {error.strerror}")
                return
            self._warn("" if on_disk else f"{self.settings.base_path} holds no version folder")
            wanted = self.settings.policy.wanted(on_disk)
            for number in wanted:
                self._bring_up(number, on_disk[number])
            self._drop_unwanted(wanted, on_disk)

    def close(self) -> None:
        """Drop every version; one that is being loaded is dropped as soon as it is there."""
        self._closed = True
        for number in self.available():
            self._drop(self._versions[number])

    @contextmanager
    def lease(self, version: int | None, label: str | None = None) -> Iterator[Lease[Loaded]]:
        """Hold a version while a call runs on it.

        Args:
            version: number; None = by label, or the highest one that is AVAILABLE.
            label: of a version.

        Raises:
            RequestError: NOT_FOUND when it is not AVAILABLE, INVALID_ARGUMENT for an unknown label.
        """
        held, loaded = self._take(version, label)
        try:
            yield Lease(held.number, loaded)
        finally:
            with self._lock:
                held.num_calls -= 1
            self._end_when_idle(held)

    def number(self, version: int | None, label: str | None) -> int | None:
        """The number that a version or label stands for; None where neither is given.

        Raises:
            RequestError: INVALID_ARGUMENT for an unknown label.
        """
        if label is None:
            return version
        labels = self.settings.labels  # read once: the settings may be replaced at any time
        if label not in labels:
            raise invalid(f"Unrecognized servable version label: {label}")
        return labels[label]

    def status(self) -> list[VersionStatus]:
        """State of every version that was tried since the start, newest first."""
        with self._lock:
            return [VersionStatus(v.number, v.state, v.error) for _, v in sorted(self._versions.items(), reverse=True)]

    def available(self) -> list[int]:
        """Numbers of the versions that answer, newest first."""
        return [status.number for status in self.status() if status.state is State.AVAILABLE]

    def _take(self, asked_version: int | None, label: str | None) -> tuple[_Version[Loaded], Loaded]:
        with self._lock:  # a label's old version is dropped under this lock, and only after the label has moved
            number = self.number(asked_version, label)
            serving = {n: v for n, v in self._versions.items() if v.state is State.AVAILABLE}
            version = serving.get(max(serving, default=-1) if number is None else number)
            if version is None or version.loaded is None:
                name = self.settings.name
                asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
                raise RequestError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")
            version.num_calls += 1
            return version, version.loaded

    def _bring_up(self, number: int, path: Path) -> None:
        version = self._due(number, path)
        if version is None or self._closed:
            return
        self._move(version, State.LOADING)
        try:
            loaded = self._load(path)
        except RequestError as error:
            self._refuse(version, error)
            return
        version.loaded = loaded
        self._move(version, State.AVAILABLE)
        if self._closed:
            self._drop(version)

    def _due(self, number: int, path: Path) -> _Version[Loaded] | None:
        """The version, when it is time for an attempt to load it."""
        try:
            found = path.stat()
        except OSError:
            return None
        folder = (found.st_ino, found.st_ctime_ns)
        version = self._versions.get(number)
        if version is None or (version.state is State.END and (version.error is None or version.folder != folder)):
            version = _Version(number, folder)
            with self._lock:
                self._versions[number] = version
            return version
        if version.error is None or version.num_failures > self._retries.max_num_retries:
            return None
        return version if time.monotonic() >= version.next_attempt else None

    def _refuse(self, version: _Version[Loaded], error: RequestError) -> None:
        version.num_failures += 1
        version.next_attempt = time.monotonic() + self._retries.interval_seconds
        attempts = f"attempt {version.num_failures} of {self._retries.max_num_retries + 1}"
        log.error("Model %s version %d refused (%s): %s", self.settings.name, version.number, attempts, error.message)
        self._move(version, State.END, error)

    def _drop_unwanted(self, wanted: Collection[int], on_disk: Mapping[int, Path]) -> None:
        serving = self.available()
        if wanted and not set(wanted).intersection(serving):
            return
        for number in serving:
            # Where nothing on disk is wanted, a policy waits for versions to come; only what has left the disk goes.
            if number not in wanted and (wanted or number not in on_disk):
                self._drop(self._versions[number])

    def _drop(self, version: _Version[Loaded]) -> None:
        self._move(version, State.UNLOADING)
        self._end_when_idle(version)

    def _end_when_idle(self, version: _Version[Loaded]) -> None:
        with self._lock:
            idle = version.state is State.UNLOADING and version.num_calls == 0 and version.loaded is not None
            if idle:
                version.loaded = None
                self._has_garbage = True
        if idle:
            self._move(version, State.END)

    def _free_memory(self) -> None:
        # A loaded SavedModel is full of reference cycles: without this, dropped versions pile up in memory.
        if self._has_garbage:
            self._has_garbage = False
            gc.collect()

    def _move(self, version: _Version[Loaded], state: State, error: RequestError | None = None) -> None:
        with self._lock:
            version.state, version.error = state, error
        log.info("Model %s version %d: %s", self.settings.name, version.number, state.name)

    def _warn(self, problem: str) -> None:
        if problem and problem != self._last_warning:
            log.warning("Model %s: %s", self.settings.name, problem)
        self._last_warning = problem
