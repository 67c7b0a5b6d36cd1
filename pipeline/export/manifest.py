"""The manifest of a SavedModel: the sha256 of every file, by which each later step knows it whole."""

import json
from collections.abc import Mapping
from pathlib import Path

from pipeline.core.errors import ServingError
from pipeline.core.hashing import sha256_by_file, sha256_of_value
from pipeline.core.tables import write_text

FILE_NAME = "manifest.json"


def manifest_of(saved_model: Path) -> dict[str, str]:
    """Hex sha256 by relative path of every file of a SavedModel, its own manifest left out."""
    return {name: digest for name, digest in sha256_by_file(saved_model).items() if name != FILE_NAME}


def manifest_sha256(manifest: Mapping[str, str]) -> str:
    """The one hash that names an artefact."""
    return sha256_of_value(dict(manifest))


def write_manifest(path: Path, manifest: Mapping[str, str]) -> None:
    """Write a manifest as JSON, sorted."""
    write_text(path, json.dumps({"files": dict(sorted(manifest.items()))}, indent=1, ensure_ascii=False) + "\n")


def read_manifest(path: Path) -> dict[str, str]:
    """Read a manifest.

    Raises:
        ServingError: there is none, or it is no manifest.
    """
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServingError(
            f"{path} cannot be read as a manifest: {error}",
            expected='JSON of the form {"files": {"saved_model.pb": "<sha256>", ...}}',
            todo="export the model again with `dvc repro`",
        ) from None
