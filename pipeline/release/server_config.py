"""The model server's configuration, written from the histories of all lines of models."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.release.journal import previous, read_journal, standing_versions
from pipeline.release.lines import JOURNAL_NAME, ModelLine
from serving.client import ServedModel
from serving.contract import STABLE_LABEL


def served_models(served: Path) -> dict[str, ServedModel]:
    """What should be served by the histories alone: of each line the current version and the one before it.

    The version before is held for a quick return only where its number is the lower one: requests that name neither
    version nor label are answered by the highest number that is loaded.
    """
    models = {}
    for path in sorted(served.glob(f"*/{JOURNAL_NAME}")):
        journal = read_journal(path)
        standing = standing_versions(journal)
        if not standing:
            continue
        serving, before = standing[-1], previous(journal)
        held = (before, serving) if before is not None and before < serving else (serving,)
        folder = path.parent
        models[folder.name] = ServedModel(folder.name, str(folder), held, {STABLE_LABEL: serving})
    return models


def with_candidate(line: ModelLine, version: int) -> dict[str, ServedModel]:
    """What should be served while a further version of a line is loaded and checked; labels stay where they are."""
    models = served_models(line.served)
    known = models.get(line.name, ServedModel(line.name, str(line.folder)))
    held = tuple(sorted({*known.versions, version}))
    return {**models, line.name: replace(known, versions=held)}


def config_text(models: Mapping[str, ServedModel]) -> str:
    """A `ModelServerConfig` in protobuf's text format, which tensorflow_model_server reads too."""
    return "model_config_list {\n" + "".join(_model_text(models[name]) for name in sorted(models)) + "}\n"


def _model_text(model: ServedModel) -> str:
    versions = "".join(f" versions: {version}" for version in model.versions)
    labels = [f"    version_labels {{ key: {json.dumps(key)} value: {value} }}" for key, value in model.labels.items()]
    lines = [
        "  config {",
        f"    name: {json.dumps(model.name)}",
        f"    base_path: {json.dumps(model.base_path, ensure_ascii=False)}",
        '    model_platform: "tensorflow"',
        f"    model_version_policy {{ specific {{{versions} }} }}",
        *labels,
        "  }",
    ]
    return "\n".join([*lines, ""])
