import numpy as np
import pytest

from pipeline.photos.drawing.exposures import taken
from pipeline.photos.drawing.streams import Stream


@pytest.mark.parametrize("brightness", (600, 1600, 3400))
def test_dark_and_light_walls_come_out_at_middle_brightness(brightness: int) -> None:
    colours = np.full((3, 48, 64), brightness, np.int32)
    for number in range(12):
        pixels = taken(colours, Stream(number))
        assert (pixels.shape, pixels.dtype) == ((48, 64, 3), np.uint8)
        assert 70 < pixels.mean() < 220


def test_photos_differ_in_sharpness_and_warmth() -> None:
    colours = np.full((3, 48, 64), 1200, np.int32)
    colours[:, :, 32:] = 2600
    photos = [taken(colours, Stream(number)).astype(int) for number in range(30)]
    edges = [np.diff(photo.mean(axis=(0, 2))).max() for photo in photos]
    assert max(edges) > 1.5 * min(edges)
    warmth = [float((photo[:, :, 0] - photo[:, :, 2]).mean()) for photo in photos]
    assert min(warmth) < -5
    assert max(warmth) > 5


def test_the_same_stream_takes_the_same_photo() -> None:
    colours = Stream("wall").grid(0, 4095, (3, 20, 30))
    assert taken(colours, Stream(1)).tobytes() == taken(colours, Stream(1)).tobytes()
    assert taken(colours, Stream(1)).tobytes() != taken(colours, Stream(2)).tobytes()
