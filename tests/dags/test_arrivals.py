"""The watch over the inbox, on a real folder.

Airflow keeps its settings and handlers for a whole process, so each watch runs in a process of its own, which writes a
line for each event and for each line of its log.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LOOK_SECONDS = 0.2
SEVERAL_LOOKS = 6 * LOOK_SECONDS

WATCH = """
import asyncio, logging, sys
from heritage import arrivals
logging.basicConfig(level=logging.INFO, format="LOG %(message)s", stream=sys.stdout, force=True)
async def watch():
    made, arguments = arrivals.Arrivals(seconds=0.2, again_minutes=float(sys.argv[1])).serialize()
    assert made == "heritage.arrivals.Arrivals"
    async for event in arrivals.Arrivals(**arguments).run():
        print("EVENT", *event.payload["batches"], flush=True)
"""
ALONE = WATCH + "asyncio.run(watch())"
BESIDE_ANOTHER = (
    WATCH
    + """
import time
arrivals.Watched.batches = lambda _: time.sleep(1.5)
async def other():
    for _ in range(3):
        await asyncio.sleep(0.1)
        print("TICK", flush=True)
async def both():
    asyncio.create_task(watch())
    await asyncio.sleep(0)
    await other()
asyncio.run(asyncio.wait_for(both(), 1.2))
"""
)


class Lines:
    """What a watch has written, line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._lines: Queue[str] = Queue()
        Thread(target=self._read, args=(process,), daemon=True).start()

    def next(self, seconds: float = 30) -> str:
        """The next line, which must come in time."""
        return self._lines.get(timeout=seconds)

    def none_for(self, seconds: float) -> bool:
        """Whether no line comes for a time."""
        try:
            self._lines.get(timeout=seconds)
        except Empty:
            return True
        return False

    def _read(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            self._lines.put(line.strip())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "params.yaml").write_text((PROJECT / "params.yaml").read_text())
    return tmp_path


@contextmanager
def watched(home: Path, script: str = ALONE, again_minutes: float = 30) -> Iterator[Lines]:
    environment = {
        **os.environ,
        "HERITAGE_CHECKOUT": str(home),
        "AIRFLOW_HOME": str(home / "airflow"),
        "PYTHONPATH": f"{PROJECT / 'dags'}{os.pathsep}{PROJECT}",
    }
    with subprocess.Popen(
        [sys.executable, "-c", script, str(again_minutes)],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Lines(process)
        finally:
            process.kill()


def drop(home: Path, batch: str) -> None:
    """Drop a batch that says that it is complete."""
    folder = home / "inbox" / batch
    (folder / "intact").mkdir(parents=True)
    (folder / "intact/wall.jpg").write_bytes(b"a photo")
    (folder / "_COMPLETE").touch()


def test_a_complete_batch_is_announced_once_and_again_with_the_next_or_when_its_name_comes_again(home: Path) -> None:
    drop(home, "incomplete")
    (home / "inbox/incomplete/_COMPLETE").unlink()
    with watched(home) as lines:
        drop(home, "survey-1")
        assert lines.next() == "EVENT survey-1"
        assert lines.none_for(SEVERAL_LOOKS)
        drop(home, "survey-2")
        assert lines.next() == "EVENT survey-1 survey-2"
        (home / "inbox/survey-1").rename(home / "inbox/_survey-1")
        assert lines.none_for(SEVERAL_LOOKS)
        drop(home, "survey-1")
        assert lines.next() == "EVENT survey-1 survey-2"


def test_a_batch_that_still_waits_is_announced_again_after_a_while(home: Path) -> None:
    drop(home, "survey-1")
    with watched(home, again_minutes=1 / 60) as lines:
        assert lines.next() == "EVENT survey-1"
        first = time.monotonic()
        assert lines.next() == "EVENT survey-1"
        assert time.monotonic() - first > 0.8


def test_trouble_is_logged_once_and_ends_nothing(home: Path) -> None:
    parameters = (home / "params.yaml").read_text()
    (home / "params.yaml").write_text(parameters + "\nnonsense: 1\n")
    drop(home, "survey-1")
    with watched(home) as lines:
        assert "the inbox cannot be looked at" in (said := lines.next())
        assert "nonsense" in said + lines.next()
        while not lines.none_for(SEVERAL_LOOKS):
            pass
        (home / "params.yaml").write_text(parameters)
        assert lines.next() == "EVENT survey-1"


def test_a_look_that_takes_long_holds_up_nothing_else_in_the_triggerer(home: Path) -> None:
    with watched(home, BESIDE_ANOTHER) as lines:
        assert [lines.next() for _ in range(3)] == ["TICK"] * 3
