"""Pushing: the branches of the clones into the checkout, and where a remote is named, there too, with their photos."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from pipeline.automation.clones import PHOTOS_BRANCH, RETRAIN_BRANCH
from pipeline.automation.dvc import DvcRefused, ask_dvc, share_store, store_of
from pipeline.automation.git import GitRefused, ask_git, git_or_empty
from pipeline.automation.versions import DATA_FILE
from pipeline.core.errors import ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout

PUSH_SECONDS = 600.0
"""Longest wait for a git remote."""
_OWN = "refs/automation/"
"""In the checkout: the clones' branches on their way to the remote."""
_QUIETLY = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
_SSH = "-oBatchMode=yes -oConnectTimeout=20"
"""Ssh asks nobody for a password, and gives up on a host that is away."""
_USER_OF_ADDRESS = re.compile(r"://[^/@\s]+@")


def push(layout: Layout, parameters: Parameters) -> tuple[str, ...]:
    """Bring the branches of the clones to where people see them; each way is tried, whatever the others come to.

    Args:
        layout: the checkout, or a clone of it.
        parameters: name the git remote, if any.

    Returns:
        What was pushed, and where to, in words.

    Raises:
        ServingError: something was refused, such as a branch that a person has checked out; with the grounds.
    """
    home = Layout(layout.home.resolve())
    clones = {PHOTOS_BRANCH: home.photos_clone, RETRAIN_BRANCH: home.retrain_clone}
    branches = {name: root for name, root in clones.items() if _has(root, name)}
    ways = {f"{name} to the checkout": partial(_to_checkout, home, name, root) for name, root in branches.items()}
    if branches and (remote := parameters.automation.push_to):
        ways[f"branches to {remote}"] = partial(_to_remote, home, remote, branches)
    if branches and store_of(home).remote:
        # DVC lets one command at a time work in a clone: where photos are taken in, a push would be refused or refuse.
        name = RETRAIN_BRANCH if RETRAIN_BRANCH in branches else PHOTOS_BRANCH
        files = [DATA_FILE] if name == PHOTOS_BRANCH else []
        ways[f"files of {name} to DVC's remote"] = partial(_to_store, home, Layout.of(branches[name]), files)
    return _tried(ways)


def _tried(ways: Mapping[str, Callable[[], object]]) -> tuple[str, ...]:
    pushed, refused = [], []
    for what, way in ways.items():
        try:
            way()
            pushed.append(what)
        except (GitRefused, DvcRefused) as refusal:
            refused.append(f"{what}: {_USER_OF_ADDRESS.sub('://', refusal.words)}")
    if refused:
        raise ServingError(
            "refused: " + "\n  ".join(refused),
            expected="branches that only the clones move, a remote that takes them, and access to it without questions",
            todo="where a branch is checked out in the checkout, switch to another; then run `pipeline push`",
        )
    return tuple(pushed)


def _has(root: Path, branch: str) -> bool:
    return root.exists() and bool(git_or_empty(root, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"))


def _to_checkout(home: Layout, branch: str, clone: Path) -> None:
    # Fetched rather than pushed, so that no hook of the checkout runs; git refuses a branch that is checked out.
    ask_git(home.root, ["fetch", *_QUIETLY, str(clone), f"refs/heads/{branch}:refs/heads/{branch}"])


def _to_remote(home: Layout, remote: str, branches: Mapping[str, Path]) -> None:
    """From the checkout, whose settings know the remote's address and how to enter; its branches need not be there."""
    for name, clone in branches.items():
        ask_git(home.root, ["fetch", *_QUIETLY, str(clone), f"+refs/heads/{name}:{_OWN}{name}"])
    ssh = os.environ.get("GIT_SSH_COMMAND") or git_or_empty(home.root, "config", "core.sshCommand") or "ssh"
    references = [f"{_OWN}{name}:refs/heads/{name}" for name in branches]
    command = ["push", "--quiet", "--no-verify", remote, *references]
    ask_git(home.root, command, {"GIT_SSH_COMMAND": f"{ssh} {_SSH}"}, PUSH_SECONDS)


def _to_store(home: Layout, clone: Layout, files: Sequence[str]) -> None:
    share_store(home, clone)
    ask_dvc(clone.root, "push", *files)
