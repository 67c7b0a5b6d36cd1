"""A checkout whose commands do nothing but note that they were called, and answer as they are told."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
CLONE = ".heritage/automation/retrain"

Answers = Mapping[str, Sequence[Mapping[str, Any]]]

# The n-th call of a command is given its n-th answer, or the last one.
_COMMAND = """
import json, os, sys, time
from pathlib import Path

home = Path(os.environ["HERITAGE_CHECKOUT"])
name = sys.argv[-1] if "dvc" in sys.argv[0] else " ".join(sys.argv[1:])
calls = home / "calls.jsonl"
earlier = [json.loads(line)["name"] for line in calls.read_text().splitlines()] if calls.exists() else []
settings = {key: os.environ.get(key) for key in ("PIPELINE_TIME_LIMIT_SECONDS", "PIPELINE_WHO")}
call = {"name": name, "arguments": sys.argv[1:], "folder": os.path.relpath(os.getcwd(), home), **settings}
with calls.open("a") as stream:
    stream.write(json.dumps(call) + "\\n")
told = json.loads((home / "answers.json").read_text())
answers = told.get(name) or told.get(sys.argv[1], [{}])
answer = answers[min(earlier.count(name), len(answers) - 1)]
time.sleep(answer.get("seconds", 0))
print(answer.get("err", f"{name} says a line"), file=sys.stderr)
if "out" in answer:
    print("a table for people")
    print(json.dumps(answer["out"]))
sys.exit(answer.get("exit", 0))
"""


def make_home(home: Path) -> Path:
    """Make the stand-in checkout and its retraining clone."""
    for root in (home, home / CLONE):
        for package in ("pipeline", "pipeline/core", "pipeline/services", "dvc"):
            (root / package).mkdir(parents=True)
            (root / package / "__init__.py").touch()
        for name in ("core/locks.py", "core/errors.py", "services/child.py"):
            shutil.copy(PROJECT / "pipeline" / name, root / "pipeline" / name)
        for package in ("pipeline", "dvc"):
            (root / package / "__main__.py").write_text(_COMMAND)
    return home


def tell(home: Path, answers: Answers) -> None:
    """Say what each command answers from now on, and forget the calls so far."""
    (home / "answers.json").write_text(json.dumps(answers))
    (home / "calls.jsonl").unlink(missing_ok=True)


def calls(home: Path) -> list[dict[str, Any]]:
    """The calls since `tell`, in order."""
    noted = home / "calls.jsonl"
    return [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []
