"""The model registry in MLflow: versions made from runs, and the aliases `champion` and `challenger`.

Models are never loaded through MLflow: its loaders may run code that lies beside a model. Files are taken from the
run that made a version, and count only where they match the manifest hash that the version was registered with.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.core.errors import GateRefused, ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.export.manifest import FILE_NAME as MANIFEST
from pipeline.export.manifest import manifest_sha256
from pipeline.release.card import model_card
from pipeline.release.facts import batches_seen
from pipeline.release.gate_report import GateReport, read_gate
from pipeline.release.golden import GOLDEN, golden_photos, write_golden
from pipeline.release.journal import read_journal
from pipeline.release.lines import line_of
from pipeline.release.manifest import candidate_manifest
from pipeline.release.mlflow_client import connected, mlflow_errors
from pipeline.release.profile import PROFILE, make_profile, write_profile
from pipeline.release.tracking import (
    COMMIT_TAG,
    DATA_TAG,
    RUN_HASH_TAG,
    SAVED_MODEL,
    hash_of_run,
    log_judgement,
    origin_tags,
    read_lock,
    track,
)
from serving.contract import PhotoLimits

CHAMPION = "champion"
CHALLENGER = "challenger"
SERVED_TAG = "pipeline.served"
"""Of a registered model: the version that the alias `champion` followed last."""

_MANIFEST_TAG = "pipeline.manifest"
_GATE_TAG = "pipeline.gate"
_NO_SUCH_ENTRY = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""How MLflow says that a name or an alias does not exist; the second is its word for aliases."""


@dataclass(frozen=True)
class ModelVersion:
    """What registering came to."""

    name: str
    version: int
    run_id: str
    commit: str
    """Commit of the code and of `dvc.lock`, `-dirty` behind it where files were changed."""
    data_hash: str
    """DVC's hash of the photos."""
    batches: tuple[str, ...]
    """The batches that the run saw."""
    created: bool
    """False where the same work was registered before."""
    tried: bool
    """Whether it served, or was to serve, before: running the same work again must not bring a withdrawn one back."""


@dataclass(frozen=True)
class RegisteredVersion:
    """A version as the registry knows it."""

    version: int
    run_id: str
    manifest: str
    """Manifest hash at registration."""
    gate: str
    """Verdict of the gate at registration, with whoever overrode it."""
    commit: str
    """Commit of the code at registration; empty outside git."""
    data_hash: str
    """DVC's hash of the photos at registration; empty where they were not under DVC."""


def register(layout: Layout, parameters: Parameters) -> ModelVersion:
    """Make the candidate a version of its registered model, under the alias `challenger`.

    Raises:
        GateRefused: the gate has not passed this very candidate, and nobody has overridden it.
        DataError: `dvc.lock` is half way, or evaluation's predictions are missing.
        ServingError: MLflow does not answer, or the exported model is damaged.
    """
    manifest = manifest_sha256(candidate_manifest(layout))
    gate = _passed_gate(layout, manifest)
    run = track(layout, parameters)
    tags = {
        RUN_HASH_TAG: hash_of_run(read_lock(layout.root / "dvc.lock")),
        _MANIFEST_TAG: manifest,
        _GATE_TAG: gate.in_words(),
        **origin_tags(layout, parameters),
    }
    with connected(layout, parameters) as client:
        registry = Registry(client, parameters.model.name)
        known = registry.version_with_tag(RUN_HASH_TAG, tags[RUN_HASH_TAG])
        if known is None:
            _log_release_facts(client, run.run_id, layout, parameters)
        card = model_card(layout, parameters, gate)
        version = known if known is not None else registry.add_version(run.run_id, tags, card)
        tried = version in _tried_versions(layout, parameters)
        if not tried:
            registry.set_alias(CHALLENGER, version)
        registered = registry.version(version)
    return ModelVersion(
        registry.name,
        version,
        registered.run_id,
        registered.commit,
        registered.data_hash,
        tuple(seen.batch for seen in batches_seen(layout, parameters)),
        created=known is None,
        tried=tried,
    )


class Registry:
    """One registered model.

    Args:
        client: an `MlflowClient`.
        name: the registered model.
    """

    def __init__(self, client: Any, name: str) -> None:
        self.name = name
        self._client = client

    def errors_in_words(self) -> AbstractContextManager[None]:
        """Turn MLflow's errors within a block into words, see `mlflow_errors`."""
        return mlflow_errors(str(self._client.tracking_uri))

    def add_version(self, run_id: str, tags: dict[str, str], description: str = "") -> int:
        """Register a run's SavedModel; the registered model is made where it is missing.

        Args:
            run_id: of the run.
            tags: of the version.
            description: of the version, Markdown.
        """
        if self._registered_model() is None:
            self._client.create_registered_model(self.name)
        source = self._source(run_id)
        made = self._client.create_model_version(
            self.name, source=source, run_id=run_id, tags=tags, description=description
        )
        return int(made.version)

    def version_with_tag(self, tag: str, value: str) -> int | None:
        """The oldest version with a tag, or None."""
        found = self._client.search_model_versions(f"name = '{self.name}' and tags.`{tag}` = '{value}'")
        return min((int(version.version) for version in found), default=None)

    def version(self, number: int) -> RegisteredVersion:
        """A version's facts.

        Raises:
            ServingError: there is no such version, or it was not made by `pipeline register`.
        """
        known = self._asked(lambda: self._client.get_model_version(self.name, str(number)))
        if known is None:
            raise ServingError(
                f"{self.name} has no version {number}",
                expected="a version that `pipeline register` made",
                todo=f"look at the versions of {self.name} in MLflow, or register the candidate first",
            )
        ours = known.run_id and _MANIFEST_TAG in known.tags and known.source == self._source(known.run_id)
        if not ours:
            raise ServingError(
                f"version {number} of {self.name} was not registered by this pipeline",
                expected=f"the tag {_MANIFEST_TAG}, and files that lie in the run that made the version",
                todo="run `pipeline gate` and `pipeline register` for that model",
            )
        tags = known.tags
        return RegisteredVersion(
            number,
            known.run_id,
            tags[_MANIFEST_TAG],
            tags.get(_GATE_TAG, ""),
            tags.get(COMMIT_TAG, ""),
            tags.get(DATA_TAG, ""),
        )

    def download(self, registered: RegisteredVersion, folder: Path) -> None:
        """Copy a version's model, manifest, golden photos and profile into a folder; nothing is trusted yet.

        Versions that were registered before there were profiles have none.
        """
        there = {artifact.path for artifact in self._client.list_artifacts(registered.run_id)}
        for name in (SAVED_MODEL, MANIFEST, GOLDEN, *({PROFILE} & there)):
            self._client.download_artifacts(registered.run_id, name, str(folder))

    def alias(self, name: str) -> int | None:
        """The version under an alias, or None."""
        known = self._asked(lambda: self._client.get_model_version_by_alias(self.name, name))
        return None if known is None else int(known.version)

    def set_alias(self, name: str, version: int) -> None:
        """Move an alias."""
        self._client.set_registered_model_alias(self.name, name, str(version))

    def set_champion(self, version: int) -> None:
        """Let the alias `champion` follow the served version, which is then no challenger any more."""
        self.set_alias(CHAMPION, version)
        if self.alias(CHALLENGER) == version:
            self._client.delete_registered_model_alias(self.name, CHALLENGER)
        # Written last: an alias that differs from a served version noted here was moved by somebody else.
        self._client.set_registered_model_tag(self.name, SERVED_TAG, str(version))

    def restore_champion(self, version: int | None) -> None:
        """Put the alias back on the served version, or take it away where nothing serves."""
        if version is not None:
            self.set_champion(version)
        elif self.alias(CHAMPION) is not None:
            self._client.delete_registered_model_alias(self.name, CHAMPION)

    def noted_champion(self) -> int | None:
        """The version that `set_champion` completed for last, or None."""
        model = self._registered_model()
        return int(model.tags[SERVED_TAG]) if model is not None and SERVED_TAG in model.tags else None

    def _registered_model(self) -> Any:
        return self._asked(lambda: self._client.get_registered_model(self.name))

    def _source(self, run_id: str) -> str:
        return f"{self._client.get_run(run_id).info.artifact_uri}/{SAVED_MODEL}"

    def _asked(self, request: Any) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return request()
        except MlflowException as error:
            if error.error_code in _NO_SUCH_ENTRY:
                return None
            raise


def _passed_gate(layout: Layout, manifest: str) -> GateReport:
    report = read_gate(layout)
    if report.manifest != manifest:
        raise GateRefused(
            f"{layout.gate} judged another candidate than the one in {layout.artifacts('export')}",
            expected="a verdict on this candidate",
            todo="run `pipeline gate`",
        )
    if not report.may_go_on:
        raise GateRefused(
            f"the gate's verdict on this candidate is: {report.in_words()}",
            expected="passed, or overridden by somebody with a name and a reason",
            todo=f"read {layout.gate}; train a better candidate, or `pipeline gate --override-by NAME --reason WHY`",
        )
    return report


def _tried_versions(layout: Layout, parameters: Parameters) -> set[int]:
    """Versions that served or failed to."""
    return {entry.version for entry in read_journal(line_of(layout, parameters).journal).entries}


def _log_release_facts(client: Any, run_id: str, layout: Layout, parameters: Parameters) -> None:
    limits = PhotoLimits(max_bytes=parameters.validate_.max_bytes, max_pixels=parameters.validate_.max_pixels)
    with TemporaryDirectory() as folder:
        path = Path(folder) / GOLDEN
        write_golden(path, golden_photos(layout, limits))
        client.log_artifact(run_id, str(path))
        profile = make_profile(layout, parameters)
        if profile is not None:
            write_profile(path.with_name(PROFILE), profile)
            client.log_artifact(run_id, str(path.with_name(PROFILE)))
    log_judgement(client, run_id, layout)
