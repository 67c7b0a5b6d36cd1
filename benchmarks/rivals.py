"""The tools that cleaning is compared with, each in an environment of its own with exact versions."""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clones import BIN, CHECKOUT, run
from measuring import Cost, measured

ENVIRONMENTS = CHECKOUT / ".cache" / "benchmarks"
_TOOLS = CHECKOUT / "benchmarks" / "other_tools"

Pair = tuple[str, str]


@dataclass(frozen=True)
class Setting:
    """A tool and how it is asked."""

    name: str
    tool: str
    """Name of its requirements and of its script in `other_tools`."""
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class RivalAnswer:
    """What a tool said of a folder."""

    setting: Setting
    cost: Cost
    pairs: set[Pair]
    """Paths relative to the folder, sorted within each pair."""
    flags: dict[str, list[str]]
    """Photos by the tool's own name of an issue."""


CLEANVISION = Setting("cleanvision", "cleanvision", ("1",))
"""Its default checks in one process, its fastest setting on small photos."""
CLEANVISION_2 = Setting("cleanvision, 2 processes", "cleanvision", ("2",))
PHASH_10 = Setting("imagededup PHash 10", "imagededup", ("PHash", "10"))
"""Its default."""
PHASH_4 = Setting("imagededup PHash 4", "imagededup", ("PHash", "4"))
"""Its best by recall and precision."""
DHASH_10 = Setting("imagededup DHash 10", "imagededup", ("DHash", "10"))
DHASH_4 = Setting("imagededup DHash 4", "imagededup", ("DHash", "4"))
FASTDUP = Setting("fastdup", "fastdup", ("0.96", "0.98"))


def ask(setting: Setting, folder: Path, environments: Path) -> RivalAnswer:
    """Ask a tool about a folder of photos; its environment is made first where it is missing.

    Args:
        setting: which tool, and how.
        folder: photos, in folders of any depth.
        environments: where the environments lie.
    """
    python = _python_of(setting.tool, environments)
    with tempfile.TemporaryDirectory(prefix="rival-") as scratch:
        answer = Path(scratch) / "answer.json"
        script = _TOOLS / f"ask_{setting.tool}.py"
        arguments = (str(folder), str(answer), *setting.arguments)
        cost = measured((str(python), str(script), *arguments), Path(scratch), _clean_environment())
        told = json.loads(answer.read_text())
    pairs = told["pairs"]
    if isinstance(pairs, dict):
        pairs = pairs[setting.arguments[0]]
    return RivalAnswer(setting, cost, {(first, second) for first, second in pairs}, told.get("flags", {}))


def _python_of(tool: str, environments: Path) -> Path:
    python = environments / tool / "bin" / "python"
    if not python.exists():
        print(f"installing {tool} into {python.parents[1]}", flush=True)
        environments.mkdir(parents=True, exist_ok=True)
        uv = str(BIN / "uv")
        run((uv, "venv", "--quiet", "--python", sys.executable, str(python.parents[1])), environments)
        # Without its dependencies: the file names them all, but for torch, which the hashes of imagededup do without.
        pins = str(_TOOLS / f"{tool}.txt")
        run((uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), "-r", pins), environments)
    return python


def _clean_environment() -> dict[str, str]:
    """This one without the checkout's packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def flagged(answer: RivalAnswer, names: Sequence[str]) -> int:
    """How many photos stand under any of some issues."""
    return len({path for name in names for path in answer.flags.get(name, [])})
