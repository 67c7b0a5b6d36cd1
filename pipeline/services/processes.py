"""Several servers run as one: started together, said when they answer, stopped together, whatever happens."""

import ctypes
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, STDOUT
from typing import TextIO

import psutil

from pipeline.console import say
from pipeline.core.errors import ServingError

START_SECONDS = 180.0
"""Time for a service to answer; the first start of MLflow makes a database, and TensorFlow takes seconds to import."""
STOP_SECONDS = 6.0
"""Time for a service to end calls under way; the model server and the explainer allow theirs five."""

ERRORS = re.compile(r"^(\S+ ){0,2}(ERROR|CRITICAL)\b")
"""Lines whose level says so, alone or after date and time."""

RESTARTS_WITHIN_SECONDS = 600.0
"""A service that ends more often than its `restarts` within this time is not started again."""

_MAX_LOG_BYTES = 50_000_000
_LAST_SECONDS = 2.0
_TICK_SECONDS = 0.2
_LAST_LINES = 15
_PR_SET_CHILD_SUBREAPER = 36
_CHILD = (sys.executable, "-m", "pipeline.services.child")


@dataclass(frozen=True)
class Service:
    """A server in a process of its own."""

    name: str
    """For people, and for its log file."""
    module: str
    """Run as `python -m <module>`."""
    flags: Sequence[str]
    address: str
    """Where people and programs find it; empty for what nobody visits."""
    answers: Callable[[], bool]
    """Whether it answers at this moment; takes a second at most."""
    telling: re.Pattern[str] = ERRORS
    """Lines of its log that people should see."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to this process's own."""
    restarts: int = 0
    """How often within ten minutes it is started again after it has ended by itself."""

    @property
    def log_name(self) -> str:
        """Name of its log file."""
        return f"{self.name.replace(' ', '-').lower()}.log"


@dataclass
class _Running:
    service: Service
    process: psutil.Popen
    log: Path
    stream: TextIO
    partial: str = ""
    ends: list[float] = field(default_factory=list)
    """When it ended by itself and was started again, on the monotonic clock."""

    def show_news(self) -> None:
        """Print what people should see of the lines written since the last call, and begin a long log anew."""
        self._show_new_lines()
        if self.log.stat().st_size > _MAX_LOG_BYTES:
            self._begin_log_anew()

    def _show_new_lines(self) -> None:
        *lines, self.partial = (self.partial + self.stream.read()).split("\n")
        for line in lines:
            if self.service.telling.search(line):
                say(f"{self.service.name} | {line}")

    def may_start_again(self) -> bool:
        """Whether it ended seldom enough of late to be started again."""
        recent = [end for end in self.ends if end > time.monotonic() - RESTARTS_WITHIN_SECONDS]
        return len(recent) < self.service.restarts

    def start_again(self) -> None:
        """Start it again after it has ended, and say so."""
        say(f"{self.service.name} {_how_it_ended(self.process)} and is started again; its log: {self.log}")
        self.ends.append(time.monotonic())
        self.process = _process(self.service, self.log)

    def _begin_log_anew(self) -> None:
        """Keep the log as the one before, and let the service go on writing into an empty one."""
        with suppress(OSError):  # a full disk
            shutil.copyfile(self.log, self.log.with_name(f"{self.log.name}.1"))
        self._show_new_lines()  # copying takes its time
        os.truncate(self.log, 0)
        self.stream.seek(0)


def run_together(services: Sequence[Service], logs: Path, news: Callable[[], Sequence[str]] = tuple) -> None:
    """Start services, say where each is once it answers, and go on until SIGINT, SIGTERM or SIGHUP.

    Whatever the end, all are stopped, with every process that they started: all descendants of this process count as
    theirs. Where this process is killed, each service ends by itself.

    Args:
        services: in the order in which they are said to answer.
        logs: folder of their logs; those of an earlier start are overwritten, and those of 50 MB begin anew.
        news: lines for people from elsewhere, that came since it was asked the last time; takes next to no time.

    Raises:
        ServingError: a service ended by itself, more often than it may, or did not answer in time.
        KeyboardInterrupt: SIGINT came; all are stopped by then.
    """
    _adopt_orphans()
    logs.mkdir(parents=True, exist_ok=True)
    running: list[_Running] = []
    with _signals() as received, ExitStack() as files:
        try:
            for service in services:
                running.append(_started(service, logs, files))
            _watch(running, received, news)
        finally:
            _stop(running)
    if received[:1] == [signal.SIGINT]:
        raise KeyboardInterrupt


def _started(service: Service, logs: Path, files: ExitStack) -> _Running:
    log = logs / service.log_name
    log.write_bytes(b"")
    return _Running(
        service, _process(service, log), log, files.enter_context(log.open(encoding="utf-8", errors="replace"))
    )


def _process(service: Service, log: Path) -> psutil.Popen:
    with log.open("ab") as output:  # appending: the log may be emptied while it is written
        return psutil.Popen(
            [*_CHILD, service.module, *service.flags],
            env={**os.environ, "PYTHONUNBUFFERED": "1", **service.environment},
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT,
            start_new_session=True,  # Ctrl-C on a terminal comes to this process alone, which stops them in order
        )


def _watch(running: Sequence[_Running], received: Sequence[int], news: Callable[[], Sequence[str]]) -> None:
    """Look after services until a signal was received."""
    deadline = time.monotonic() + START_SECONDS
    silent = list(running)
    width = max(len(one.service.name) for one in running)
    while not received:
        _bury_adopted({one.process.pid for one in running})
        for one in running:
            one.show_news()
            if one.process.poll() is not None:
                if not one.may_start_again():
                    raise _ended(one)
                one.start_again()
        for line in news():
            say(line)
        while silent and silent[0].service.answers():
            service = silent.pop(0).service
            say(f"{service.name:{width}}  {service.address or 'runs'}")
            if not silent:
                say("all of them answer; Ctrl-C stops them")
        if silent and time.monotonic() > deadline:
            raise _late(silent[0])
        time.sleep(_TICK_SECONDS)


def _stop(running: Sequence[_Running]) -> None:
    """Ask the services to end, then what they left behind; kill what does not end in time."""
    with suppress(OSError):  # the terminal may be gone
        say("stopping ...")
    services = [one.process for one in running]
    _end(services, psutil.Process.terminate, STOP_SECONDS)
    for end in (psutil.Process.terminate, psutil.Process.kill):  # some await what has ended, until asked again
        _end(services, end, _LAST_SECONDS)
    for end in (psutil.Process.terminate, psutil.Process.kill):
        _end(psutil.Process().children(recursive=True), end, _LAST_SECONDS)


def _end(processes: Sequence[psutil.Process], end: Callable[[psutil.Process], None], seconds: float) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            end(process)
    psutil.wait_procs(processes, timeout=seconds)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect the signals that ask for an end, instead of being ended by them; `nohup` keeps its meaning."""
    received: list[int] = []
    asking = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        asking.remove(signal.SIGHUP)
    before = {number: signal.signal(number, lambda got, _: received.append(got)) for number in asking}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _adopt_orphans() -> None:
    """Become the parent of processes whose own parent ends, so that they are found and stopped; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _bury_adopted(services: Collection[int]) -> None:
    """Take note of adopted processes that have ended, which the kernel keeps until then; on Linux, where they are."""
    if sys.platform != "linux":
        return
    with suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in services:
                return
            os.waitpid(ended.si_pid, 0)


def _ended(one: _Running) -> ServingError:
    return ServingError(
        f"{one.service.name} {_how_it_ended(one.process)}, so the others were stopped; "
        f"its last lines:\n{_last_lines(one.log)}",
        expected="services that run until they are stopped",
        todo=f"mend what {one.log} names, then start them again",
    )


def _how_it_ended(process: psutil.Popen) -> str:
    code = process.returncode
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _late(one: _Running) -> ServingError:
    where = f" at {one.service.address}" if one.service.address else ""
    return ServingError(
        f"{one.service.name} does not answer{where}; its last lines:\n{_last_lines(one.log)}",
        expected=f"an answer within {START_SECONDS:.0f} s",
        todo=f"mend what {one.log} names, then start them again",
    )


def _last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])
