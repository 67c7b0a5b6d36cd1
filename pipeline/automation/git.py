"""Git, asked without prompts; what goes wrong is said in git's own words."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.core.errors import MachineError

LOCAL_SECONDS = 120.0
"""Longest wait for git where no network is involved."""
_OF_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")


class GitRefused(Exception):
    """Git ended with an error.

    Args:
        words: what git wrote about it.
    """

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def ask_git(
    root: Path, arguments: Sequence[str], environment: Mapping[str, str] | None = None, seconds: float = LOCAL_SECONDS
) -> str:
    """What git prints, without the last newline.

    Args:
        root: the checkout.
        arguments: of git.
        environment: variables beside those of this process.
        seconds: time limit.

    Raises:
        GitRefused: git ended with an error or took longer.
    """
    command = ["git", "-C", str(root), *arguments]
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
    try:
        done = subprocess.run(
            command,
            env={**inherited, "GIT_TERMINAL_PROMPT": "0", **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GitRefused(f"git {arguments[0]} did not end within {seconds:.0f} s") from None
    if done.returncode != 0:
        raise GitRefused(done.stderr.strip() or done.stdout.strip() or f"git {arguments[0]} ended with an error")
    return done.stdout.rstrip("\n")


def git(root: Path, *arguments: str) -> str:
    """What git prints, where it must not fail.

    Raises:
        MachineError: it did.
    """
    try:
        return ask_git(root, arguments)
    except GitRefused as refusal:
        raise MachineError(
            f"git {arguments[0]} in {root} failed: {refusal.words}",
            expected="a git checkout that can be read and written",
            todo="mend what git names, then run the command again",
        ) from None


def git_or_empty(root: Path, *arguments: str) -> str:
    """What git prints; empty where it fails."""
    try:
        return ask_git(root, arguments)
    except GitRefused:
        return ""


def clear_git_locks(root: Path) -> None:
    """Remove the locks that a killed git left; only where nobody else works in the repository."""
    folder = root / ".git"
    for lock in (*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock")):
        lock.unlink(missing_ok=True)
