"""Bounded concurrency: a few calls run, a few wait, the rest is told at once that the server is busy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from serving.modelserver.errors import RequestError


class Slots:
    """Lets a bounded number of calls run and a bounded number wait.

    Throughput falls when more calls run than cores can serve, so excess calls wait outside TensorFlow.

    Args:
        num_running: calls at once.
        num_waiting: calls that may wait for a slot.
    """

    def __init__(self, num_running: int, num_waiting: int) -> None:
        self._free = threading.Semaphore(num_running)
        self._lock = threading.Lock()
        self._num_waiting_left = num_waiting

    @contextmanager
    def held(self, seconds: float | None) -> Iterator[None]:
        """Hold a slot.

        Args:
            seconds: how long the caller may wait for it; None = without limit.

        Raises:
            RequestError: UNAVAILABLE when too many calls wait already, DEADLINE_EXCEEDED when the wait was too long.
        """
        if not self._free.acquire(blocking=False):
            self._wait(seconds)
        try:
            yield
        finally:
            self._free.release()

    def _wait(self, seconds: float | None) -> None:
        with self._lock:
            if self._num_waiting_left == 0:
                raise RequestError(grpc.StatusCode.UNAVAILABLE, "The server is busy and its queue is full; try again")
            self._num_waiting_left -= 1
        try:
            acquired = self._free.acquire(timeout=None if seconds is None else min(seconds, threading.TIMEOUT_MAX))
        finally:
            with self._lock:
                self._num_waiting_left += 1
        if not acquired:
            raise RequestError(grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline passed while the call waited to run")
