"""How a benchmark cleans photos: a clone with batches of its own, and the two stages run as commands in it."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml
from clones import BIN, PIPELINE, fresh_clone, run
from measuring import Cost, measured

from pipeline.core.paths import Layout
from pipeline.intake.taking import take_in

Pair = tuple[str, str]


@dataclass(frozen=True)
class Batch:
    """Photos to take in."""

    name: str
    source: Path
    """A folder with a folder per class, or an archive of one."""
    side: str | None = None


@dataclass(frozen=True)
class Cleaned:
    """What the two stages cost."""

    validate: Cost
    clean: Cost

    @property
    def both(self) -> Cost:
        """One after the other."""
        return self.validate + self.clean

    def as_json(self) -> dict[str, dict[str, float]]:
        """Its figures."""
        return {"validate": self.validate.as_json(), "clean": self.clean.as_json(), "both": self.both.as_json()}


@contextmanager
def clone_with(batches: list[Batch], parameters: Mapping[str, Mapping[str, Any]]) -> Iterator[Path]:
    """A clone of this checkout as committed, with batches taken in; gone after the block.

    Args:
        batches: in the order of intake.
        parameters: values by section and name, over those of the demo.
    """
    with fresh_clone() as clone:
        add_batches(clone, batches)
        run((*PIPELINE, "recipe", "demo", "--batches", "*"), clone)
        set_parameters(clone, parameters)
        yield clone


def add_batches(clone: Path, batches: list[Batch]) -> None:
    """Take batches in."""
    for batch in batches:
        take_in(Layout(clone), batch.source, batch.name, batch.side)


def set_parameters(clone: Path, parameters: Mapping[str, Mapping[str, Any]]) -> None:
    """Write values over those in the clone's `params.yaml`."""
    path = clone / "params.yaml"
    values = yaml.safe_load(path.read_text())
    for section, changes in parameters.items():
        values[section] |= changes
    path.write_text(yaml.safe_dump(values, sort_keys=False))


def clean_folder(clone: Path, *, cold: bool = True) -> Cleaned:
    """Run `validate` and `clean` in a clone and measure them.

    Args:
        clone: from `clone_with`.
        cold: first take away all that earlier runs left, so that nothing is known of any photo.
    """
    if cold:
        for name in ("artifacts", "reports", ".heritage"):
            shutil.rmtree(clone / name, ignore_errors=True)
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(clone)}
    validate, clean = (measured((*PIPELINE, stage), clone, environment) for stage in ("validate", "clean"))
    return Cleaned(validate, clean)


def same_photo_pairs(clone: Path, prefix: str = "") -> dict[Pair, str]:
    """The pairs of copies that `clean` found, with how they differ.

    Args:
        clone: after `clean_folder`.
        prefix: of batch names, taken away: `data/<prefix>train/apse/a.jpg` becomes `train/apse/a.jpg`.
    """
    rows = pq.read_table(clone / "artifacts/clean/duplicates.parquet").to_pylist()
    start = f"data/{prefix}"
    return {
        (row["first"].removeprefix(start), row["second"].removeprefix(start)): row["relation"]
        for row in rows
        if row["tier"] == 1
    }


def photos_with(clone: Path, reason: str) -> set[str]:
    """Paths of the photos of which `clean` says something."""
    rows = pq.read_table(clone / "artifacts/clean/photos.parquet", columns=["path", "reasons"]).to_pylist()
    return {row["path"] for row in rows if reason in row["reasons"].split(",")}


def write_results(path: Path | None, results: Mapping[str, Any]) -> None:
    """Write figures as JSON where a person named a file for them."""
    if path is not None:
        path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        print(f"figures in {path}")
