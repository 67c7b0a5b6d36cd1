"""Files of a run as the report reads them: what is missing or damaged is None, and the section says so."""

import json
from pathlib import Path
from typing import Any, TypeVar

from pipeline.core.errors import DataError, ServingError
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows
from pipeline.export.manifest import FILE_NAME, manifest_sha256, read_manifest

Row = TypeVar("Row")


def json_or_none(path: Path) -> Any:
    """The value of a JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def rows_or_none(path: Path, row_type: type[Row]) -> list[Row] | None:
    """The rows of a table that an earlier step wrote."""
    try:
        return read_rows(path, row_type)
    except DataError:
        return None


def metrics_or_none(layout: Layout) -> dict[str, Any] | None:
    """The figures that `evaluate` wrote."""
    values = json_or_none(layout.reports("evaluate") / "metrics.json")
    return values if isinstance(values, dict) else None


def candidate_or_none(layout: Layout) -> str | None:
    """Manifest hash of the exported model; its files are not read."""
    try:
        return manifest_sha256(read_manifest(layout.artifacts("export") / FILE_NAME))
    except ServingError:
        return None
