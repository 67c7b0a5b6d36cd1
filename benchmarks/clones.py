"""What the benchmarks share: a clone of their own, and commands that run in it with the clone's own code."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PIPELINE = (sys.executable, "-m", "pipeline")
REPRO = (sys.executable, "-m", "dvc", "repro", "--quiet")


@contextmanager
def fresh_clone() -> Iterator[Path]:
    """A clone of this checkout as committed, gone after the block."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        clone = Path(folder) / "clone"
        run(("git", "clone", "--quiet", str(CHECKOUT), str(clone)), CHECKOUT)
        yield clone


def run(command: tuple[str, ...], folder: Path) -> None:
    """Run a command in a checkout, with the checkout's own code."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(folder)}
    subprocess.run(command, cwd=folder, env=environment, check=True)


def set_seed(clone: Path, seed: int) -> None:
    """Write a seed over the one in the clone's `params.yaml`."""
    parameters = clone / "params.yaml"
    lines = parameters.read_text().splitlines(keepends=True)
    parameters.write_text("".join(f"seed: {seed}\n" if line.startswith("seed:") else line for line in lines))
