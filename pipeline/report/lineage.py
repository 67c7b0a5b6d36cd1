"""Lineage: the code, photos, parameters and libraries that a model was made from, so that it can be made again."""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version as library_version
from typing import Any

from pydantic import BaseModel

from pipeline.core.errors import DataError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.release.facts import batches_seen, changed_files, data_hash, git_commit
from pipeline.release.tracking import LIBRARIES, flattened, hash_of_run, read_lock, tracked_run
from pipeline.report.files import candidate_or_none
from pipeline.report.sections import Section, section_of

_DVC_PLOTS = "../dvc_plots/index.html"
"""From the page's own folder; `dvc plots show` makes it."""
_CODE = ("pipeline/", "serving/")


@dataclass(frozen=True)
class Setting:
    """A parameter of the run."""

    name: str
    value: str
    default: str
    """Empty where there is none: every recipe must say it."""
    differs: bool


@dataclass(frozen=True)
class StageLine:
    """A stage of `dvc.lock`."""

    name: str
    used: tuple[tuple[str, str], ...]
    """Path and hash of what it read, its code left out."""
    made: tuple[tuple[str, str], ...]


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `lineage`."""
    try:
        stages = read_lock(layout.root / "dvc.lock")
    except DataError:
        stages = {}
    found = list(settings(parameters))
    return section_of(
        "lineage",
        "Lineage",
        commit=git_commit(layout).removesuffix("-dirty"),
        changed=changed_files(layout),
        data=data_hash(layout),
        batches=batches_seen(layout, parameters),
        manifest=candidate_or_none(layout),
        run_hash=hash_of_run(stages) if stages else "",
        tracked=tracked_run(layout),
        seed=parameters.seed,
        stages=list(stage_lines(stages)),
        settings=found,
        outdated=outdated_parameters(stages, parameters),
        chosen=[setting for setting in found if setting.differs],
        libraries=[("python", platform.python_version()), *((name, library_version(name)) for name in LIBRARIES)],
        dvc_plots=_DVC_PLOTS if (layout.report.parent / _DVC_PLOTS).is_file() else "",
    )


def settings(section: BaseModel, prefix: str = "") -> Iterator[Setting]:
    """Every parameter with its default, in the order of `params.yaml`.

    Args:
        section: parameters, or a part of them.
        prefix: dotted name of the part, with a dot behind it.
    """
    shown = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value, dotted = getattr(section, name), f"{prefix}{field.alias or name}"
        if isinstance(value, BaseModel):
            yield from settings(value, f"{dotted}.")
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for number, item in enumerate(value):
                yield from settings(item, f"{dotted}.{number}.")
        elif field.is_required():
            yield Setting(dotted, _text(shown[name]), "", differs=True)
        else:
            yield Setting(dotted, _text(shown[name]), _text(field.default), differs=value != field.default)


def stage_lines(stages: Mapping[str, Any]) -> Iterator[StageLine]:
    """What each stage of a `dvc.lock` read and made, by content hash."""
    for name, stage in stages.items():
        yield StageLine(name, tuple(_hashes(stage.get("deps", []))), tuple(_hashes(stage.get("outs", []))))


def outdated_parameters(stages: Mapping[str, Any], parameters: Parameters) -> list[str]:
    """Names of the parameters that stages ran with and that are others now, in the order of `dvc.lock`."""
    now = dict(flattened(parameters.model_dump(mode="json", by_alias=True)))
    ran_with = [flattened(stage.get("params", {}).get("params.yaml", {})) for stage in stages.values()]
    return list(dict.fromkeys(name for values in ran_with for name, value in values if now.get(name) != value))


def _hashes(files: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for file in files:
        if not file["path"].startswith(_CODE):
            yield file["path"], str(file.get("md5", ""))


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
