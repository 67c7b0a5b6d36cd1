"""Shards: a few large TFRecord files of upright encoded photos, and the datasets that read them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from pipeline.learning.pixels import PixelLimits, decode_photo, squash

_READ_BYTES = 1 << 20

_FEATURES = {
    "photo": tf.io.FixedLenFeature((), tf.string),
    "class_index": tf.io.FixedLenFeature((), tf.int64),
}


@dataclass(frozen=True)
class EncodedPhoto:
    """A photo as it goes into a shard."""

    photo: bytes
    """Upright JPEG or PNG bytes."""
    class_index: int


def write_shards(folder: Path, name: str, photos: Iterable[EncodedPhoto], max_bytes: int) -> Iterator[tuple[str, int]]:
    """Write photos in order into shards `<name>-00000.tfrecord`, ...; a new one starts when one is full.

    Args:
        folder: where the shards go; must exist.
        name: first part of the file names.
        photos: in the order in which they are to be stored.
        max_bytes: size of photos after which a shard is closed.

    Yields:
        For each photo its shard's file name and its position there.
    """
    writer, shard, num_shards, position, size = None, "", 0, 0, 0
    try:
        for item in photos:
            if writer is None or size >= max_bytes:
                if writer is not None:
                    writer.close()
                shard, position, size = f"{name}-{num_shards:05d}.tfrecord", 0, 0
                writer, num_shards = tf.io.TFRecordWriter(str(folder / shard)), num_shards + 1
            writer.write(_to_example(item))
            yield shard, position
            position, size = position + 1, size + len(item.photo)
    finally:
        if writer is not None:
            writer.close()


def stored_records(shards: Sequence[Path]) -> tf.data.Dataset:
    """Read the records of all shards once, in stored order."""
    return tf.data.TFRecordDataset([str(shard) for shard in shards], buffer_size=_READ_BYTES)


def shuffled_records(shards: Sequence[Path], num_photos: int, seed: int) -> tf.data.Dataset:
    """Read the records of all shards once, in an order that the seed alone decides.

    The encoded photos are shuffled as a whole, which is small beside their pixels.
    """
    return stored_records(shards).shuffle(num_photos, seed=seed)


def pixel_dataset(records: tf.data.Dataset, image_size: int, batch_size: int, limits: PixelLimits) -> tf.data.Dataset:
    """Decode records of shards into batches of pixels and class indices, in the records' order.

    Returns:
        Elements `((batch, image_size, image_size, 3) float32 in [0, 255], (batch,) int32)`; the last may be short.
    """

    def to_pixels(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        example = tf.io.parse_single_example(serialized, _FEATURES)
        return squash(decode_photo(example["photo"], limits), image_size), tf.cast(example["class_index"], tf.int32)

    pixels = records.map(to_pixels, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return pixels.batch(batch_size).prefetch(2)


def _to_example(item: EncodedPhoto) -> bytes:
    features = {
        "photo": tf.train.Feature(bytes_list=tf.train.BytesList(value=[item.photo])),
        "class_index": tf.train.Feature(int64_list=tf.train.Int64List(value=[item.class_index])),
    }
    serialized: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(
        deterministic=True
    )
    return serialized
