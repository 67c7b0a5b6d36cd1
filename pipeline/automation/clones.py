"""The clones beside a checkout: photos are taken in and models retrained there, never among a person's own files.

A clone is what its branch says. Every opening mends what a killed command left behind.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from pipeline.automation.dvc import DvcRefused, Store, ask_dvc, dvc, share_store, store_of
from pipeline.automation.git import clear_git_locks, git, git_or_empty
from pipeline.automation.versions import DATA_FILE, batches_of, content_at, content_of, is_complete
from pipeline.core.errors import DataError, ParameterError
from pipeline.core.locks import held_lock
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.photos.batches import read_batches

PHOTOS_BRANCH = "heritage/photos"
RETRAIN_BRANCH = "heritage/retrain"
FOLLOWED = "refs/automation/followed"
"""In a clone: the followed branch of the checkout, as it was fetched last."""
BATCH_LINE = "Batch: "
SOURCE_LINE = "Source: "
"""How lines of a commit's message begin that say which batches it brought, and from where."""

_PATIENCE_SECONDS = 600.0
"""A batch of some thousand photos is taken in meanwhile."""
_SETTINGS = {"commit.gpgSign": "false", "core.hooksPath": os.devnull, "gc.autoDetach": "false"}
"""Git's settings in a clone, where nobody sits to sign and no hook of a person's is meant to run."""
_WHO = {"user.name": "Heritage pipeline", "user.email": "pipeline@localhost"}
"""Who commits, where the checkout names nobody."""


def photos_lock(layout: Layout, purpose: str) -> AbstractContextManager[None]:
    """The lock under which the photos clone changes: from its opening to the commit of what was taken in.

    Raises:
        MachineError: another process holds it, for minutes.
    """
    return held_lock(layout.automation / "photos.lock", purpose, _PATIENCE_SECONDS)


def open_photos_clone(layout: Layout, parameters: Parameters, warn: Callable[[str], object]) -> Layout:
    """Make or mend the clone into which batches are taken, with the photos of the branch `heritage/photos`.

    To be called under `photos_lock`. Photos that were taken in and not committed go. Before the first commit of the
    branch, the clone holds the photos of the followed branch, or none where that branch names photos that nobody
    has: a fresh clone of the project names photos that are still to be drawn.

    Args:
        layout: the checkout, or a clone of it.
        parameters: name the followed branch.
        warn: hears, in a sentence, that the clone begins without photos.

    Returns:
        The clone.

    Raises:
        ParameterError: the checkout has no such branch.
        DataError: the photos of the branch are lost, or the checkout has photos that were never committed.
        MachineError: a command works in the clone, git or DVC fails, or the disk is full.
    """
    home = Layout(layout.home.resolve())
    clone = open_clone(home, home.photos_clone)
    with held_lock(clone.run_lock, "the opening of the photos clone"):
        fetch_followed(clone, parameters)
        started = has_branch(clone, parameters, PHOTOS_BRANCH)
        git(clone.root, "checkout", "--quiet", "--force", *([PHOTOS_BRANCH] if started else ["--detach", FOLLOWED]))
        share_store(home, clone)
        shutil.rmtree(clone.state / "intake", ignore_errors=True)
        if not bring_photos_of(clone, store_of(home)):
            if started or home.data.exists():
                raise _lost(clone, started)
            shutil.rmtree(clone.data, ignore_errors=True)
            warn(f"{DATA_FILE} of {parameters.automation.follow} names photos that nobody has: beginning with none")
    return clone


def commit_photos(clone: Layout, message: str) -> str:
    """Commit the version of the photos that `data.dvc` names; to be called under `photos_lock`.

    Args:
        clone: the photos clone.
        message: of the commit, to which the names of the batches that it brings are added as lines `Batch: <name>`;
            a line `Source: <where they came from>` in it is shown by `pipeline lineage`.

    Returns:
        The commit; where the photos are those of the last one, that one.

    Raises:
        MachineError: git fails.
    """
    root = clone.root
    git(root, "add", "--", DATA_FILE)
    if git(root, "diff", "--cached", "--name-only"):
        known = batches_of(store_of(Layout(clone.home)), content_at(root, "HEAD")) or []
        names = {batch.batch for batch in known}
        new = [f"{BATCH_LINE}{batch.batch}" for batch in read_batches(clone.batches) if batch.batch not in names]
        git(root, "commit", "--quiet", "--no-verify", "-m", "\n".join([message, "", *new]))
        if not git_or_empty(root, "branch", "--show-current"):
            # The branch appears with its first commit, so that a branch always has photos.
            git(root, "switch", "--quiet", "--create", PHOTOS_BRANCH)
    return git(root, "rev-parse", "HEAD")


def open_clone(home: Layout, root: Path) -> Layout:
    """Make a clone where it is missing, without files, and set it up; also for a checkout that was moved since.

    Args:
        home: the checkout, with an absolute root.
        root: of the clone.

    Raises:
        MachineError: git fails.
    """
    if not root.exists():
        # Under its name once it is whole; what a killed command left of an earlier attempt goes.
        unfinished = root.with_name(f"{root.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        git(home.root, "clone", "--quiet", "--no-checkout", "--no-tags", "--origin=home", ".", str(unfinished))
        unfinished.rename(root)
    write_text(Layout(root).owner_note, f"{home.root}\n")
    clear_git_locks(root)
    who = {name: git_or_empty(home.root, "config", name) or default for name, default in _WHO.items()}
    for name, value in {**_SETTINGS, **who}.items():
        git(root, "config", name, value)
    return Layout.of(root)


def fetch_followed(clone: Layout, parameters: Parameters) -> str:
    """Fetch the followed branch of the checkout that a clone works for.

    Returns:
        Its commit.

    Raises:
        ParameterError: the checkout has no such branch.
        MachineError: git fails.
    """
    follow = parameters.automation.follow
    name = git_or_empty(clone.home, "rev-parse", "--symbolic-full-name", "--verify", follow)
    if not name.startswith("refs/"):
        raise ParameterError(
            f"automation.follow: {clone.home} has no branch {follow}",
            expected="a branch with at least one commit, whose code and parameters are retrained",
            todo="commit there, or name another branch in automation.follow of params.yaml",
        )
    fetch(clone, clone.home, f"+{name}:{FOLLOWED}")
    return git(clone.root, "rev-parse", FOLLOWED)


def fetch(clone: Layout, source: Path, *references: str) -> None:
    """Fetch references of another repository of this machine.

    Raises:
        MachineError: git fails.
    """
    git(clone.root, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(source), *references)


def has_branch(clone: Layout, parameters: Parameters, name: str) -> bool:
    """Whether a clone has a branch; one that the checkout or its remote knows is taken up again.

    Raises:
        MachineError: git fails.
    """
    branch = f"refs/heads/{name}"
    if git_or_empty(clone.root, "rev-parse", "--verify", "--quiet", branch):
        return True
    for known in (branch, f"refs/remotes/{parameters.automation.push_to}/{name}"):
        if git_or_empty(clone.home, "rev-parse", "--verify", "--quiet", known):
            fetch(clone, clone.home, f"{known}:{branch}")
            return True
    return False


def bring_photos_of(clone: Layout, store: Store) -> bool:
    """Bring the photos that the clone's `data.dvc` names into place; other files of `data/` go.

    Returns:
        False where neither the cache nor the default remote has them.

    Raises:
        DataError: `data.dvc` cannot be read.
        MachineError: DVC fails, or the disk is full.
    """
    file = clone.root / DATA_FILE
    content = content_of(file.read_text(encoding="utf-8") if file.is_file() else "")
    if not content:
        shutil.rmtree(clone.data, ignore_errors=True)
        return True
    if not is_complete(store, content):
        if not store.remote:
            return False
        try:
            ask_dvc(clone.root, "fetch", DATA_FILE)
        except DvcRefused:
            return False
    dvc(clone.root, "checkout", "--force", DATA_FILE)
    return True


def _lost(clone: Layout, started: bool) -> DataError:
    branch = PHOTOS_BRANCH if started else "the followed branch"
    return DataError(
        f"the photos that {DATA_FILE} of {branch} names are neither in DVC's cache nor in its default remote",
        expected=f"the photos of {clone.home}, in a version that is committed",
        todo=f"run `dvc pull` in {clone.root}, from a remote that has them"
        if started
        else f"run `dvc add data` and commit {DATA_FILE}, or run `dvc pull`, in {clone.home}",
    )
