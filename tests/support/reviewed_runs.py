"""Small cleaned checkouts with something to review in every part of the page."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.core.parameters import Parameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows
from pipeline.photos.batches import write_batches
from pipeline.photos.listing import FoundFile
from pipeline.photos.reading import read_photo
from pipeline.photos.records import Batch, CleanRow, PhotoRow, SuspectRow
from pipeline.stages import clean
from serving.contract import PhotoLimits

HOSTILE_NAME = "<script>alert(1)</script>'\" #1%20?.jpg".replace("/", "\u2215")
HOSTILE_LABEL = "</script><img src=x onerror=alert(2)>"


def review_parameters() -> Parameters:
    needed = {"recipe": "test", "model": {"name": "walls"}, "train": {"phases": [{"epochs": 1}]}}
    return parse_parameters(needed, "test")


def picture(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((64, 48), Image.Resampling.NEAREST)


def found(root: Path, path: str, label: str | None, image: Image.Image | None, quality: int = 95) -> PhotoRow:
    """Write a photo and read it as `validate` does."""
    buffer = io.BytesIO(b"no photo")
    if image is not None:
        image.save(buffer, "JPEG", quality=quality)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(buffer.getvalue())
    return read_photo(root, FoundFile(path, path.split("/")[1], label), PhotoLimits())


def write_reviewed_run(root: Path) -> Layout:
    """Good photos; a copy, a label conflict of re-saved and one of equal bytes; blank, broken and suspect ones."""
    rows = [found(root, f"data/one/wall/{seed}.jpg", "wall", picture(seed)) for seed in range(5)]
    rows += [found(root, f"data/one/arch/{seed}.jpg", "arch", picture(seed)) for seed in range(10, 14)]
    rows.append(found(root, "data/one/wall/half.jpg", "wall", picture(1).resize((40, 33)), quality=80))
    rows.append(found(root, "data/one/wall/conflict.jpg", "wall", picture(11), quality=70))
    rows.append(found(root, "data/two/arch/equal.jpg", "arch", picture(4)))
    rows.append(found(root, "data/one/wall/blank.jpg", "wall", Image.new("RGB", (64, 48), "grey")))
    rows.append(found(root, "data/one/wall/broken.jpg", "wall", None))
    rows.append(found(root, f"data/two/odd/{HOSTILE_NAME}", HOSTILE_LABEL, Image.new("RGB", (64, 48), "black")))
    rows.append(found(root, "data/two/_unlabelled/new.jpg", None, picture(20)))
    layout = Layout(root)
    write_batches(layout.batches, [Batch("one", "", "0" * 64, 13), Batch("two", "", "1" * 64, 3)])
    write_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow, rows)
    clean.run(layout, review_parameters())
    suspects = [
        SuspectRow("data/one/wall/3.jpg", "wall", "label", 0.93, "arch"),
        SuspectRow("data/one/wall/2.jpg", "wall", "outlier", 0.71, ""),
    ]
    write_rows(layout.artifacts("clean") / "suspects.parquet", SuspectRow, suspects)
    summary = layout.reports("clean") / "summary.json"
    signal = {"signal": "size", "label": "arch", "strength": 0.8, "sentence": "Photos of arch are larger than others."}
    told = {**json.loads(summary.read_text()), "signals": [signal], "warnings": [signal["sentence"]]}
    summary.write_text(json.dumps(told))
    return layout


def cleaned(layout: Layout) -> dict[str, CleanRow]:
    """What the stage `clean` makes of the decisions, by the photos' paths below `data/`."""
    clean.run(layout, review_parameters())
    rows = read_rows(layout.artifacts("clean") / "photos.parquet", CleanRow)
    return {row.path.removeprefix("data/"): row for row in rows}


def sha256_of(layout: Layout) -> dict[str, str]:
    """Of each photo, by its path below `data/`."""
    rows = read_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow)
    return {row.path.removeprefix("data/"): row.sha256 for row in rows}
