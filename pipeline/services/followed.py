"""What retraining will take from this checkout, and what it will not see."""

import os
import subprocess
from pathlib import Path

_NAMED_FILES = 3
_NO_CODE = ("dvc.lock",)
"""Written by runs; each clone has its own."""


def notes_on_followed(checkout: Path, branch: str) -> list[str]:
    """Say in which files a checkout differs from the branch that is retrained; nothing where it does not.

    Args:
        checkout: a git working tree, or no such thing, which is said too.
        branch: the followed branch.
    """
    done = subprocess.run(
        ["git", "-C", str(checkout), "diff", "--name-only", branch, "--"],  # noqa: S607
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["git gives no reason"])[0]
        return [f"no model can be retrained: automation.follow names the git branch {branch!r}, and git says: {reason}"]
    differing = [name for name in done.stdout.splitlines() if name not in _NO_CODE]
    if not differing:
        return []
    named = ", ".join([*differing[:_NAMED_FILES], *(["..."] if len(differing) > _NAMED_FILES else [])])
    return [f"{len(differing)} files differ from the commit on {branch!r}, which is what is retrained: {named}"]
