from collections import Counter

import numpy as np
import pytest

from pipeline.photos.drawing.bonds import Bond
from pipeline.photos.drawing.cameras import place_camera
from pipeline.photos.drawing.streams import Stream
from pipeline.photos.drawing.styles import Pointing, Skin, choose_wall
from pipeline.photos.drawing.walls import Face, lay_wall

NUM_WALLS = 16


def face_of(number: int) -> Face:
    wall = choose_wall(Stream("wall", number))
    return lay_wall(wall, place_camera(Stream("camera", number), wall.yardstick), Stream("face", number))


@pytest.fixture(scope="module")
def faces() -> list[Face]:
    return [face_of(number) for number in range(NUM_WALLS)]


def test_walls_come_in_every_bond_skin_and_pointing_and_mostly_in_running_bond() -> None:
    walls = [choose_wall(Stream("wall", number)) for number in range(400)]
    bonds = Counter(wall.bond for wall in walls)
    assert set(bonds) == set(Bond)
    assert bonds.most_common(1)[0][0] is Bond.RUNNING
    assert bonds[Bond.STACK] < 0.06 * len(walls)
    assert {wall.skin for wall in walls} == set(Skin)
    assert {wall.pointing for wall in walls} == set(Pointing)
    assert 0 < sum(wall.paint is not None for wall in walls) < 0.15 * len(walls)


def test_planes_of_a_face_are_whole_numbers_in_their_ranges(faces: list[Face]) -> None:
    for face in faces:
        for plane in (face.colours, face.relief, face.mortar, face.brick, face.inside):
            assert plane.dtype == np.int32
            assert plane.shape[-2:] == face.brick.shape
        assert (face.colours.min(), face.mortar.min()) >= (0, 0)
        assert face.colours.max() <= 4095
        assert face.mortar.max() <= 256


def test_there_is_mortar_between_bricks_and_brick_in_their_middle(faces: list[Face]) -> None:
    for face in faces:
        assert (face.mortar[face.inside < -256] == 256).all()
    heights = [int(np.diff(face.courses.beds).mean()) for face in faces]
    deep = [face.mortar[face.inside > height // 4] for face, height in zip(faces, heights, strict=True)]
    shares = [plane.mean() for plane in deep if plane.size]
    assert len(shares) > NUM_WALLS // 2
    assert np.median(shares) < 20


def test_joints_lie_deeper_than_bricks_on_most_walls(faces: list[Face]) -> None:
    joints = [(face, face.inside < -128) for face in faces]
    deeper = [face.relief[joint].mean() < face.relief[~joint].mean() for face, joint in joints if joint.any()]
    assert np.mean(deeper) > 0.6


def test_the_same_stream_gives_the_same_face(faces: list[Face]) -> None:
    again = face_of(3)
    assert again.colours.tobytes() == faces[3].colours.tobytes()
    assert again.relief.tobytes() == faces[3].relief.tobytes()
