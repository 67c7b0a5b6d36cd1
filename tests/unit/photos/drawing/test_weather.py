import numpy as np

from pipeline.photos.drawing.streams import Stream
from pipeline.photos.drawing.weather import weathered

COLOURS = np.broadcast_to(np.array((2600, 1500, 1100), np.int32)[:, None, None], (3, 80, 80))
MORTAR = np.broadcast_to(256 * (np.arange(80, dtype=np.int32) % 8 < 2), (80, 80)).astype(np.int32)


def test_weather_darkens_walls_and_leaves_no_salt_or_growth_on_them() -> None:
    for number in range(60):
        after = weathered(COLOURS, MORTAR, Stream(number))
        assert after.dtype == np.int32
        assert (after.sum(axis=0) <= COLOURS.sum(axis=0)).all()
        assert (after[1] <= after[0]).all()


def test_some_walls_are_clean_and_some_are_not() -> None:
    changed = [not np.array_equal(weathered(COLOURS, MORTAR, Stream(number)), COLOURS) for number in range(60)]
    assert 20 < sum(changed) < 58
