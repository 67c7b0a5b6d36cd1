from dataclasses import replace

import numpy as np
import pytest

from pipeline.photos.drawing.lights import Sun, choose_sun, lit
from pipeline.photos.drawing.shadows import shade_from_outside
from pipeline.photos.drawing.streams import Grid, Stream

SHAPE = (60, 60)
SUN = Sun(along=-181, down=-181, rise=200, share=200, colour=(256, 256, 256), sky=(256, 256, 256))
CLOUDS = replace(SUN, share=0)
FULL = np.full(SHAPE, 256, np.int32)
PLAIN = np.full((3, *SHAPE), 2000, np.int32)


def seen(relief: Grid, sun: Sun, shade: Grid = FULL) -> Grid:
    return lit(PLAIN, relief, shade, sun, Stream("light"))[1]


def test_a_block_throws_its_shadow_away_from_the_sun() -> None:
    relief = np.zeros(SHAPE, np.int32)
    relief[25:31, 25:31] = 5 * 256
    flat, raised = seen(np.zeros(SHAPE, np.int32), SUN), seen(relief, SUN)
    away, towards = (slice(32, 34), slice(32, 34)), (slice(21, 23), slice(21, 23))
    assert raised[away].mean() < 0.6 * flat[away].mean()
    assert raised[towards].mean() > 0.9 * flat[towards].mean()


def test_a_slope_is_lighter_where_it_faces_the_sun() -> None:
    ridge = np.broadcast_to(40 * (30 - np.abs(np.arange(60, dtype=np.int32) - 30)), SHAPE)
    light = seen(ridge, SUN)
    assert light[30, 10:25].mean() > 1.1 * light[30, 35:50].mean()


def test_under_clouds_nothing_throws_a_shadow() -> None:
    flat = np.zeros(SHAPE, np.int32)
    assert np.array_equal(seen(flat, CLOUDS), seen(flat, CLOUDS, np.zeros(SHAPE, np.int32)))
    assert all((shade_from_outside(SHAPE, CLOUDS, Stream(number)) == 256).all() for number in range(20))


def test_what_stands_outside_the_photo_shades_some_sunny_walls_in_part() -> None:
    shades = [shade_from_outside(SHAPE, SUN, Stream(number)) for number in range(60)]
    assert all(shade.dtype == np.int32 and shade.min() >= 0 and shade.max() <= 256 for shade in shades)
    shaded = [shade for shade in shades if (shade < 200).any()]
    assert 20 <= len(shaded) <= 50
    assert sum((shade > 200).any() for shade in shaded) > 0.8 * len(shaded)


def test_the_deep_is_darker_than_the_face_under_clouds() -> None:
    relief = np.zeros(SHAPE, np.int32)
    relief[28:32] = -6 * 256
    light = seen(relief, CLOUDS)
    assert light[29:31].mean() < 0.9 * light[5:15].mean()


@pytest.mark.parametrize("number", range(30))
def test_the_sun_stands_above(number: int) -> None:
    sun = choose_sun(Stream("sun", number))
    assert sun.down < 0 < sun.rise
    assert 0 <= sun.share <= 256
    assert abs(sun.along**2 + sun.down**2 - 256**2) < 500
