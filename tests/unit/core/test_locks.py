import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Timer

import pytest

from pipeline.core.errors import MachineError
from pipeline.core.locks import held_lock

HOLD = """
import pathlib, sys, time
from pipeline.core.locks import held_lock
with held_lock(pathlib.Path(sys.argv[1]), "stage train"):
    print("held", flush=True)
    time.sleep(60)
"""
STAGE = """
import os, pathlib, sys, time
from pipeline.core.locks import die_with_parent
die_with_parent()
pathlib.Path(sys.argv[1] + ".part").write_text(str(os.getpid()))
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(60)
"""
FORKS = """
import os, pathlib, signal, sys, time
from pipeline.core.locks import forks_die_with_parent
forks_die_with_parent()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for generation in ("child", "grandchild"):
    if os.fork():
        break
    pathlib.Path(sys.argv[1], f"{os.getpid()}.{generation}").touch()
time.sleep(60)
"""
SEVERAL_LOOKS = 0.7
RUN = "import subprocess, sys; subprocess.run(sys.argv[1:])"


def until(happened: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.02)
    return happened()


def runs(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_second_holder_is_refused_and_told_who_holds(tmp_path: Path) -> None:
    path = tmp_path / "state" / "run.lock"
    with held_lock(path, "stage clean"):
        holder = rf"held by stage clean \(process {os.getpid()}\)"
        with pytest.raises(MachineError, match=holder) as caught, held_lock(path, "stage train"):
            pytest.fail("two held it")
        assert caught.value.exit_code == 6
    with held_lock(path, "stage train"):
        assert path.read_text(encoding="utf-8").startswith("stage train")


def test_a_patient_one_waits_for_the_lock_and_not_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with held_lock(path, "first"), pytest.raises(MachineError, match="held by first"), held_lock(path, "second", 0.3):
        pytest.fail("two held it")
    with ExitStack() as first:
        first.enter_context(held_lock(path, "first"))
        Timer(0.3, first.close).start()
        with held_lock(path, "second", 30):
            assert path.read_text(encoding="utf-8").startswith("second")


def test_a_lock_is_free_again_after_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with pytest.raises(ValueError, match="inside"), held_lock(path, "first"):
        raise ValueError("inside")
    with held_lock(path, "second"):
        pass


def test_a_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(MachineError, match="stage train"), held_lock(path, "another"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait(20)
    with held_lock(path, "another"):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked through Linux' prctl")
@pytest.mark.parametrize(
    ("shell", "after"),
    (((), ""), (("bash", "-c"), ""), (("bash", "-c"), "; true"), (("sh", "-c"), ""), (("sh", "-c"), "; true")),
    ids=("directly", "bash", "bash-that-stays", "sh", "sh-that-stays"),
)
def test_a_stage_ends_when_its_parent_is_killed(tmp_path: Path, shell: tuple[str, ...], after: str) -> None:
    file = tmp_path / "stage"
    stage = [sys.executable, "-c", STAGE, str(file)]
    command = [*shell, shlex.join(stage) + after] if shell else stage
    with subprocess.Popen([sys.executable, "-c", RUN, *command]) as parent:
        assert until(file.exists)
        process_id = int(file.read_text(encoding="utf-8"))
        try:
            time.sleep(SEVERAL_LOOKS)
            assert runs(process_id)
            parent.kill()
            parent.wait(20)
            assert until(lambda: not runs(process_id))
        finally:
            if runs(process_id):
                os.kill(process_id, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up as Linux lists them")
def test_a_stage_that_starts_after_the_end_of_who_wanted_it_ends_at_once(tmp_path: Path) -> None:
    wanted = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True).stdout.strip()
    command = [sys.executable, "-c", STAGE, str(tmp_path / "stage")]
    ended = subprocess.run(command, env={**os.environ, "PIPELINE_STARTED_BY": wanted}, timeout=30, check=False)
    assert ended.returncode == -signal.SIGTERM
    assert not (tmp_path / "stage").exists()


def test_forks_and_their_forks_are_killed_with_the_process_even_when_they_are_deaf(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", FORKS, str(tmp_path)]) as parent:
        assert until(lambda: len(list(tmp_path.glob("*.*child"))) == 2)
        forks = [int(note.stem) for note in tmp_path.iterdir()]
        time.sleep(0.2)
        assert all(runs(fork) for fork in forks)
        parent.kill()
        parent.wait(20)
        assert until(lambda: not any(runs(fork) for fork in forks))
