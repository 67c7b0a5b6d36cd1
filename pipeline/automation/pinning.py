"""Pinning: the retrain clone comes to one commit that holds all a run depends on.

The commit has the followed branch's code, parameters and decisions, the photos branch's `data.dvc` and the last
retraining's `dvc.lock`. It is put together from these, so there is nothing to merge and nothing to conflict.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.automation.clones import (
    FOLLOWED,
    PHOTOS_BRANCH,
    RETRAIN_BRANCH,
    bring_photos_of,
    fetch,
    fetch_followed,
    has_branch,
    open_clone,
    open_photos_clone,
    photos_lock,
)
from pipeline.automation.dvc import Store, share_store, store_of
from pipeline.automation.git import ask_git, git, git_or_empty
from pipeline.automation.history import arrivals, versions_up_to
from pipeline.automation.versions import DATA_FILE, batches_of, content_at, is_complete
from pipeline.core.errors import DataError, ParameterError
from pipeline.core.locks import held_lock
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout

LOCK_FILE = "dvc.lock"
_PHOTOS = "refs/automation/photos"
"""In the retrain clone: the photos branch, as it was fetched last."""
_PINNED, _JUDGED = "refs/automation/pinned", "refs/automation/judged"
"""In the retrain clone: what the last pin asks to be judged, and what the last run that came to its end had judged;
trees without `dvc.lock`."""


@dataclass(frozen=True)
class Pinned:
    """What a run will work on."""

    commit: str
    """What is checked out in the retrain clone."""
    followed: str
    """Commit of the followed branch."""
    data_hash: str
    """DVC's hash of the photos; empty where there are none."""
    batches: tuple[str, ...]
    """All batches of the photos, in the order of intake."""
    is_new: bool
    """False where nothing changed since the last run that came to its end, or there are no photos yet."""


@dataclass(frozen=True)
class _Parts:
    """The commits that a pinned one is put together from."""

    followed: str
    photos: str
    previous: str
    """The last commit of the retrain branch; empty before the first."""


def pin(layout: Layout, parameters: Parameters, warn: Callable[[str], object], batch: str | None = None) -> Pinned:
    """Bring the retrain clone to the commit that the next run works on, its photos in place.

    Args:
        layout: the checkout, or a clone of it.
        parameters: name the followed branch.
        warn: hears of photos in the checkout that no run will see.
        batch: take the photos as they were when this batch had come; none = all of today.

    Raises:
        ParameterError: there is no such branch or batch.
        DataError: the photos are lost.
        MachineError: a stage runs in the clone, git or DVC fails, or the disk is full.
    """
    home = Layout(layout.home.resolve())
    with _retrain_clone(home, "pipeline pin") as clone:
        followed = fetch_followed(clone, parameters)
        store = store_of(home)
        photos = _photos_commit(home, clone, parameters, warn)
        _warn_of_photos_by_hand(clone, photos, store, warn)
        if batch is not None:
            photos = _commit_of(batch, clone, photos, store)
        content = content_at(clone.root, photos)
        if not content or (photos == followed and not is_complete(store, content)):
            warn("there are no photos yet; drop a batch into the inbox")
            return Pinned(followed, followed, "", (), is_new=False)
        ran_before = has_branch(clone, parameters, RETRAIN_BRANCH)
        parts = _Parts(followed, photos, git(clone.root, "rev-parse", RETRAIN_BRANCH) if ran_before else "")
        tree = _tree(clone, parts, keep_lock=False)
        commit = _commit(clone, parts, tree, batch)
        _note(clone, _PINNED, tree if batch is None else "")
        _check_out(home, clone, commit)
        is_new = batch is not None or _noted(clone, _JUDGED) != tree
    names = tuple(known.batch for known in batches_of(store, content) or [])
    return Pinned(commit, followed, content, names, is_new)


def finish(layout: Layout) -> str:
    """Note that what the last pin asked for was judged; a run on the photos of an earlier day leaves no note.

    Returns:
        The commit that is checked out in the retrain clone.

    Raises:
        MachineError: a stage runs in the clone, or git fails.
    """
    with _retrain_clone(Layout(layout.home.resolve()), "pipeline finish") as clone:
        if asked := _noted(clone, _PINNED):
            _note(clone, _JUDGED, asked)
        return git(clone.root, "rev-parse", "HEAD")


@contextmanager
def _retrain_clone(home: Layout, purpose: str) -> Iterator[Layout]:
    with held_lock(home.automation / "retrain.lock", purpose):
        clone = open_clone(home, home.retrain_clone)
        with held_lock(clone.run_lock, purpose):
            yield clone


def _photos_commit(home: Layout, clone: Layout, parameters: Parameters, warn: Callable[[str], object]) -> str:
    """The photos branch's commit; before its first one, that of the followed branch."""
    if not git_or_empty(home.photos_clone, "rev-parse", "--verify", "--quiet", f"refs/heads/{PHOTOS_BRANCH}"):
        with photos_lock(home, "pipeline pin"):
            photos_clone = open_photos_clone(home, parameters, warn)
        if not has_branch(photos_clone, parameters, PHOTOS_BRANCH):
            return git(clone.root, "rev-parse", FOLLOWED)
    fetch(clone, home.photos_clone, f"+refs/heads/{PHOTOS_BRANCH}:{_PHOTOS}")
    return git(clone.root, "rev-parse", _PHOTOS)


def _warn_of_photos_by_hand(clone: Layout, photos: str, store: Store, warn: Callable[[str], object]) -> None:
    by_hand = git_or_empty(clone.root, "rev-parse", "--verify", "--quiet", f"{FOLLOWED}:{DATA_FILE}")
    if not by_hand or by_hand in versions_up_to(clone.root, photos):
        return
    known = {batch.batch for batch in batches_of(store, content_at(clone.root, photos)) or []}
    new = [b.batch for b in batches_of(store, content_at(clone.root, FOLLOWED)) or [] if b.batch not in known]
    warn(
        f"{DATA_FILE} of the followed branch was changed by hand; no run sees "
        f"{'its batches ' + ', '.join(new) if new else 'that change'}: drop photos into the inbox instead"
    )


def _commit_of(batch: str, clone: Layout, photos: str, store: Store) -> str:
    known = arrivals(clone.root, photos, store)
    if batch not in known:
        raise ParameterError(
            f"no batch {batch!r} was ever taken in",
            expected=f"one of {', '.join(known) or 'none yet'}",
            todo="run `pipeline pin --batch <one of these>`",
        )
    return known[batch].commit


def _tree(clone: Layout, parts: _Parts, *, keep_lock: bool) -> str:
    """Git's tree of a pinned commit; without `dvc.lock` it stands for all that the run depends on."""
    index = (clone.root / ".git" / "heritage-index").resolve()
    index.unlink(missing_ok=True)

    def edit(*arguments: str) -> str:
        return ask_git(clone.root, arguments, {"GIT_INDEX_FILE": str(index)})

    edit("read-tree", parts.followed)
    edit("update-index", "--force-remove", "--", DATA_FILE, LOCK_FILE)
    files = {DATA_FILE: parts.photos}
    if keep_lock:
        files[LOCK_FILE] = parts.previous or parts.followed
    for name, commit in files.items():
        if blob := git_or_empty(clone.root, "rev-parse", "--verify", "--quiet", f"{commit}:{name}"):
            edit("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    return edit("write-tree")


def _commit(clone: Layout, parts: _Parts, tree: str, batch: str | None) -> str:
    """The pinned commit: the last one of the branch where it holds the same, else a new one."""
    if parts.previous and _tree(clone, _Parts(parts.previous, parts.previous, ""), keep_lock=False) == tree:
        return parts.previous
    parents = dict.fromkeys(parent for parent in (parts.followed, parts.photos, parts.previous) if parent)
    subject = f"Retrain {parts.followed[:10]} on the photos of {parts.photos[:10]}"
    message = subject + (f", up to batch {batch}" if batch else "")
    named = [argument for parent in parents for argument in ("-p", parent)]
    return git(clone.root, "commit-tree", *named, "-m", message, _tree(clone, parts, keep_lock=True))


def _check_out(home: Layout, clone: Layout, commit: str) -> None:
    git(clone.root, "checkout", "--quiet", "--force", "-B", RETRAIN_BRANCH, commit)
    git(clone.root, "clean", "--quiet", "--force", "-d")
    share_store(home, clone)
    if not bring_photos_of(clone, store_of(home)):
        raise DataError(
            f"the photos of {commit[:10]} are neither in DVC's cache nor in its default remote",
            expected="every version of the photos that the photos branch names",
            todo=f"run `dvc fetch {DATA_FILE}` in {clone.root}, from a remote that has them",
        )


def _noted(clone: Layout, name: str) -> str:
    return git_or_empty(clone.root, "rev-parse", "--verify", "--quiet", name)


def _note(clone: Layout, name: str, tree: str) -> None:
    git(clone.root, "update-ref", *([name, tree] if tree else ["-d", name]))
