import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from learning_checkouts import SIDES, split_rows, tiny_parameters, write_split
from PIL import Image

from pipeline.core.errors import DataError
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows
from pipeline.learning.handover import read_classes
from pipeline.photos.records import ShardRow, SplitRow
from pipeline.stages import augment


def stored(layout: Layout) -> dict[tuple[str, int], tuple[bytes, int]]:
    """Photo and class index of every record, by shard and position."""
    records: dict[tuple[str, int], tuple[bytes, int]] = {}
    for shard in layout.artifacts("augment").glob("*.tfrecord"):
        for position, record in enumerate(tf.data.TFRecordDataset(str(shard))):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            photo = features["photo"].bytes_list.value[0]
            records[shard.name, position] = (photo, features["class_index"].int64_list.value[0])
    return records


def rewritten(layout: Layout, **changes: Any) -> None:
    """Write the split anew, with changes to every row."""
    table = layout.artifacts("split") / "photos.parquet"
    write_rows(table, SplitRow, [replace(row, **changes) for row in read_rows(table, SplitRow)])


def test_every_learning_photo_lies_where_the_table_says(split_checkout: Layout) -> None:
    result = augment.run(split_checkout, tiny_parameters())
    assert result.classes == ("blue", "red")
    assert read_classes(split_checkout) == result.classes
    rows = read_rows(split_checkout.artifacts("augment") / "photos.parquet", ShardRow)
    assert rows == result.rows
    assert {row.side for row in rows} == {"train", "validation"}
    assert len(rows) == 2 * (SIDES["train"] + SIDES["validation"])
    records = stored(split_checkout)
    assert len(records) == len(rows)
    for row in rows:
        photo, class_index = records[row.shard, row.position]
        assert photo == (split_checkout.root / row.path).read_bytes()
        assert result.classes[class_index] == row.label
        assert row.copy == 0


def test_small_shards_roll_over(split_checkout: Layout) -> None:
    parameters = tiny_parameters()
    small = parameters.augment.model_copy(update={"shard_megabytes": 0.002})
    rows = augment.run(split_checkout, parameters.model_copy(update={"augment": small})).rows
    assert len({row.shard for row in rows if row.side == "train"}) > 2


def test_copies_are_written_on_the_training_side_alone(split_checkout: Layout) -> None:
    parameters = tiny_parameters(augment={"materialised_copies": 2, "brightness": 0.3})
    rows = augment.run(split_checkout, parameters).rows
    assert sorted({row.copy for row in rows if row.side == "train"}) == [0, 1, 2]
    assert {row.copy for row in rows if row.side == "validation"} == {0}
    assert len([row for row in rows if row.side == "train"]) == 3 * 2 * SIDES["train"]
    records = stored(split_checkout)
    images = {}
    for row in rows:
        if row.path.endswith("red/train-0.jpg"):
            images[row.copy] = np.asarray(Image.open(io.BytesIO(records[row.shard, row.position][0])), np.float32)
    assert images[0].shape == images[1].shape == images[2].shape
    assert np.abs(images[0] - images[1]).mean() > 1
    assert np.abs(images[1] - images[2]).mean() > 1


def test_equal_inputs_give_equal_bytes_whatever_the_order_of_the_rows(tmp_path: Path) -> None:
    folders = []
    for name in ("one", "two"):
        layout = write_split(tmp_path / name)
        if name == "two":
            table = layout.artifacts("split") / "photos.parquet"
            write_rows(table, SplitRow, read_rows(table, SplitRow)[::-1])
        augment.run(layout, tiny_parameters(augment={"materialised_copies": 1}))
        folders.append(layout.artifacts("augment"))
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == sorted(path.name for path in folders[1].iterdir())
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_a_new_class_of_a_later_batch_is_appended(tmp_path: Path) -> None:
    green = split_rows(tmp_path, "two", "green", SIDES)
    layout = write_split(tmp_path, green)
    assert augment.run(layout, tiny_parameters()).classes == ("blue", "red", "green")
    text = (layout.artifacts("augment") / "classes.json").read_text(encoding="utf-8")
    assert json.loads(text) == ["blue", "red", "green"]


def test_named_classes_are_kept_in_their_order(tmp_path: Path) -> None:
    layout = write_split(tmp_path, split_rows(tmp_path, "two", "green", SIDES))
    result = augment.run(layout, tiny_parameters(photos={"classes": ["red", "green"]}))
    assert result.classes == ("red", "green")
    assert {row.label for row in result.rows} == {"red", "green"}


def test_a_photo_goes_in_upright_and_in_three_channels(split_checkout: Layout) -> None:
    path = split_checkout.root / "data/one/red/train-0.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("CMYK", (60, 20), (0, 200, 200, 0)).save(path, "JPEG", exif=exif)
    rows = augment.run(split_checkout, tiny_parameters()).rows
    row = next(row for row in rows if row.path == "data/one/red/train-0.jpg")
    image = Image.open(io.BytesIO(stored(split_checkout)[row.shard, row.position][0]))
    assert (image.mode, image.size, dict(image.getexif())) == ("RGB", (20, 60), {})


def test_the_sheet_shows_each_class_and_nine_variants(split_checkout: Layout) -> None:
    augment.run(split_checkout, tiny_parameters())
    sheet = np.asarray(Image.open(split_checkout.reports("augment") / "variants.png").convert("RGB"), np.int16)
    red = (sheet[..., 0] - sheet[..., 2] > 60).any(axis=0)
    blue = (sheet[..., 2] - sheet[..., 0] > 60).any(axis=0)
    assert num_runs(red) == num_runs(blue) == 10


def num_runs(marks: np.ndarray) -> int:
    return int(np.count_nonzero(np.diff(marks.astype(int)) == 1) + marks[0])


@pytest.mark.parametrize(
    ("changes", "problem"),
    (
        ({"label": "red"}, "only one class: red"),
        ({"label": None}, "only one class: none"),
        ({"side": "validation"}, "no training photo of blue, red"),
        ({"side": "train"}, "no validation photo"),
    ),
)
def test_what_cannot_be_learnt_is_refused(split_checkout: Layout, changes: dict[str, Any], problem: str) -> None:
    rewritten(split_checkout, **changes)
    with pytest.raises(DataError, match=problem):
        augment.run(split_checkout, tiny_parameters())
    assert not split_checkout.artifacts("augment").exists()


def test_a_named_class_without_photos_is_refused(split_checkout: Layout) -> None:
    with pytest.raises(DataError, match="no photo of green"):
        augment.run(split_checkout, tiny_parameters(photos={"classes": ["red", "green"]}))


def test_a_missing_split_and_missing_classes_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="split"):
        augment.run(Layout(tmp_path), tiny_parameters())
    with pytest.raises(DataError, match=r"classes\.json"):
        read_classes(Layout(tmp_path))
