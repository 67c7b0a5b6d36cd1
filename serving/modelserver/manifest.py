"""A version's manifest: the SHA-256 of every file, checked before TensorFlow reads any of them."""

import hashlib
import json
from pathlib import Path, PurePosixPath

MANIFEST = "manifest.json"
"""Lies at the top of a version folder: `{"files": {"saved_model.pb": "<sha256 in hex>", ...}}`."""


class ManifestError(Exception):
    """A version folder that is not what its manifest says; the message names every difference."""


def verify_manifest(version: Path) -> bool:
    """Compare a version folder with its manifest, where it has one.

    Returns:
        Whether there is a manifest; a version without one loads as in the original.

    Raises:
        ManifestError: the manifest is unreadable, or a file is missing, was changed or is not listed.
    """
    manifest = version / MANIFEST
    if not manifest.is_file():
        return False
    expected = _read(manifest)
    found = {path.relative_to(version).as_posix() for path in version.rglob("*") if not path.is_dir()} - {MANIFEST}
    problems = [f"{name} is missing" for name in sorted(expected.keys() - found)]
    problems += [f"{name} is not in the manifest" for name in sorted(found - expected.keys())]
    problems += [
        f"{name} has another SHA-256"
        for name in sorted(expected.keys() & found)
        if _sha256(version / name) != expected[name]
    ]
    if problems:
        raise ManifestError(f"{MANIFEST} does not match: {'; '.join(problems)}")
    return True


def _read(manifest: Path) -> dict[str, str]:
    try:
        content = json.loads(manifest.read_bytes())
    except (OSError, ValueError) as error:
        raise ManifestError(f"{MANIFEST} cannot be read: {error}") from None
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not all(isinstance(value, str) for value in files.values()):
        raise ManifestError(f'{MANIFEST} has no "files" with a SHA-256 for each file')
    outside = [name for name in files if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    if outside:
        raise ManifestError(f"{MANIFEST} names files outside the version folder: {', '.join(sorted(outside))}")
    return {name: value.lower() for name, value in files.items()}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
