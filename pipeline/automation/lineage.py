"""Lineage: from the version that answers back to its run, its commit, its photos and their batches.

Three sources know a part each: the history of what served, MLflow, and the commits of the clones. What one of them
cannot say is taken from another, or named as missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from pipeline.automation.clones import RETRAIN_BRANCH
from pipeline.automation.dvc import store_of
from pipeline.automation.git import git_or_empty
from pipeline.automation.history import Arrival, arrivals
from pipeline.automation.recording import MANIFEST_LINE
from pipeline.automation.versions import batches_of, content_at
from pipeline.core.errors import PipelineError, ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.photos.batches import read_batches
from pipeline.photos.records import Batch
from pipeline.release.journal import Entry, State, current, read_journal
from pipeline.release.lines import line_of
from pipeline.release.mlflow_client import connected, run_page
from pipeline.release.registry import Registry

_DIRTY = "-dirty"


@dataclass(frozen=True)
class BatchOrigin:
    """A batch that a model was made from."""

    batch: str
    photos: int
    side: str
    """`test` where the batch is pinned to the test side, else empty."""
    taken_at: str
    """ISO 8601, UTC; empty where no commit is known that brought it."""
    source: str
    """Where it came from; empty where a person brought it by hand."""


@dataclass(frozen=True)
class Lineage:
    """Where the answers of a version come from; what is not known is empty."""

    model: str
    version: int
    serves: bool
    """Whether it serves now."""
    since: str
    """When it last began to serve, ISO 8601, UTC."""
    who: str
    """Who let it serve."""
    gate: str
    """Verdict of the gate, with whoever overrode it."""
    manifest: str
    """Hash over the files of the model."""
    run_id: str
    """Run in MLflow."""
    page: str
    """Address of the run's page."""
    commit: str
    data_hash: str
    """DVC's hash of the photos."""
    batches: tuple[BatchOrigin, ...]
    """The batches that the run saw, in the order of intake."""
    missing: tuple[str, ...]
    """What could not be found out, a sentence each."""


@dataclass(frozen=True)
class _Made:
    """What MLflow says of a version or, without it, the history of what served."""

    run_id: str
    manifest: str
    gate: str
    page: str = ""
    commit: str = ""
    data_hash: str = ""
    listed: tuple[Batch, ...] = ()
    """All batches of the photos, from the run's own list."""


@dataclass(frozen=True)
class _Origin:
    """Code and photos of a version."""

    commit: str
    data_hash: str
    batches: tuple[BatchOrigin, ...]


def lineage(layout: Layout, parameters: Parameters, version: int | None = None) -> Lineage:
    """Walk back from a version of the line of models that the parameters name.

    Args:
        layout: the checkout, or a clone of it.
        parameters: name the line and MLflow.
        version: the version; none = the one that serves.

    Raises:
        ServingError: nothing serves, or nobody knows the version.
        MachineError: DVC's settings cannot be read.
    """
    home = Layout(layout.home.resolve())
    line = line_of(home, parameters)
    journal = read_journal(line.journal)
    serving = current(journal)
    number = version if version is not None else serving.version if serving else None
    if number is None:
        raise ServingError(
            f"no version of {line.name} serves", expected="a version that served", todo="name one with --version"
        )
    entries = [entry for entry in journal.entries if entry.version == number]
    done = [entry for entry in entries if entry.state is State.DONE]
    missing: list[str] = []
    made = _made(home, parameters, number, entries, missing)
    origin = _origin(home, made, missing)
    return Lineage(
        model=line.name,
        version=number,
        serves=serving is not None and serving.version == number,
        since=done[-1].time if done else "",
        who=done[-1].who if done else "",
        gate=made.gate,
        manifest=made.manifest,
        run_id=made.run_id,
        page=made.page,
        commit=origin.commit,
        data_hash=origin.data_hash,
        batches=origin.batches,
        missing=tuple(missing),
    )


def _made(home: Layout, parameters: Parameters, number: int, entries: Sequence[Entry], missing: list[str]) -> _Made:
    try:
        return _asked_mlflow(home, parameters, number)
    except PipelineError as error:
        if not entries:
            raise
        missing.append(f"MLflow has no answer, so this is from the history alone: {error.came}")
        return _Made(entries[-1].run_id, entries[-1].manifest, entries[-1].gate)


def _asked_mlflow(home: Layout, parameters: Parameters, number: int) -> _Made:
    with connected(home, parameters) as client, TemporaryDirectory() as folder:
        version = Registry(client, parameters.model.name).version(number)
        run = client.get_run(version.run_id).info
        listed: tuple[Batch, ...] = ()
        if home.batches.name in {file.path for file in client.list_artifacts(version.run_id)}:
            listed = tuple(read_batches(Path(client.download_artifacts(version.run_id, home.batches.name, folder))))
        page = run_page(home, parameters, run.experiment_id, version.run_id)
        return _Made(version.run_id, version.manifest, version.gate, page, version.commit, version.data_hash, listed)


def _origin(home: Layout, made: _Made, missing: list[str]) -> _Origin:
    commit = made.commit.removesuffix(_DIRTY) or _commit_of_model(home, made.manifest)
    if made.commit.endswith(_DIRTY):
        missing.append("the code was changed beyond its commit when the run was logged")
    repository = next((root for root in _repositories(home) if _has(root, commit)), None)
    if repository is None:
        missing.append(f"commit {commit} is in no repository of this checkout" if commit else "its commit is not known")
    store = store_of(home)
    data_hash = made.data_hash or (content_at(repository, commit) if repository else "")
    batches = batches_of(store, data_hash) or list(made.listed)
    if not batches:
        missing.append("the batches are known neither to DVC's cache nor to the run in MLflow")
    globs, came = ["*"], {}
    if repository is not None:
        globs = _globs_at(repository, commit)
        came = arrivals(repository, commit, store)
    elif batches:
        missing.append("which of the batches the run saw is said by its parameters alone: all are shown")
    seen = [batch for batch in batches if any(fnmatchcase(batch.batch, glob) for glob in globs)]
    return _Origin(commit, data_hash, tuple(_with_arrival(batch, came.get(batch.batch)) for batch in seen))


def _with_arrival(batch: Batch, came: Arrival | None) -> BatchOrigin:
    return BatchOrigin(
        batch.batch, batch.photos, batch.side, came.taken_at if came else "", came.source if came else ""
    )


def _repositories(home: Layout) -> Iterator[Path]:
    yield from (root for root in (home.retrain_clone, home.root) if root.is_dir())


def _has(repository: Path, commit: str) -> bool:
    return bool(commit and git_or_empty(repository, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"))


def _commit_of_model(home: Layout, manifest: str) -> str:
    """The last commit of the retrain branch whose message names a model; empty where there is none."""
    search = ("log", "-1", "--format=%H", "--fixed-strings", f"--grep={MANIFEST_LINE}{manifest}")
    found = (git_or_empty(root, *search, f"refs/heads/{RETRAIN_BRANCH}") for root in _repositories(home))
    return next(filter(None, found), "") if manifest else ""


def _globs_at(repository: Path, commit: str) -> list[str]:
    """Which batches the parameters of a commit name; those of another day may have other sections."""
    try:
        return [
            str(glob)
            for glob in yaml.safe_load(git_or_empty(repository, "show", f"{commit}:params.yaml"))["photos"]["batches"]
        ]
    except (yaml.YAMLError, KeyError, TypeError):
        return ["*"]
