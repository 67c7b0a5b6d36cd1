"""Version folders: a copy of a registered model appears under its number in one step, or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.errors import ServingError
from pipeline.core.tables import replacing
from pipeline.export.manifest import FILE_NAME as MANIFEST
from pipeline.export.manifest import manifest_sha256, write_manifest
from pipeline.release.disk import disk_errors
from pipeline.release.golden import GOLDEN, read_golden, write_golden
from pipeline.release.journal import sync_folder
from pipeline.release.lines import STAGE_PREFIX, ModelLine
from pipeline.release.manifest import check_files, checked_manifest
from pipeline.release.profile import PROFILE
from pipeline.release.registry import RegisteredVersion, Registry
from pipeline.release.tracking import SAVED_MODEL


def publish(line: ModelLine, registry: Registry, registered: RegisteredVersion) -> bool:
    """Bring a registered version into the served folder, checked against its manifest.

    Returns:
        False where the same model was there already.

    Raises:
        ServingError: another model stands under this number, or the registry's files are not those of the manifest.
        MachineError: the disk is full; nothing is left behind.
    """
    target = line.version(registered.version)
    if target.exists():
        check_published(line, registered.version, registered.manifest)
        return False
    with disk_errors(target), _stage(line, registered.version) as stage:
        registry.download(registered, stage)
        files = checked_manifest(stage / MANIFEST)
        if manifest_sha256(files) != registered.manifest:
            raise _unlike(
                f"the manifest in the registry is not the one that version {registered.version} was registered with"
            )
        folder = stage / SAVED_MODEL
        check_files(folder, files)
        write_golden(line.golden(registered.version), read_golden(stage / GOLDEN))
        if (stage / PROFILE).is_file():
            with replacing(line.profile(registered.version)) as profile:
                shutil.copyfile(stage / PROFILE, profile)
        write_manifest(folder / MANIFEST, files)
        _sync_files(folder)
        folder.rename(target)
        sync_folder(line.folder)
    return True


def check_published(line: ModelLine, version: int, manifest: str) -> None:
    """Check that a version folder holds the model that a manifest hash names, byte for byte.

    Raises:
        ServingError: it holds another model, is damaged or missing.
    """
    folder = line.version(version)
    files = checked_manifest(folder / MANIFEST)
    if manifest_sha256(files) != manifest:
        raise _unlike(f"{folder} holds another model than version {version} of the registry")
    check_files(folder, files)


def clear_stages(line: ModelLine) -> None:
    """Remove what an interrupted publication left behind; to be called under the line's lock."""
    for folder in line.folder.glob(f"{STAGE_PREFIX}*"):
        shutil.rmtree(folder)


@contextmanager
def _stage(line: ModelLine, version: int) -> Iterator[Path]:
    stage = line.folder / f"{STAGE_PREFIX}{version}-{os.getpid()}"
    stage.mkdir(parents=True)
    try:
        yield stage
    finally:
        shutil.rmtree(stage)


def _sync_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unlike(came: str) -> ServingError:
    return ServingError(
        came,
        expected="one model under one version number, for ever",
        todo="register the model again under a new number; never change a version that was published",
    )
