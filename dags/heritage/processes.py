"""Processes of tasks: their lines are heard as they come, and none outlives its task."""

import codecs
import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Process = subprocess.Popen[bytes]
Hear = Callable[[str], object]

_TICK_SECONDS = 1.0
_END_SECONDS = 4.0
_LONGEST_LINE = 100_000
_LINE_ENDS = re.compile(r"\r?\n|\r")


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], hear: Hear) -> tuple[int, list[str]]:
    """Run a command to its end, or end it together with this call, however the call ends.

    Args:
        command: the program and its arguments.
        folder: where it runs.
        environment: all that it is given.
        hear: called with each line of either stream as it comes.

    Returns:
        The exit code, negative for a signal, and the lines of standard output.

    Raises:
        ChildProcessError: the process that looks after this one was killed, so nobody would hear of the result.
    """
    output: list[str] = []

    def keep(line: str) -> None:
        output.append(line)
        hear(line)

    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process, selectors.DefaultSelector() as streams:
        streams.register(process.stdout or 0, selectors.EVENT_READ, _Lines(keep))
        streams.register(process.stderr or 0, selectors.EVENT_READ, _Lines(hear))
        try:
            _follow(process, streams)
            return process.wait(), output
        finally:
            _end(process, streams)


class _Lines:
    """Cuts what comes into lines; of a line that was written over, as progress bars do, each state is one."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def take(self, chunk: bytes) -> None:
        """Hear the lines that a piece of the stream completes; an empty piece is its end."""
        *lines, self._rest = _LINE_ENDS.split(self._rest + self._decoder.decode(chunk, final=not chunk))
        if self._rest and (not chunk or len(self._rest) > _LONGEST_LINE):
            lines.append(self._rest)
            self._rest = ""
        for line in lines:
            if line.strip():
                self._hear(line.rstrip())


def _follow(process: Process, streams: selectors.BaseSelector) -> None:
    """Read until both streams have ended, or the process has and nothing more comes."""
    parent = os.getppid()
    while streams.get_map():
        if not _read(streams, _TICK_SECONDS) and process.poll() is not None:
            return
        if os.getppid() != parent:
            raise ChildProcessError("the worker that ran this task has ended")


def _end(process: Process, streams: selectors.BaseSelector) -> None:
    """Ask a process that still runs to end, then make it; wait for those below it, which write into its streams."""
    for end in (process.terminate, process.kill):
        if process.poll() is not None:
            return
        end()
        deadline = time.monotonic() + _END_SECONDS
        while streams.get_map() and time.monotonic() < deadline:
            _read(streams, _END_SECONDS / 10)


def _read(streams: selectors.BaseSelector, seconds: float) -> bool:
    """Read what has come, or comes within a time; tells whether anything has."""
    ready = streams.select(seconds)
    for key, _ in ready:
        chunk = os.read(key.fd, 65_536)
        key.data.take(chunk)
        if not chunk:
            streams.unregister(key.fileobj)
    return bool(ready)
