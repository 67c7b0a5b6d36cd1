"""Versions of the photos, as `data.dvc` names them and DVC's cache keeps them."""

import json
from pathlib import Path

import yaml

from pipeline.automation.dvc import Store, cached
from pipeline.automation.git import git_or_empty
from pipeline.core.errors import DataError
from pipeline.photos.batches import read_batches
from pipeline.photos.records import Batch

DATA_FILE = "data.dvc"


def content_of(text: str) -> str:
    """DVC's hash of the photos from the text of a `data.dvc`; empty where there is none.

    Raises:
        DataError: the text is not one that DVC wrote, such as one with the marks of a merge.
    """
    if not text:
        return ""
    try:
        return str(yaml.safe_load(text)["outs"][0]["md5"])
    except (yaml.YAMLError, KeyError, TypeError, IndexError):
        raise DataError(
            f"a committed {DATA_FILE} cannot be read",
            expected="the file that `dvc add data` writes",
            todo=f"mend {DATA_FILE} with `dvc add data` and commit it",
        ) from None


def content_at(root: Path, commit: str) -> str:
    """DVC's hash of the photos at a commit; empty where its `data.dvc` is missing or cannot be read."""
    try:
        return content_of(git_or_empty(root, "show", f"{commit}:{DATA_FILE}"))
    except DataError:
        return ""


def is_complete(store: Store, content: str) -> bool:
    """Whether the cache holds every file of a version."""
    files = _files(store, content)
    return files is not None and all(cached(store, of_file).is_file() for of_file in files.values())


def batches_of(store: Store, content: str) -> list[Batch] | None:
    """The batches of a version, in the order of intake; None where the cache does not hold their list."""
    files = _files(store, content)
    if files is None:
        return None
    if "batches.csv" not in files:
        return []
    listed = cached(store, files["batches.csv"])
    return read_batches(listed) if listed.is_file() else None


def _files(store: Store, content: str) -> dict[str, str] | None:
    """MD5 hash of each file of a version by its path below `data/`."""
    try:
        listed = json.loads(cached(store, content).read_text(encoding="utf-8"))
        return {file["relpath"]: file["md5"] for file in listed}
    except (OSError, ValueError, TypeError, KeyError):
        return None
