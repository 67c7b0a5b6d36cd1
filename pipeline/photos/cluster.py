"""Cluster: readers that are the workers of a Dask cluster, which see the same files and run the same code."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from pipeline.core.errors import MachineError
from pipeline.core.hashing import sha256_of_file
from pipeline.photos.measures import making_of_measures
from pipeline.photos.readers import Readers
from serving.contract import PhotoLimits

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_WAIT_SECONDS = 15
_LONELY_SECONDS = 60
"""A cluster may be without workers for so long, while they are started again."""


@contextmanager
def on_cluster(scheduler: str, witness: Path, limits: PhotoLimits) -> Iterator[Readers]:
    """Have photos read by a Dask cluster for the length of a block.

    Args:
        scheduler: its address, such as `tcp://127.0.0.1:8786`.
        witness: a file of the checkout; a worker that finds other bytes at this path does not see the same photos.
        limits: checked before a photo is decoded.

    Raises:
        MachineError: Dask is not installed, the scheduler does not answer, it has no workers, or a worker sees other
            files or would measure otherwise.
    """
    client = _client(scheduler)
    try:
        _refuse_strangers(client, scheduler, witness, limits)
        from distributed.scheduler import KilledWorker

        # At least one, or else nothing would be handed out where all workers went a moment ago.
        slots = max(1, sum(worker["nthreads"] for worker in _workers(client).values()))
        company = _Company(client, scheduler)
        yield Readers(lambda _: _OnCluster(client), slots, deaths=(KilledWorker,), check=company.check)
    finally:
        client.close()


class _OnCluster(Executor):
    """A Dask client as an executor; the client stays open when this is shut down."""

    def __init__(self, client: Any) -> None:
        self._executor = client.get_executor(pure=False)

    def submit(
        self, do: Callable[Arguments, Answer], /, *values: Arguments.args, **named: Arguments.kwargs
    ) -> "Future[Answer]":
        future: Future[Answer] = self._executor.submit(do, *values, **named)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait=wait and not cancel_futures)


class _Company:
    """Watches that the cluster has workers."""

    def __init__(self, client: Any, scheduler: str) -> None:
        self._client = client
        self._scheduler = scheduler
        self._last_seen = time.monotonic()

    def check(self) -> None:
        """Stop waiting for a cluster whose workers all went and did not come back.

        Raises:
            MachineError: there was none for a minute.
        """
        now = time.monotonic()
        if self._client.status == "running" and _workers(self._client):
            self._last_seen = now
        elif now - self._last_seen > _LONELY_SECONDS:
            raise MachineError(
                f"the Dask cluster at {self._scheduler} lost all its workers",
                expected="a worker that lives, or comes back within a minute",
                todo="start its workers again, then run the command again; what was read is kept",
            )


def _client(scheduler: str) -> Any:
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise MachineError(
            "Dask is not installed here",
            expected="the packages of the extra `scale`, for validate.executor: dask",
            todo="install them with `pip install .[scale]`, or set validate.executor to local",
        ) from None
    try:
        return Client(scheduler, timeout=_WAIT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise MachineError(
            f"no Dask scheduler answers at {scheduler} ({type(error).__name__})",
            expected="a scheduler at the address of validate.scheduler",
            todo="start one with `dask scheduler`, mend validate.scheduler, or set validate.executor to local",
        ) from None


def _workers(client: Any) -> dict[str, Any]:
    workers: dict[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return workers


def _refuse_strangers(client: Any, scheduler: str, witness: Path, limits: PhotoLimits) -> None:
    try:
        client.wait_for_workers(1, timeout=_WAIT_SECONDS)
    except TimeoutError:
        raise MachineError(
            f"the Dask scheduler at {scheduler} has no workers",
            expected="at least one",
            todo=f"start some with `dask worker {scheduler} --nthreads 1` on machines that share this checkout",
        ) from None
    ours = (sha256_of_file(witness), making_of_measures(limits))
    answers = client.run(_testimony, witness, limits, on_error="return")
    for address, answer in sorted(answers.items()):
        if isinstance(answer, Exception):
            raise _stranger(address, f"cannot read photos: {answer}")
        if answer[0] != ours[0]:
            raise _stranger(address, f"does not see {witness} as it is here")
        if answer[1] != ours[1]:
            raise _stranger(address, "has other versions of this code or of its libraries")


def _testimony(witness: Path, limits: PhotoLimits) -> tuple[str, str]:
    """What a worker sees and how it would measure."""
    return (sha256_of_file(witness) if witness.is_file() else "", making_of_measures(limits))


def _stranger(address: str, what: str) -> MachineError:
    return MachineError(
        f"the Dask worker {address} {what}",
        expected="workers that see this checkout under the same path, on a shared volume, with the same packages",
        todo="mount the volume there, install the same requirements.lock and this code, and start the worker again",
    )
