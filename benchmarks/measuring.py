"""What a command costs: seconds, processor seconds and memory of the process and all that it starts."""

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

_SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    seconds: float
    """From its start to its end, imports and all."""
    cpu_seconds: float
    """Of all its processes."""
    peak_megabytes: float
    """Largest memory of all its processes together; what they share counts once."""
    load: float
    """Of the machine when it started; a figure taken far above 0 is worth little."""

    def __add__(self, later: "Cost") -> "Cost":
        return Cost(
            self.seconds + later.seconds,
            self.cpu_seconds + later.cpu_seconds,
            max(self.peak_megabytes, later.peak_megabytes),
            max(self.load, later.load),
        )

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s ({self.cpu_seconds:.1f} s CPU, peak {self.peak_megabytes:.0f} MB)"

    def as_json(self) -> dict[str, float]:
        """Its figures, rounded."""
        return {name: round(value, 2) for name, value in asdict(self).items()}


def measured(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command and measure it.

    Raises:
        subprocess.CalledProcessError: it failed; what it said is printed.
    """
    load, before, started = os.getloadavg()[0], _cpu_seconds(), time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watch = _Watch(process.pid)
        watch.start()
        output, _ = process.communicate()
        seconds = time.monotonic() - started
        watch.stop()
    if process.returncode:
        print(output)
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(seconds, _cpu_seconds() - before, watch.peak_bytes / 1e6, load)


def show(what: str, figures: Mapping[str, Any]) -> None:
    """Print a line of figures at once."""
    words = ", ".join(f"{name} {value}" for name, value in figures.items())
    print(f"{what}: {words}", flush=True)


class _Watch(threading.Thread):
    """Looks at a process and its children until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._is_over = threading.Event()
        self.peak_bytes = 0

    def run(self) -> None:
        while not self._is_over.wait(_SECONDS_BETWEEN_LOOKS):
            with suppress(psutil.Error):
                tree = [self._root, *self._root.children(recursive=True)]
                self.peak_bytes = max(self.peak_bytes, sum(map(_proportional_bytes, tree)))

    def stop(self) -> None:
        self._is_over.set()
        self.join()


def _proportional_bytes(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_full_info().pss)
    return 0


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
