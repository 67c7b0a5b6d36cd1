"""Readers: who does the reading, in which order the results come back, and what happens when a reader dies."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from types import TracebackType
from typing import Generic, TypeVar

from pipeline.core.errors import MachineError
from pipeline.core.locks import die_with_parent

Item = TypeVar("Item")
Result = TypeVar("Result")

_TASKS_PER_WORKER = 4
"""Tasks handed out ahead of need."""
_DEATHS_BORNE = 10
"""Items of one run that may kill their reader; more of them speak of the machine rather than of the items."""
_CHECK_SECONDS = 5.0


@dataclass(frozen=True)
class Readers:
    """A kind of workers."""

    open: Callable[[int], Executor]
    """Start so many workers, or fewer."""
    num_workers: int
    deaths: tuple[type[Exception], ...] = (BrokenExecutor,)
    """What a task raises whose worker died."""
    check: Callable[[], None] = lambda: None
    """Called while a result is long in coming; raises where none will come."""


@dataclass(frozen=True)
class Work(Generic[Item, Result]):
    """What is done to the items of a task, and what stands for the result of an item that killed its worker."""

    do: Callable[[Sequence[Item]], Sequence[Result]]
    """Gives a result for each item; it must be picklable."""
    killed: Callable[[Item], Result]


def in_this_process() -> Readers:
    """One thread of this process: few files are read sooner by it than processes could be started."""
    return Readers(ThreadPoolExecutor, 1)


def in_processes(num_workers: int) -> Readers:
    """Processes of this machine."""
    # Spawned, since a fork of a process with threads may stand still for ever.
    context = get_context("spawn")
    return Readers(
        lambda count: ProcessPoolExecutor(count, mp_context=context, initializer=die_with_parent), num_workers
    )


def do_tasks(tasks: Sequence[Sequence[Item]], work: Work[Item, Result], readers: Readers) -> Iterator[Sequence[Result]]:
    """Have tasks done by workers; the results of each come in the order of the tasks.

    Where a worker dies, each task that its death took along is done again by a worker of its own, item by item where
    need be, so that the item at fault is known and no other suffers for it.

    Raises:
        MachineError: so many items killed their worker that the machine must be at fault.
    """
    under_way: deque[tuple[Sequence[Item], Future[Sequence[Result]]]] = deque()
    waiting = deque(tasks)
    deaths = 0
    with _Crew(readers, readers.num_workers) as crew, _Crew(readers, 1) as lone_worker:
        while waiting or under_way:
            while waiting and len(under_way) < readers.num_workers * _TASKS_PER_WORKER:
                task = waiting.popleft()
                under_way.append((task, crew.submit(work.do, task)))
            task, future = under_way.popleft()
            results = crew.result_of(future)
            if results is None:
                results, deaths = _with_care(task, work, lone_worker, deaths)
            yield results


class _Crew:
    """Workers that are started when they are first needed, and again when they are needed after one died."""

    def __init__(self, readers: Readers, num_workers: int) -> None:
        self._readers = readers
        self._num_workers = num_workers
        self._executor: Executor | None = None

    def __enter__(self) -> "_Crew":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def submit(
        self, do: Callable[[Sequence[Item]], Sequence[Result]], task: Sequence[Item]
    ) -> "Future[Sequence[Result]]":
        if self._executor is not None:
            with suppress(*self._readers.deaths):
                return self._executor.submit(do, task)
            self._executor.shutdown(wait=True)
        self._executor = self._readers.open(self._num_workers)
        return self._executor.submit(do, task)

    def result_of(self, future: "Future[Sequence[Result]]") -> Sequence[Result] | None:
        """Wait for a task; None where its worker died."""
        while True:
            try:
                return future.result(_CHECK_SECONDS)
            except self._readers.deaths:
                return None
            except TimeoutError:
                self._readers.check()


def _with_care(
    task: Sequence[Item], work: Work[Item, Result], lone_worker: _Crew, deaths: int
) -> tuple[Sequence[Result], int]:
    """Do a task that may hold a killer, and count the deaths on."""
    together = lone_worker.result_of(lone_worker.submit(work.do, task))
    if together is not None:
        return together, deaths
    results: list[Result] = []
    for item in task:
        alone = lone_worker.result_of(lone_worker.submit(work.do, [item]))
        deaths += alone is None
        _refuse_many(deaths)
        results += [work.killed(item)] if alone is None else alone
    return results, deaths


def _refuse_many(deaths: int) -> None:
    if deaths > _DEATHS_BORNE:
        raise MachineError(
            f"processes that read photos were killed over {deaths} files",
            expected="enough memory for `validate.workers` photos of `validate.max_pixels` at once",
            todo="lower validate.workers or validate.max_pixels in params.yaml and run again; what was read is kept",
        )
