"""Stage `augment`: training and validation photos as few large shards, and the sheet of random variants."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from matplotlib.figure import Figure

from pipeline.core.errors import DataError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.progress import with_progress
from pipeline.core.tables import read_rows, write_rows, write_text
from pipeline.learning.augmentation import build_augmentation
from pipeline.learning.handover import CLASSES, SHARD_TABLE, pixel_limits
from pipeline.learning.pixels import decode_photo, squash
from pipeline.learning.shards import EncodedPhoto, write_shards
from pipeline.learning.sheets import variants_sheet
from pipeline.photos.batches import read_batches
from pipeline.photos.classes import class_order
from pipeline.photos.records import ShardRow, Side, SplitRow
from serving.contract import PhotoLimits, upright

_SIDES = (Side.TRAIN, Side.VALIDATION)
_ROWS_ON_SHEET = 8


@dataclass(frozen=True)
class AugmentResult:
    """What the stage made."""

    rows: list[ShardRow]
    classes: tuple[str, ...]


def run(layout: Layout, parameters: Parameters) -> AugmentResult:
    """Write the shards, the class order and the variants sheet of the split in `layout`.

    Raises:
        DataError: there is no split, it has fewer than two classes, or one of its sides lacks photos.
    """
    rows = read_rows(layout.artifacts("split") / "photos.parquet", SplitRow)
    classes = class_order(rows, read_batches(layout.batches), parameters.photos.classes)
    learning = [row for row in rows if row.side in _SIDES and row.label in classes]
    _check_sides(learning, classes)
    folder = layout.artifacts("augment")
    folder.mkdir(parents=True, exist_ok=True)
    result = AugmentResult(list(_write_sides(layout, folder, learning, classes, parameters)), classes)
    write_rows(folder / SHARD_TABLE, ShardRow, result.rows)
    write_text(folder / CLASSES, json.dumps(classes, ensure_ascii=False) + "\n")
    sheet = _sheet(layout, learning, classes, parameters)
    layout.reports("augment").mkdir(parents=True, exist_ok=True)
    sheet.savefig(layout.reports("augment") / "variants.png", dpi=90, metadata={"Software": None})
    return result


def photo_limits(parameters: Parameters) -> PhotoLimits:
    """Limits under which photos are read for training."""
    return PhotoLimits(max_bytes=parameters.validate_.max_bytes, max_pixels=parameters.validate_.max_pixels)


def _check_sides(rows: Sequence[SplitRow], classes: Sequence[str]) -> None:
    trained = {row.label for row in rows if row.side == Side.TRAIN}
    missing = [label for label in classes if label not in trained]
    if missing:
        raise DataError(
            f"no training photo of {', '.join(missing)}",
            expected="at least one training photo of each class",
            todo="bring more photos of these classes, or lower split.validation and split.test",
        )
    if all(row.side == Side.TRAIN for row in rows):
        raise DataError(
            "no validation photo",
            expected="photos on the validation side, by which the best epoch is chosen",
            todo="raise split.validation in params.yaml, or bring more photos",
        )


def _write_sides(
    layout: Layout, folder: Path, rows: Sequence[SplitRow], classes: Sequence[str], parameters: Parameters
) -> Iterator[ShardRow]:
    max_bytes = parameters.augment.shard_megabytes * 1_000_000
    for side in _SIDES:
        chosen = sorted((row for row in rows if row.side == side), key=lambda row: row.path)
        copies = parameters.augment.materialised_copies if side is Side.TRAIN else 0
        described = [(row, copy) for row in chosen for copy in range(copies + 1)]
        photos = with_progress(_encoded(layout, chosen, classes, parameters, copies), f"{side} shards", len(described))
        places = write_shards(folder, side, photos, max_bytes)
        for (row, copy), (shard, position) in zip(described, places, strict=True):
            yield ShardRow(row.path, str(row.label), row.sha256, side, shard, position, copy)


def _encoded(
    layout: Layout, rows: Iterable[SplitRow], classes: Sequence[str], parameters: Parameters, num_copies: int
) -> Iterator[EncodedPhoto]:
    index_of = {label: index for index, label in enumerate(classes)}
    augmentation = build_augmentation(parameters.augment, parameters.seed) if num_copies else None
    for row in rows:
        data = upright((layout.root / row.path).read_bytes(), photo_limits(parameters))
        class_index = index_of[str(row.label)]
        yield EncodedPhoto(data, class_index)
        if augmentation is not None:
            pixels = tf.cast(decode_photo(tf.constant(data), pixel_limits(parameters)), tf.float32)
            for variant in augmentation(tf.repeat(pixels[None], num_copies, axis=0), training=True):
                image = tf.cast(tf.round(variant), tf.uint8)
                yield EncodedPhoto(tf.io.encode_jpeg(image, quality=95).numpy(), class_index)


def _sheet(layout: Layout, rows: Sequence[SplitRow], classes: Sequence[str], parameters: Parameters) -> Figure:
    photos = []
    for label in classes[:_ROWS_ON_SHEET]:
        row = min((row for row in rows if row.label == label and row.side == Side.TRAIN), key=lambda row: row.path)
        data = upright((layout.root / row.path).read_bytes(), photo_limits(parameters))
        pixels = decode_photo(tf.constant(data), pixel_limits(parameters))
        photos.append((label, squash(pixels, parameters.train.image_size)))
    return variants_sheet(photos, build_augmentation(parameters.augment, parameters.seed))
