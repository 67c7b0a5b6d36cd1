"""Checkouts for tests: the tracked files in a fresh git repository, with a tiny run in params.yaml."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipeline.core.parameters import parse_parameters
from pipeline.core.recipes import render

PROJECT = Path(__file__).resolve().parents[2]
PHOTOS_PER_BATCH = 60

TINY = {
    "recipe": "demo",
    "model": {"name": "tiny"},
    "photos": {"batches": ["demo-*"]},
    # Enough photos with masks on the test side for the heat maps to be measured.
    "split": {"validation": 0.15, "test": 0.25},
    "augment": {"brightness": 0.1},
    "train": {
        "backbone": "residual_small",
        "width": 0.25,
        "image_size": 32,
        "batch_size": 16,
        "phases": [{"epochs": 2, "unfreeze_from": 0, "schedule": {"learning_rate": 0.003}}],
    },
    "evaluate": {"side": "test", "bootstrap_samples": 200},
    "gate": {"min_accuracy": 0.05, "margin": 0.9},
}


@dataclass(frozen=True)
class Checkout:
    """A checkout and how to give commands in it."""

    root: Path
    environment: dict[str, str]

    def run(self, *command: str, expect: int = 0) -> str:
        """Run a command in the checkout and give what it printed; its exit code must be the expected one."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert done.returncode == expect, f"{' '.join(command)} ended with {done.returncode}:\n{printed[-4000:]}"
        return printed

    def pipeline(self, *arguments: str, expect: int = 0) -> str:
        """Run a command of the pipeline."""
        return self.run("python", "-m", "pipeline", *arguments, expect=expect)

    def set_parameters(self, **sections: object) -> None:
        """Write the tiny run's parameters, spelt out, with some sections replaced as they are given."""
        spelt_out = yaml.safe_load(render(parse_parameters(TINY, "the tiny run")))
        (self.root / "params.yaml").write_text(yaml.safe_dump({**spelt_out, **sections}))


def make_checkout(root: Path) -> Checkout:
    """Copy the project's files, committed or not, into a fresh repository at `root`."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (PROJECT / name).is_file() and not name.startswith("tests/"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, root / name)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "AIRFLOW_HOME": str(root / "airflow"),
        "HERITAGE_CHECKOUT": str(root),
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    checkout = Checkout(root, environment)
    checkout.run("git", "init", "--quiet", "--initial-branch=main")
    checkout.run("git", "config", "user.name", "Test")
    checkout.run("git", "config", "user.email", "test@example.org")
    checkout.set_parameters()
    checkout.run("git", "add", "--all")
    checkout.run("git", "commit", "--quiet", "--message=start")
    return checkout
