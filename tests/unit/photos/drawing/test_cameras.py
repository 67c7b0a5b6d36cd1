import numpy as np

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
