"""What retraining will take from this checkout, and what it will not see."""

from pathlib import Path

from pipeline.automation.git import GitRefused, ask_git

_NAMED_FILES = 3
_NO_CODE = ("dvc.lock",)
"""Written by runs; each clone has its own."""


def notes_on_followed(checkout: Path, branch: str) -> list[str]:
    """Say in which files a checkout differs from the branch that is retrained; nothing where it does not.

    Args:
        checkout: a git working tree, or no such thing, which is said too.
        branch: the followed branch.
    """
    try:
        listed = ask_git(checkout, ("diff", "--name-only", branch, "--"), {"GIT_OPTIONAL_LOCKS": "0"})
    except GitRefused as refusal:
        return [
            f"no model can be retrained: automation.follow names the git branch {branch!r}, "
            f"and git says: {refusal.words.splitlines()[0]}"
        ]
    differing = [name for name in listed.splitlines() if name not in _NO_CODE]
    if not differing:
        return []
    named = ", ".join([*differing[:_NAMED_FILES], *(["..."] if len(differing) > _NAMED_FILES else [])])
    return [f"what is retrained is the commit on {branch!r}; here these files differ from it: {named}"]
