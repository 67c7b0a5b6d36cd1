import numpy as np
import pytest

from pipeline.photos.drawing.cameras import place_camera
from pipeline.photos.drawing.streams import Stream

YARDSTICK = 75


def test_a_third_of_the_photos_are_close_ups_and_as_many_show_a_piece_of_facade() -> None:
    millimetres = [place_camera(Stream("camera", number), YARDSTICK).millimetre for number in range(300)]
    courses = np.array(millimetres) * YARDSTICK / 256
    assert courses.min() >= 9
    assert courses.max() <= 70
    assert 0.25 < (courses >= 29).mean() < 0.45
    assert 0.2 < (courses < 17).mean() < 0.5


@pytest.mark.parametrize("number", range(8))
def test_no_pixel_shows_what_its_neighbour_shows_and_the_middle_is_to_scale(number: int) -> None:
    camera = place_camera(Stream("camera", number), YARDSTICK)
    along, down = camera.wall_grids()
    assert along.shape == down.shape == camera.shape
    rightwards, downwards = np.diff(along, axis=1), np.diff(down, axis=0)
    assert min(rightwards.min(), downwards.min()) > 0
    middle = camera.height // 2, camera.width // 2
    assert abs(rightwards[middle] - 256) <= 2
    assert abs(downwards[middle] - 256) <= 2
