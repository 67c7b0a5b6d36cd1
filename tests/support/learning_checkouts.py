"""Checkouts as the stage `split` leaves them, with photos of two classes that are easily told apart."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.core.parameters import Parameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_rows
from pipeline.photos.batches import write_batches
from pipeline.photos.records import Batch, SplitRow

COLOURS = {"blue": (60, 80, 190), "red": (190, 80, 60), "green": (60, 190, 80)}
SIDES = {"train": 8, "validation": 3, "test": 2}


def tiny_parameters(**sections: dict[str, Any]) -> Parameters:
    """Parameters of a run of seconds; `sections` go over them, key by key."""
    values: dict[str, dict[str, Any]] = {
        "augment": {"brightness": 0.1},
        "train": {
            "width": 0.25,
            "image_size": 32,
            "batch_size": 8,
            "phases": [{"epochs": 2, "unfreeze_from": 0, "schedule": {"learning_rate": 0.005}}],
        },
    }
    merged = {name: {**values.get(name, {}), **sections.get(name, {})} for name in {**values, **sections}}
    return parse_parameters({"recipe": "tiny", "model": {"name": "tiny"}, **merged}, "test")


def photo(path: Path, label: str, seed: int) -> str:
    """Write a noisy photo of one colour, and give its hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(-30, 31, (36, 44, 3))
    pixels = (np.array(COLOURS[label]) + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, "PNG" if path.suffix == ".png" else "JPEG", quality=90)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def split_rows(root: Path, batch: str, label: str, sides: dict[str, int]) -> list[SplitRow]:
    """Write photos of a class and give their rows."""
    rows = []
    for side, count in sides.items():
        for number in range(count):
            path = f"data/{batch}/{label}/{side}-{number}{'.png' if number == 1 else '.jpg'}"
            sha256 = photo(root / path, label, len(rows) + 1000 * len(label))
            rows.append(SplitRow(path, batch, label, sha256, "keep", "", "", "", "", side))
    return rows


def write_split(root: Path, extra: list[SplitRow] | None = None) -> Layout:
    """A checkout of one batch of two classes; rows of `extra` come with a second batch."""
    layout = Layout(root)
    rows = [row for label in ("red", "blue") for row in split_rows(root, "one", label, SIDES)]
    unlabelled = SplitRow("data/one/_unlabelled/a.jpg", "one", None, "0" * 64, "keep", "", "", "", "", "none")
    removed = SplitRow("data/one/red/b.jpg", "one", "red", "1" * 64, "quarantine", "dark", "", "", "", "none")
    write_rows(layout.artifacts("split") / "photos.parquet", SplitRow, [*(extra or []), *rows, unlabelled, removed])
    write_batches(layout.batches, [Batch("one", "", "2" * 64, len(rows)), Batch("two", "", "3" * 64, 1)])
    return layout
