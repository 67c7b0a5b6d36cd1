"""The history of the photos: which commit brought each batch, when and from where."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.automation.clones import BATCH_LINE, SOURCE_LINE
from pipeline.automation.dvc import Store
from pipeline.automation.git import git_or_empty
from pipeline.automation.versions import DATA_FILE, batches_of, content_at

_FIELD, _RECORD = "\x1f", "\x1e"


@dataclass(frozen=True)
class Arrival:
    """How a batch came."""

    commit: str
    """The first commit whose `data.dvc` holds it."""
    taken_at: str
    """Time of that commit, ISO 8601, UTC."""
    source: str
    """Where the batch came from; empty where a person brought it by hand."""


def arrivals(root: Path, tip: str, store: Store) -> dict[str, Arrival]:
    """How each batch came, by name, in the order of arrival.

    Args:
        root: a repository that has the commits.
        tip: the last commit to look at.
        store: for commits of people, whose messages name no batch; batches that its cache does not know are left out.
    """
    found: dict[str, Arrival] = {}
    for commit, seconds, message in _commits(root, tip):
        lines = message.splitlines()
        names = [line.removeprefix(BATCH_LINE) for line in lines if line.startswith(BATCH_LINE)]
        sources = [line.removeprefix(SOURCE_LINE) for line in lines if line.startswith(SOURCE_LINE)]
        if not names:
            names = [batch.batch for batch in batches_of(store, content_at(root, commit)) or []]
        time = datetime.fromtimestamp(int(seconds), UTC).isoformat(timespec="seconds")
        for name in names:
            found.setdefault(name, Arrival(commit, time, ", ".join(sources)))
    return found


def versions_up_to(root: Path, tip: str) -> set[str]:
    """Git's hashes of every `data.dvc` that a commit or one before it held."""
    changes = git_or_empty(root, "log", "--format=", "--raw", "--no-abbrev", "-m", tip, "--", DATA_FILE)
    return {line.split()[3] for line in changes.splitlines()}


def _commits(root: Path, tip: str) -> Iterator[tuple[str, str, str]]:
    """Commit, seconds since 1970 and message of each change of the photos, oldest first."""
    form = f"--format=%H{_FIELD}%ct{_FIELD}%B{_RECORD}"
    for record in git_or_empty(root, "log", "--reverse", form, tip, "--", DATA_FILE).split(_RECORD):
        if record.strip():
            commit, seconds, message = record.strip().split(_FIELD)
            yield commit, seconds, message
