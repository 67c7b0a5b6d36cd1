"""Checks of a model's files against its manifest, so that no other byte is ever served."""

import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.core.errors import ServingError
from pipeline.core.paths import Layout
from pipeline.export.manifest import FILE_NAME, manifest_of, read_manifest

_SAVED_MODEL_FILE = re.compile(
    r"saved_model\.pb|fingerprint\.pb|variables/variables\.(index|data-\d{5}-of-\d{5})|assets(\.extra)?/[A-Za-z0-9][\w.-]*"
)


def checked_manifest(path: Path) -> dict[str, str]:
    """Read a manifest and check that it names nothing but files of a SavedModel, inside its folder.

    Raises:
        ServingError: there is none, it is no manifest, or it names a file that no SavedModel has.
    """
    files = read_manifest(path)
    strange = sorted(name for name in files if _SAVED_MODEL_FILE.fullmatch(name) is None)
    if strange or "saved_model.pb" not in files:
        raise _damaged(f"{path} lists {', '.join(strange[:5]) or 'no saved_model.pb'}")
    return files


def check_files(folder: Path, files: Mapping[str, str]) -> None:
    """Check that a folder holds exactly the files of a manifest, byte for byte, and no links.

    Raises:
        ServingError: it does not.
    """
    links = [path for path in (folder, *folder.rglob("*")) if path.is_symlink()]
    if links:
        raise _damaged(f"{links[0]} is a link")
    found = manifest_of(folder)
    wrong = sorted(name for name in {*found, *files} if found.get(name) != files.get(name))
    if wrong:
        raise _damaged(f"{folder} differs from its manifest in {', '.join(wrong[:5])}")


def candidate_manifest(layout: Layout) -> dict[str, str]:
    """The manifest of the exported candidate, checked against its files.

    Raises:
        ServingError: nothing is exported, or the files are not those of the manifest.
    """
    folder = layout.artifacts("export")
    files = checked_manifest(folder / FILE_NAME)
    check_files(folder / "saved_model", files)
    return files


def _damaged(came: str) -> ServingError:
    return ServingError(
        came,
        expected="a SavedModel whose files are exactly those that its manifest lists",
        todo="run `dvc repro` for a candidate; for a registered version, register it again",
    )
