"""Where a model comes from: the version of the photos, their batches, and the code."""

import subprocess

import yaml

from pipeline.core.errors import DataError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.photos.batches import read_batches
from pipeline.photos.listing import chosen_batches
from pipeline.photos.records import Batch


def data_hash(layout: Layout) -> str:
    """DVC's hash of the photos, empty where they are not under DVC."""
    try:
        values = yaml.safe_load((layout.root / "data.dvc").read_text(encoding="utf-8"))
        return str(values["outs"][0]["md5"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, IndexError):
        return ""


def batches_seen(layout: Layout, parameters: Parameters) -> list[Batch]:
    """The batches that a run sees, in the order of intake; none where there are no photos."""
    try:
        return chosen_batches(read_batches(layout.batches), parameters.photos.batches)
    except DataError:
        return []


def git_commit(layout: Layout) -> str:
    """The commit that is checked out, with `-dirty` behind it where files were changed; empty outside git."""
    return _git(layout, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*").strip()


def changed_files(layout: Layout) -> list[str]:
    """Tracked files that differ from the commit, by path; none outside git."""
    return [name for name in _git(layout, "diff", "--name-only", "-z", "HEAD").split("\0") if name]


def _git(layout: Layout, *arguments: str) -> str:
    """What git answers; empty where it does not."""
    command = ["git", "-C", str(layout.root), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout if result.returncode == 0 else ""
