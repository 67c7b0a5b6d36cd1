import numpy as np
import pytest
from scipy import ndimage

from pipeline.photos.drawing.bonds import Bond
from pipeline.photos.drawing.cameras import Camera, place_camera
from pipeline.photos.drawing.laying import Laid, lay
from pipeline.photos.drawing.streams import Stream
from pipeline.photos.drawing.styles import Wall, choose_wall


def wall_of(bond: Bond) -> Wall:
    return next(wall for number in range(999) if (wall := choose_wall(Stream(number))).bond is bond)


def photographed(bond: Bond, seed: int) -> tuple[Wall, Camera, Laid]:
    wall = wall_of(bond)
    camera = place_camera(Stream("camera", seed), wall.yardstick)
    return wall, camera, lay(wall, camera, Stream("bricks", seed))


@pytest.fixture(scope="module", params=Bond)
def laid(request: pytest.FixtureRequest) -> Laid:
    return photographed(request.param, 3)[2]


def test_all_pixels_of_a_brick_lie_together_and_carry_one_number(laid: Laid) -> None:
    assert laid.brick.min() >= 0
    assert laid.brick.max() < laid.num_bricks
    for number in np.unique(laid.brick):
        _, pieces = ndimage.label(laid.brick == number)
        # A joint that is not quite straight may cut a corner off.
        assert pieces <= 2


def test_the_number_of_a_brick_tells_its_course(laid: Laid) -> None:
    course = laid.brick // laid.courses.heads.shape[1]
    assert (np.diff(course, axis=0) >= 0).mean() > 0.999
    assert course.max() < laid.courses.count


def test_bricks_are_deepest_inside_in_their_middle_and_joints_lie_outside(laid: Laid) -> None:
    middle = (np.abs(laid.across) < 60) & (np.abs(laid.upright) < 60)
    joint = (np.abs(laid.across) > 254) | (np.abs(laid.upright) > 254)
    assert (laid.inside[middle] > 0).all()
    assert laid.inside[joint].max() < laid.inside[middle].min()
    assert (laid.inside[joint] < 0).mean() > 0.9


def test_a_brick_takes_its_texture_from_one_unbroken_stretch_of_the_plane(laid: Laid) -> None:
    height, width = laid.quarry
    own = laid.own(np.arange(height * width, dtype=np.int32).reshape(height, width))
    beside = laid.brick[:, 1:] == laid.brick[:, :-1]
    below = laid.brick[1:] == laid.brick[:-1]
    assert (np.abs(np.diff(own, axis=1))[beside] == 1).all()
    assert (np.abs(np.diff(own, axis=0))[below] == width).all()


def test_neighbours_take_other_stretches() -> None:
    laid = photographed(Bond.RUNNING, 5)[2]
    own = laid.own(np.arange(laid.quarry[0] * laid.quarry[1], dtype=np.int32).reshape(laid.quarry))
    between = laid.brick[:, 1:] != laid.brick[:, :-1]
    assert (np.abs(np.diff(own, axis=1))[between] != 1).mean() > 0.9


def test_the_same_stream_lays_the_same_bricks_and_another_others() -> None:
    first, again, other = (photographed(Bond.FLEMISH, seed)[2] for seed in (1, 1, 2))
    assert np.array_equal(first.inside, again.inside)
    assert first.shape != other.shape or not np.array_equal(first.inside, other.inside)
