"""Services as processes: every end of the run leaves none of them behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

TOY = """
import os, pathlib, signal, subprocess, sys, time

kind, notes = sys.argv[1], pathlib.Path(sys.argv[2])
if kind == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if kind == "careless":  # starts a process in a session of its own, and forgets it
    subprocess.Popen([sys.executable, __file__, "calm", str(notes)], start_new_session=True)
if kind == "forgetful":  # what it starts ends after its own parent
    script = "import os, sys, time; os.fork() and sys.exit(); time.sleep(0.3); open(sys.argv[1], 'w')"
    subprocess.run([sys.executable, "-c", script, str(notes / "adopted.done")], check=True)
print("chatter about an UNKNOWN ERROR (303) of no weight", flush=True)
print("12:00 ERROR something that people should see", flush=True)
if kind == "clumsy" and len(list(notes.glob("*.fall"))) < 2:
    (notes / f"{os.getpid()}.fall").touch()
    sys.exit(4)
(notes / f"{os.getpid()}.pid").touch()
if kind in ("mortal", "frail"):
    print("last words", flush=True)
    time.sleep(0.2)
    sys.exit(3)
if kind == "chatty":
    for number in range(40):
        print(f"12:00 ERROR number {number} of many", flush=True)
        time.sleep(0.01)
while True:
    time.sleep(0.05)
"""
RUN = """
import pathlib, sys
from pipeline.console import problems_for_people
from pipeline.services import processes

processes.START_SECONDS, processes.STOP_SECONDS, processes._LAST_SECONDS = 15.0, 0.5, 1.0
processes._MAX_LOG_BYTES, processes._TICK_SECONDS = 400, 0.05
notes, *kinds = sys.argv[1:]
notes = pathlib.Path(notes)
services = [
    processes.Service(
        kind,
        "toy",
        (kind, str(notes)),
        "nowhere",
        lambda: len(list(notes.glob("*.pid"))) >= len(kinds) + kinds.count("careless"),  # which starts one more
        restarts=2 if kind in ("clumsy", "frail") else 0,
    )
    for kind in kinds
]
def news():
    try:
        return [(notes / "news").rename(notes / "told").read_text()]
    except FileNotFoundError:
        return []
with problems_for_people(debug=False):
    processes.run_together(services, notes / "logs", news)
"""
PROJECT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Run:
    """A run of toy services, and where they leave their process ids."""

    process: subprocess.Popen[str]
    notes: Path

    def until_all_answer(self) -> str:
        """Wait until the run says so, and give what it has printed."""
        assert self.process.stderr is not None
        printed = ""
        for line in self.process.stderr:
            printed += line
            if line.startswith("all of them answer"):
                return printed
        raise AssertionError(f"the services did not start:\n{printed}")

    def end(self) -> tuple[int, str]:
        """Wait for the end; give exit code and what was printed since."""
        _, printed = self.process.communicate(timeout=30)
        return self.process.returncode, printed

    def left_behind(self) -> list[int]:
        """Services, and processes that they started, which run on for five seconds."""
        numbers = [int(note.stem) for note in self.notes.glob("*.pid")]
        assert numbers, "no service ever ran"
        _, alive = psutil.wait_procs([psutil.Process(n) for n in numbers if psutil.pid_exists(n)], timeout=5)
        return [process.pid for process in alive]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """`run("calm", "deaf")`: start toy services; what is left of them in the end is killed."""
    (tmp_path / "toy.py").write_text(TOY, encoding="utf-8")
    notes = tmp_path / "notes"
    notes.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    started: list[Run] = []

    def start(*kinds: str) -> Run:
        command = [sys.executable, "-c", RUN, str(notes), *kinds]
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(Run(process, notes))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()
        for number in one.left_behind():
            os.kill(number, signal.SIGKILL)


def test_ctrl_c_stops_services_and_what_they_forgot(run: Callable[..., Run]) -> None:
    services = run("calm", "careless")
    printed = services.until_all_answer()
    os.killpg(services.process.pid, signal.SIGINT)
    code, last = services.end()
    assert (code, last.splitlines()[-1]) == (130, "stopped")
    assert services.left_behind() == []
    assert "calm | 12:00 ERROR something that people should see" in printed
    assert "chatter" not in printed
    assert "chatter" in (services.notes / "logs" / "calm.log").read_text(encoding="utf-8")


def test_sigterm_to_the_parent_alone_stops_a_service_that_ignores_it(run: Callable[..., Run]) -> None:
    services = run("calm", "deaf")
    services.until_all_answer()
    services.process.terminate()
    time.sleep(0.1)
    services.process.send_signal(signal.SIGINT)  # an impatient Ctrl-C does not cut the stopping short
    code, _ = services.end()
    assert code == 0
    assert services.left_behind() == []


def test_services_end_when_their_parent_is_killed(run: Callable[..., Run]) -> None:
    services = run("calm", "calm")
    services.until_all_answer()
    services.process.kill()
    assert services.left_behind() == []


def test_a_service_that_ends_is_named_with_its_last_words_and_stops_the_others(run: Callable[..., Run]) -> None:
    services = run("calm", "mortal", "silent")
    code, printed = services.end()
    assert code == 5
    assert "error: mortal ended with exit code 3" in printed
    assert "  last words\n" in printed
    assert f"mend what {services.notes / 'logs' / 'mortal.log'} names" in printed
    assert services.left_behind() == []


def test_a_service_that_may_is_started_again_when_it_ends(run: Callable[..., Run]) -> None:
    services = run("calm", "clumsy")
    printed = services.until_all_answer()
    assert printed.count("clumsy ended with exit code 4 and is started again") == 2
    services.process.terminate()
    assert services.end()[0] == 0
    assert services.left_behind() == []


def test_a_service_that_keeps_ending_stops_the_others(run: Callable[..., Run]) -> None:
    services = run("calm", "frail")
    code, printed = services.end()
    assert code == 5
    assert printed.count("is started again") == 2
    assert "error: frail ended with exit code 3, so the others were stopped" in printed
    assert (services.notes / "logs" / "frail.log").read_text(encoding="utf-8").count("last words") == 3
    assert services.left_behind() == []


def test_a_long_log_begins_anew_and_loses_no_line_for_people(run: Callable[..., Run]) -> None:
    services = run("chatty")
    printed = services.until_all_answer()
    time.sleep(1)
    services.process.terminate()
    _, last = services.end()
    told = [line for line in (printed + last).splitlines() if "of many" in line]
    assert [line.split()[5] for line in told] == [str(number) for number in range(40)]
    logs = services.notes / "logs"
    assert (logs / "chatty.log").stat().st_size < 800
    assert (logs / "chatty.log.1").is_file()


def test_adopted_processes_that_end_leave_no_trace(run: Callable[..., Run]) -> None:
    services = run("forgetful")
    services.until_all_answer()
    deadline = time.monotonic() + 5
    while not (services.notes / "adopted.done").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    children = psutil.Process(services.process.pid).children()
    assert [child.status() for child in children if child.status() == psutil.STATUS_ZOMBIE] == []
    assert len(children) == 1


def test_news_from_elsewhere_are_told_once(run: Callable[..., Run]) -> None:
    services = run("calm")
    printed = services.until_all_answer()
    (services.notes / "news").write_text("alert | refusal: demo is worse", encoding="utf-8")
    deadline = time.monotonic() + 20
    while (services.notes / "news").exists():
        assert time.monotonic() < deadline, "nobody asked for news"
        time.sleep(0.02)
    services.process.terminate()
    assert (printed + services.end()[1]).count("alert | refusal: demo is worse\n") == 1
