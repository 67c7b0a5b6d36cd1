import io
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from pipeline.learning.pixels import PixelLimits
from pipeline.learning.shards import EncodedPhoto, write_shards
from pipeline.learning.training import TrainingData

LIMITS = PixelLimits(max_bytes=1_000_000, max_pixels=1_000_000)
KERAS_HOME = Path(__file__).resolve().parents[4] / "shared" / "keras_home"


def noisy_photo(seed: int, colour: tuple[int, int, int], size: tuple[int, int] = (40, 36)) -> bytes:
    noise = np.random.default_rng(seed).integers(-40, 41, (size[1], size[0], 3))
    pixels = (np.array(colour) + noise).clip(0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def labelled_photo(seed: int, is_blue: bool) -> EncodedPhoto:
    return EncodedPhoto(noisy_photo(seed, (80, 90, 160) if is_blue else (160, 90, 80)), int(is_blue))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """Shards of 24 training and 10 validation photos, reddish and bluish, twice as many reds."""
    folder = tmp_path_factory.mktemp("shards")
    names = {}
    for side, count in (("train", 24), ("validation", 10)):
        photos = [labelled_photo(100 * count + number, number % 3 == 0) for number in range(count)]
        names[side] = sorted({folder / shard for shard, _ in write_shards(folder, side, photos, 10_000)})
    return TrainingData(names["train"], names["validation"], (16, 8), LIMITS)


@pytest.fixture
def shared_weights(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras' cache as it lies beside the checkout."""
    if not KERAS_HOME.is_dir():
        pytest.skip("no pretrained weights beside the checkout")
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(KERAS_HOME))
    return KERAS_HOME


@pytest.fixture
def mixed_precision() -> Iterator[None]:
    """Keras' policy for 16-bit computation, put back afterwards."""
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")
