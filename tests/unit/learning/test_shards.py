from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.learning.pixels import PixelLimits, photos_to_pixels
from pipeline.learning.shards import EncodedPhoto, pixel_dataset, shuffled_records, write_shards
from pipeline.learning.training import TrainingData

LIMITS = PixelLimits(1_000_000, 1_000_000)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 100))
def test_shards_hold_every_photo_in_order_and_close_when_full(tmp_path: Path, sizes: list[int], full: int) -> None:
    photos = [EncodedPhoto(bytes([index]) * size, index) for index, size in enumerate(sizes)]
    places = list(write_shards(tmp_path, "train", photos, full))
    assert len(places) == len(photos)
    by_shard: dict[str, list[int]] = {}
    for index, (shard, position) in enumerate(places):
        by_shard.setdefault(shard, []).append(index)
        assert position == len(by_shard[shard]) - 1
    assert list(by_shard) == [f"train-{number:05d}.tfrecord" for number in range(len(by_shard))]
    for shard, indices in by_shard.items():
        assert sum(sizes[index] for index in indices[:-1]) < full
        examples = [
            tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(tmp_path / shard))
        ]
        assert [example.features.feature["class_index"].int64_list.value[0] for example in examples] == indices
        stored = [example.features.feature["photo"].bytes_list.value[0] for example in examples]
        assert stored == [photos[index].photo for index in indices]


def test_equal_photos_give_equal_bytes(tmp_path: Path) -> None:
    photos = [EncodedPhoto(b"photo", 1), EncodedPhoto(b"another", 0)]
    for name in ("one", "two"):
        list(write_shards(tmp_path, name, photos, 1000))
    assert (tmp_path / "one-00000.tfrecord").read_bytes() == (tmp_path / "two-00000.tfrecord").read_bytes()


def test_a_shard_is_whole_on_disk_even_if_the_reader_stops(tmp_path: Path) -> None:
    places = write_shards(tmp_path, "train", [EncodedPhoto(b"photo", 1)] * 3, 1000)
    next(places)
    places.close()  # type: ignore[attr-defined]
    assert len(list(tf.data.TFRecordDataset(str(tmp_path / "train-00000.tfrecord")))) == 1


def test_a_dataset_gives_the_pixels_that_serving_sees(data: TrainingData) -> None:
    records = tf.data.TFRecordDataset([str(shard) for shard in data.train_shards])
    examples = [tf.train.Example.FromString(record.numpy()) for record in records]
    photos = [example.features.feature["photo"].bytes_list.value[0] for example in examples]
    batches = list(pixel_dataset(records, 32, 10, LIMITS))
    assert [len(labels) for _, labels in batches] == [10, 10, 4]
    np.testing.assert_allclose(
        np.concatenate([pixels for pixels, _ in batches]), photos_to_pixels(tf.constant(photos), 32, LIMITS), atol=1e-6
    )
    labels = np.concatenate([labels for _, labels in batches])
    assert labels.dtype == np.int32
    assert labels.tolist() == [int(number % 3 == 0) for number in range(24)]


def test_an_epoch_sees_every_photo_once_in_an_order_that_the_seed_decides(data: TrainingData) -> None:
    def order(seed: int) -> list[bytes]:
        return [record.numpy() for record in shuffled_records(data.train_shards, 24, seed)]

    assert len(set(order(1))) == 24
    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(1)) == sorted(order(2))


def test_a_damaged_photo_in_a_shard_stops_the_reader(tmp_path: Path) -> None:
    list(write_shards(tmp_path, "train", [EncodedPhoto(b"no photo", 0)], 1000))
    records = tf.data.TFRecordDataset(str(tmp_path / "train-00000.tfrecord"))
    with pytest.raises(tf.errors.InvalidArgumentError):
        list(pixel_dataset(records, 32, 4, LIMITS))
