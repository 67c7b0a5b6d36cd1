"""DVC in a clone: its configuration, its cache, and its command line with a time limit."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.core.errors import MachineError
from pipeline.core.paths import Layout

CHECKOUT_SECONDS = 3600.0
"""Longest wait for photos to be brought into place, or from a remote."""
_LINKS = "reflink,hardlink,copy"
"""How photos come from the cache into a clone; links by name are left out, for a deleted cache would break them."""


@dataclass(frozen=True)
class Store:
    """Where DVC keeps the bytes of a checkout."""

    cache: Path
    """Folder of the cache, absolute."""
    remote: str
    """Name of the default remote; empty where there is none."""


class DvcRefused(Exception):
    """DVC ended with an error.

    Args:
        words: what DVC wrote about it.
    """

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def ask_dvc(root: Path, *arguments: str, seconds: float = CHECKOUT_SECONDS) -> None:
    """Run DVC.

    Args:
        root: the checkout.
        arguments: of `dvc`.
        seconds: time limit.

    Raises:
        DvcRefused: it ended with an error or took longer.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=root,
            env={**os.environ, "DVC_NO_ANALYTICS": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DvcRefused(f"dvc {arguments[0]} did not end within {seconds:.0f} s") from None
    if done.returncode != 0:
        raise DvcRefused(done.stderr.strip() or done.stdout.strip() or f"dvc ended with {done.returncode}")


def dvc(root: Path, *arguments: str) -> None:
    """Run DVC where it must not fail.

    Raises:
        MachineError: it did.
    """
    try:
        ask_dvc(root, *arguments)
    except DvcRefused as refusal:
        raise MachineError(
            f"dvc {arguments[0]} in {root} failed: {refusal.words}",
            expected="a clone that nothing else works in, and room on the disk",
            todo="mend what DVC names, then run the command again",
        ) from None


def store_of(home: Layout) -> Store:
    """Where DVC keeps the bytes of a checkout.

    Raises:
        MachineError: its settings cannot be read.
    """
    values = _settings(home)
    cache = Path(values["cache"].get("dir") or _folder(home.root) / "cache")
    return Store(cache.resolve(), values["core"].get("remote", ""))


def share_store(home: Layout, clone: Layout) -> None:
    """Let a clone's DVC use the cache and the remotes of the checkout that it works for.

    Remotes are named by paths and secrets that no commit carries, so the checkout's whole configuration is written
    into the clone's own, with absolute paths.

    Raises:
        MachineError: the checkout's settings cannot be read.
    """
    from dvc.config import Config, merge

    theirs = _settings(home)
    place = _folder(clone.root)
    # Beside it first, so that no DVC at work in the clone ever reads a half; secrets are for nobody else.
    with TemporaryDirectory(dir=place) as folder:
        with Config(str(place), local_dvc_dir=folder, validate=False).edit("local", validate=False) as ours:
            for level in Config.REPO_LEVELS:
                merge(ours, theirs.load_one(level))
            ours["cache"] |= {"dir": str(store_of(home).cache), "type": _LINKS}
            _spell_out_paths(ours)
        written = Path(folder, Config.CONFIG_LOCAL)
        written.chmod(0o600)
        written.replace(place / Config.CONFIG_LOCAL)


def cached(store: Store, content: str) -> Path:
    """Where the cache keeps the bytes of an MD5 hash; of a folder, the list of its files."""
    return store.cache / "files" / "md5" / content[:2] / content[2:]


def _settings(home: Layout) -> Any:
    from dvc.config import Config, ConfigError

    try:
        return Config(str(_folder(home.root)), validate=False)
    except ConfigError as error:
        raise MachineError(
            f"DVC's settings in {_folder(home.root)} cannot be read: {error}",
            expected="what `dvc config` and `dvc remote` write",
            todo="mend the file that is named",
        ) from None


def _spell_out_paths(values: dict[str, Any]) -> None:
    """Make every path that DVC read as relative to its file a plain absolute one, which it writes as it is."""
    for name, value in values.items():
        if isinstance(value, dict):
            _spell_out_paths(value)
        elif isinstance(value, str):
            values[name] = str.__str__(value)


def _folder(root: Path) -> Path:
    return root.resolve() / ".dvc"
