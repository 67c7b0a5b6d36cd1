from dataclasses import replace

import numpy as np
from good_photos import GOOD

from pipeline.core.parameters import CleanParameters
from pipeline.photos.reasons import odd_sizes, quality_judge


def sized(*sizes: tuple[int, int]) -> list:
    return [replace(GOOD, path=f"{n:04}", width=width, height=height) for n, (width, height) in enumerate(sizes)]


def test_a_lone_far_larger_or_smaller_photo_is_of_odd_size() -> None:
    assert odd_sizes(sized(*[(640, 480)] * 200, (9000, 6000), (100, 80)), 3.0) == {"0200", "0201"}


def test_the_photos_of_a_second_camera_are_not_of_odd_size() -> None:
    assert odd_sizes(sized(*[(64, 64)] * 900, *[(4000, 3000)] * 100), 3.0) == set()


def test_sizes_within_a_factor_of_two_are_never_odd() -> None:
    assert odd_sizes(sized(*[(64, 64)] * 200, (120, 120), (34, 34)), 3.0) == set()


def test_wide_spread_sizes_have_no_odd_one() -> None:
    sides = np.geomspace(60, 6000, 300).astype(int).tolist()
    assert odd_sizes(sized(*[(side, side) for side in sides]), 3.0) == set()


def test_unreadable_photos_have_no_size() -> None:
    assert odd_sizes([replace(GOOD, error="damaged", width=0, height=0)], 3.0) == set()


def test_colourless_is_judged_by_its_threshold() -> None:
    assert quality_judge(CleanParameters())(replace(GOOD, colourfulness=0.0099)) == {"colourless"}
    assert quality_judge(CleanParameters())(replace(GOOD, colourfulness=0.01)) == set()
    assert quality_judge(CleanParameters(max_colourless=0.02))(replace(GOOD, colourfulness=0.015)) == {"colourless"}
