"""What DVC says of a stage that failed, since its own exit code says nothing; DVC itself is asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
HOW_IT_ENDED = """
import json, sys
from types import SimpleNamespace
from datetime import timedelta
from heritage import commands
run = SimpleNamespace(dag_id="retrain", triggering_user_name=None)
context = {"dag_run": run, "task": SimpleNamespace(execution_timeout=timedelta(minutes=1))}
commands.get_current_context = lambda: context
ended = {}
for stage in sys.argv[1:]:
    try:
        commands.run_stage(stage)
        ended[stage] = "done"
    except (commands.CommandFailed, commands.CommandRefused) as error:
        ended[stage] = f"{type(error).__name__}: {error}"
print(json.dumps(ended))
"""
ENDS = {"refused": "exit 4", "full": "exit 6", "killed": "kill -9 $$"}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    clone = home / ".heritage/automation/retrain"
    clone.mkdir(parents=True)
    environment = {
        **os.environ,
        "HERITAGE_CHECKOUT": str(home),
        "AIRFLOW_HOME": str(home / "airflow"),
        "PYTHONPATH": f"{PROJECT / 'dags'}{os.pathsep}{PROJECT}",
        "DVC_NO_ANALYTICS": "1",
    }
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], cwd=clone, check=True)
    stages = "".join(f"  {name}:\n    cmd: {json.dumps(command)}\n" for name, command in ENDS.items())
    (clone / "dvc.yaml").write_text(f"stages:\n{stages}")
    done = subprocess.run(
        [sys.executable, "-c", HOW_IT_ENDED, *ENDS], env=environment, capture_output=True, text=True, check=True
    )
    answer: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_stage_that_refused_its_photos_is_not_tried_again(ended: dict[str, str]) -> None:
    assert ended["refused"].startswith("CommandRefused: stage refused ended with exit code 4")


@pytest.mark.parametrize(("stage", "how"), (("full", "ended with exit code 6"), ("killed", "was ended by SIGKILL")))
def test_a_stage_that_failed_otherwise_is_tried_again(ended: dict[str, str], stage: str, how: str) -> None:
    assert ended[stage].startswith(f"CommandFailed: stage {stage} {how}")
