"""Runs in MLflow, found or made by what was run, so that a stage from the cache still has its run.

Nothing that a stage writes holds a run id: the run is found by a tag, the hash of every stage's command,
dependencies and parameters in `dvc.lock`.
"""

import csv
import dataclasses
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version as library_version
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from pipeline.core.errors import DataError
from pipeline.core.hashing import sha256_of_value
from pipeline.core.locks import held_lock
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.export.manifest import FILE_NAME as MANIFEST
from pipeline.release.facts import batches_seen, data_hash, git_commit
from pipeline.release.gate_report import gate_of_candidate
from pipeline.release.manifest import candidate_manifest
from pipeline.release.mlflow_client import connected, experiment_id, run_page

RUN_HASH_TAG = "pipeline.run_hash"
COMMIT_TAG = "pipeline.git_commit"
DATA_TAG = "pipeline.data_hash"
SAVED_MODEL = "savedmodel"

TRACKED = "tracked.json"
"""In `.heritage`: the run that the last `track` logged or found."""

LIBRARIES = ("tensorflow", "keras", "mlflow", "dvc", "numpy", "pillow")
_BATCHES_NAMED = 20
"""So many of the last batches stand in a tag; the run's `batches.csv` has them all."""
_MAX_METRICS_PER_CALL = 1000
_MAX_PARAMETERS_PER_CALL = 100
_MAX_PARAMETER_LENGTH = 6000


@dataclass(frozen=True)
class RunReference:
    """A run in MLflow."""

    run_id: str
    created: bool
    """False where the same work was logged before."""


@dataclass(frozen=True)
class TrackedRun:
    """The run that logged the checkout's last work, as `.heritage/tracked.json` keeps it."""

    run_hash: str
    run_id: str
    page: str
    """Address of the run in MLflow; empty where MLflow is a database without a server."""


def track(layout: Layout, parameters: Parameters) -> RunReference:
    """Log the checkout's last `dvc repro` as a run, or find the run that logged it.

    Raises:
        DataError: `dvc.lock` is missing or half way, or the model is not the one that its manifest lists.
        ServingError: MLflow does not answer.
    """
    run_hash = hash_of_run(read_lock(layout.root / "dvc.lock"))
    candidate_manifest(layout)
    with held_lock(layout.state / "tracking.lock", "pipeline track"), connected(layout, parameters) as client:
        experiment = experiment_id(client, layout, parameters)
        runs = client.search_runs([experiment], f"tags.`{RUN_HASH_TAG}` = '{run_hash}'")
        finished = [run for run in runs if run.info.status == "FINISHED"]
        if finished:
            return _noted(finished[0].info, run_hash, layout, parameters, created=False)
        for broken_off in runs:
            client.delete_run(broken_off.info.run_id)
        run = client.create_run(experiment, tags=_tags(layout, parameters, run_hash), run_name=parameters.recipe)
        _log(client, run.info.run_id, layout, parameters)
        client.set_terminated(run.info.run_id, "FINISHED")
        return _noted(run.info, run_hash, layout, parameters, created=True)


def tracked_run(layout: Layout) -> TrackedRun | None:
    """The run that logged the checkout's last `dvc repro`, or None where `track` has not."""
    try:
        tracked = TrackedRun(**json.loads((layout.state / TRACKED).read_text(encoding="utf-8")))
        run_hash = hash_of_run(read_lock(layout.root / "dvc.lock"))
    except (OSError, ValueError, TypeError, DataError):
        return None
    return tracked if tracked.run_hash == run_hash else None


def log_report(layout: Layout, parameters: Parameters) -> str | None:
    """Add the gate's verdict and the report to the run that logged the checkout's last work.

    Returns:
        The run's id; None where `track` has not logged it.

    Raises:
        ServingError: MLflow does not answer, or does not know the run any more.
    """
    tracked = tracked_run(layout)
    if tracked is None:
        return None
    with connected(layout, parameters) as client:
        log_judgement(client, tracked.run_id, layout)
    return tracked.run_id


def log_judgement(client: Any, run_id: str, layout: Layout) -> None:
    """Add the report and the verdict on the exported model, where there are any, to a run; its older ones go."""
    if gate_of_candidate(layout) is not None:
        client.log_artifact(run_id, str(layout.gate), "reports")
    if layout.report.is_file():
        client.log_artifact(run_id, str(layout.report), "reports")


def _noted(info: Any, run_hash: str, layout: Layout, parameters: Parameters, *, created: bool) -> RunReference:
    """Note the run for the report; what is served or registered never rests on this note."""
    page = run_page(layout, parameters, info.experiment_id, info.run_id)
    write_text(layout.state / TRACKED, json.dumps(dataclasses.asdict(TrackedRun(run_hash, info.run_id, page))) + "\n")
    return RunReference(info.run_id, created)


def read_lock(path: Path) -> dict[str, Any]:
    """The stages of a `dvc.lock`, by name, checked to belong together.

    Raises:
        DataError: the file is missing or unreadable, or a stage used a file that was made again since.
    """
    try:
        stages: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["stages"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} cannot be read: {error}",
            expected="the record of a finished `dvc repro`",
            todo="run `dvc repro` first",
        ) from None
    made = {out["path"]: out.get("md5") for stage in stages.values() for out in stage.get("outs", [])}
    for name, stage in stages.items():
        for used in stage.get("deps", []):
            if made.get(used["path"], used.get("md5")) != used.get("md5"):
                raise DataError(
                    f"stage {name} last ran on an older {used['path']}",
                    expected="stages that all belong to one `dvc repro`",
                    todo="run `dvc repro` to the end",
                )
    return stages


def hash_of_run(stages: Mapping[str, Any]) -> str:
    """Hash of what was run: every stage's command, dependencies by content, and parameters."""
    return sha256_of_value(
        {
            name: {
                "command": stage.get("cmd"),
                "dependencies": {used["path"]: used.get("md5") for used in stage.get("deps", [])},
                "parameters": stage.get("params", {}),
            }
            for name, stage in stages.items()
        }
    )


def flattened(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested mappings and lists, with dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
            yield from flattened({str(index): item for index, item in enumerate(value)}, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def origin_tags(layout: Layout, parameters: Parameters) -> dict[str, str]:
    """Tags of a run or a version that say where it comes from: code, photos, and the batches seen, in short."""
    batches = [seen.batch for seen in batches_seen(layout, parameters)]
    more = f" and {len(batches) - _BATCHES_NAMED} more" if len(batches) > _BATCHES_NAMED else ""
    return {
        DATA_TAG: data_hash(layout),
        COMMIT_TAG: git_commit(layout),
        "pipeline.batches": ", ".join(batches[-_BATCHES_NAMED:]) + more,
    }


def _tags(layout: Layout, parameters: Parameters, run_hash: str) -> dict[str, str]:
    libraries = {f"version.{name}": library_version(name) for name in LIBRARIES}
    return {
        RUN_HASH_TAG: run_hash,
        **origin_tags(layout, parameters),
        "pipeline.recipe": parameters.recipe,
        "pipeline.model": parameters.model.name,
        "pipeline.seed": str(parameters.seed),
        **libraries,
    }


def _log(client: Any, run_id: str, layout: Layout, parameters: Parameters) -> None:
    from mlflow.entities import Param

    values = flattened(parameters.model_dump(mode="json", by_alias=True))
    logged = iter([Param(name, str(value)[:_MAX_PARAMETER_LENGTH]) for name, value in values])
    while few := list(islice(logged, _MAX_PARAMETERS_PER_CALL)):
        client.log_batch(run_id, params=few)
    metrics = iter([*_final_metrics(layout), *_epoch_metrics(layout)])
    while many := list(islice(metrics, _MAX_METRICS_PER_CALL)):
        client.log_batch(run_id, metrics=many)
    for path in (layout.parameters, layout.root / "dvc.lock", layout.artifacts("export") / MANIFEST, layout.batches):
        if path.is_file():
            client.log_artifact(run_id, str(path))
    # Of the reports those of the stages: what else lies there is later, or shows photos that people asked about.
    for name in sorted(read_lock(layout.root / "dvc.lock")):
        if (report := layout.reports(name)).is_dir():
            client.log_artifacts(run_id, str(report), f"reports/{name}")
    client.log_artifacts(run_id, str(layout.artifacts("export") / "saved_model"), SAVED_MODEL)


def _final_metrics(layout: Layout) -> Iterator[Any]:
    path = layout.reports("evaluate") / "metrics.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read: {error}", expected="the figures that `evaluate` writes", todo="run `dvc repro`"
        ) from None
    yield from _metrics(((name, value) for name, value in flattened(values)), step=0)


def _epoch_metrics(layout: Layout) -> Iterator[Any]:
    path = layout.artifacts("train") / "history.csv"
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as stream:
        for step, row in enumerate(csv.DictReader(stream), start=1):
            figures = ((f"epoch.{name}", _number(text)) for name, text in row.items())
            yield from _metrics(figures, step)


def _metrics(values: Iterator[tuple[str, Any]], step: int) -> Iterator[Any]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    for name, value in values:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Metric(_allowed_name(name), float(value), now, step)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _allowed_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "_-./ " else "_" for letter in name)
