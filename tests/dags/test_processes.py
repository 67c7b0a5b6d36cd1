"""Commands of tasks: heard as they speak, and gone when their task is, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from heritage import processes

PROJECT = Path(__file__).resolve().parents[2]
# As DVC does: a shell that becomes the stage.
RUNS_A_STAGE = "import subprocess, sys; sys.exit(subprocess.run(['sh', '-c', 'exec python stage.py']).returncode)"
STAGE = """
import os, time
from pathlib import Path
from pipeline.core.locks import die_with_parent
die_with_parent()
Path("stage.part").write_text(str(os.getpid()))
os.rename("stage.part", "stage")
time.sleep(60)
"""
TASK = """
import os, signal, sys
from pathlib import Path
from heritage import processes
signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError("too long")))
environment = {**os.environ, "PIPELINE_STARTED_BY": str(os.getpid())}
command = [sys.executable, "-m", "pipeline.services.child", "runs_a_stage"]
processes.run(command, Path.cwd(), environment, print)
"""
WORKER = "import subprocess, sys; subprocess.run([sys.executable, 'task.py'])"


def heard(script: str, folder: Path) -> tuple[int, list[str], list[str]]:
    lines: list[str] = []
    code, output = processes.run([sys.executable, "-c", script], folder, os.environ, lines.append)
    return code, output, lines


def until(happened: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.02)
    return happened()


def runs(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def task_with_a_stage(folder: Path, *command: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """A process that runs a stage below DVC below a task, and the stage's id."""
    (folder / "runs_a_stage.py").write_text(RUNS_A_STAGE)
    (folder / "stage.py").write_text(STAGE)
    (folder / "task.py").write_text(TASK)
    paths = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{PROJECT / 'dags'}{os.pathsep}{PROJECT}",
    }
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **paths},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            assert until((folder / "stage").exists)
            stage = int((folder / "stage").read_text())
            assert runs(stage)
            yield process, stage
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_lines_of_both_streams_are_heard_and_those_of_standard_output_are_kept(tmp_path: Path) -> None:
    script = "import sys; print('said'); print('warning: hm', file=sys.stderr); sys.exit(5)"
    code, output, lines = heard(script, tmp_path)
    assert code == 5
    assert output == ["said"]
    assert sorted(lines) == ["said", "warning: hm"]


def test_lines_are_heard_as_they_come(tmp_path: Path) -> None:
    times: list[float] = []
    script = "import time; print('first', flush=True); time.sleep(1); print('second', flush=True)"
    processes.run([sys.executable, "-c", script], tmp_path, os.environ, lambda _: times.append(time.monotonic()))
    assert times[1] - times[0] > 0.8


def test_lines_may_be_written_over_cut_in_the_middle_of_a_sign_or_end_without_an_end(tmp_path: Path) -> None:
    first, second = rb"10 %\r20 %\r\nM\xc3", rb"\xbcnster\n\n last"
    script = f"import os, time; os.write(1, b'{first.decode()}'); time.sleep(0.1); os.write(1, b'{second.decode()}')"
    assert heard(script, tmp_path) == (0, lines := ["10 %", "20 %", "Münster", " last"], lines)


def test_a_stream_without_line_ends_is_cut(tmp_path: Path) -> None:
    _, output, _ = heard("import os; [os.write(1, b'x' * 60_000) for _ in range(10)]", tmp_path)
    assert "".join(output) == "x" * 600_000
    assert len(output) > 3


def test_a_command_that_was_ended_by_a_signal_tells_so(tmp_path: Path) -> None:
    assert heard("import os; os.kill(os.getpid(), 9)", tmp_path)[0] == -signal.SIGKILL


def test_what_outlives_its_command_and_holds_its_streams_holds_nobody_up(tmp_path: Path) -> None:
    script = "import subprocess, sys; subprocess.Popen(['sleep', '30']); print('done')"
    started = time.monotonic()
    assert heard(script, tmp_path)[:2] == (0, ["done"])
    assert time.monotonic() - started < 10


def test_a_killed_task_leaves_no_stage(tmp_path: Path) -> None:
    with task_with_a_stage(tmp_path, "task.py") as (task, stage):
        task.kill()
        assert until(lambda: not runs(stage))


def test_a_task_that_ran_out_of_time_leaves_no_stage(tmp_path: Path) -> None:
    with task_with_a_stage(tmp_path, "task.py") as (task, stage):
        task.send_signal(signal.SIGALRM)
        assert task.wait(20) == 1
        assert not runs(stage)


def test_a_task_whose_worker_was_killed_leaves_no_stage(tmp_path: Path) -> None:
    with task_with_a_stage(tmp_path, "-c", WORKER) as (worker, stage):
        worker.kill()
        assert until(lambda: not runs(stage))


def test_a_command_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_END_SECONDS", 0.3)
    script = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print(os.getpid(), flush=True); time.sleep(60)"
    )
    heard_ids: list[int] = []

    def hear(line: str) -> None:
        heard_ids.append(int(line))
        raise TimeoutError

    with pytest.raises(TimeoutError):
        processes.run([sys.executable, "-c", script], tmp_path, os.environ, hear)
    assert not runs(heard_ids[0])
