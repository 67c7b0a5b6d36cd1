"""Checkouts for tests of automation: git, DVC and a few photos, without the project's code."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from pipeline.automation.clones import commit_photos, open_photos_clone, photos_lock
from pipeline.core.parameters import Parameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.recipes import render
from pipeline.intake.taking import bring_photos

VALUES = {"recipe": "walls", "model": {"name": "walls"}, "train": {"phases": [{"epochs": 1}]}}


@dataclass
class SmallHome:
    """A checkout, and what a person or the intake does in it."""

    layout: Layout
    parameters: Parameters = field(default_factory=lambda: parse_parameters(VALUES, "params.yaml"))
    warnings: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.layout.root

    def run(self, *command: str, at: Path | None = None) -> str:
        """Run a command in the checkout, or in another folder, and give what it printed."""
        done = subprocess.run(command, cwd=at or self.root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def commit(self, message: str, **files: str) -> str:
        """Write files, `_` in their names for `.`, and commit all that a person changed."""
        for name, text in files.items():
            (self.root / name.replace("_", ".")).write_text(text)
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)
        return self.run("git", "rev-parse", "HEAD")

    def photos(self, batch: str, shade: int, count: int = 4) -> Path:
        """A folder of photos beside the checkout; other shades are other photos."""
        folder = self.root.parent / "dropped" / batch
        for number in range(count):
            path = folder / ("sound" if number % 2 else "damaged") / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 40), (shade, number % 250, number // 250)).save(path)
        return folder

    def take(self, batch: str, shade: int, count: int = 4) -> str:
        """Take a batch in as the inbox does; gives the commit."""
        with photos_lock(self.layout, "a test"):
            clone = open_photos_clone(self.layout, self.parameters, self.warnings.append)
            bring_photos(clone, self.photos(batch, shade, count), batch)
            return commit_photos(clone, f"Photos of {batch}\n\nSource: inbox/{batch}")

    def lose_cache(self) -> None:
        """Take DVC's cache away."""
        shutil.rmtree(self.root / ".dvc" / "cache")


def make_small_home(root: Path) -> SmallHome:
    """A checkout on branch `main` with a first commit and no photos."""
    home = SmallHome(Layout(root))
    root.mkdir()
    home.run("git", "init", "--quiet", "--initial-branch=main")
    home.run("git", "config", "user.name", "Test")
    home.run("git", "config", "user.email", "test@example.org")
    home.run(sys.executable, "-m", "dvc", "init", "--quiet")
    (root / "dvc.yaml").write_text("stages: {}\n")
    (root / "params.yaml").write_text(render(home.parameters))
    (root / ".gitignore").write_text("/.heritage/\n/data/\n/artifacts/\n/reports/\n")
    home.commit("start")
    return home


def own_git_settings_are_hidden() -> dict[str, str]:
    """Environment in which the settings of whoever runs the tests do not count."""
    return {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
