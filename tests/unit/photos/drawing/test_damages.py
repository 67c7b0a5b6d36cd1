"""Every damage, on walls seen from near and far."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.photos.drawing.blemishes import blemished
from pipeline.photos.drawing.cameras import Camera, place_camera
from pipeline.photos.drawing.cracks import cracked
from pipeline.photos.drawing.damages import Damaged, brick_colours, bricks_in_sight, nearest_first
from pipeline.photos.drawing.growth import overgrown
from pipeline.photos.drawing.holes import robbed
from pipeline.photos.drawing.partings import can_part, parted
from pipeline.photos.drawing.salts import salted
from pipeline.photos.drawing.spalls import spalled
from pipeline.photos.drawing.streams import Stream
from pipeline.photos.drawing.styles import choose_wall
from pipeline.photos.drawing.walls import Face, lay_wall

NUM_WALLS = 6

Damage = Callable[[Face, Camera, Stream], Damaged]

every_damage = pytest.mark.parametrize("damage", (cracked, spalled, salted, overgrown, robbed))


@pytest.fixture(scope="module")
def walls() -> list[tuple[Face, Camera]]:
    made = []
    for number in range(NUM_WALLS):
        stream = Stream("wall", number)
        wall = choose_wall(stream)
        camera = place_camera(stream, wall.yardstick)
        made.append((lay_wall(wall, camera, stream), camera))
    return made


def change(before: Face, after: Face) -> np.ndarray:
    return np.abs(before.colours - after.colours).sum(axis=0)


def widened(mask: np.ndarray, reach: int) -> np.ndarray:
    for _ in range(reach):
        padded = np.pad(mask, 1)
        mask = mask | padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
    return mask


@every_damage
def test_the_mask_shows_where_the_wall_has_changed(damage: Damage, walls: list[tuple[Face, Camera]]) -> None:
    for number, (face, camera) in enumerate(walls):
        damaged = damage(face, camera, Stream("damage", number))
        assert damaged.mask.dtype == np.bool_
        assert 0.003 < damaged.mask.mean() < 0.6
        changed = change(face, damaged.face)
        assert (changed[damaged.mask] > 0).mean() > 0.9
        # Salts come with damp, which darkens the wall around them.
        if damage is not salted:
            assert changed[damaged.mask].mean() > 3 * changed[~widened(damaged.mask, 12)].mean()


@every_damage
def test_a_damage_is_the_same_each_time_and_leaves_the_wall_given_alone(
    damage: Damage, walls: list[tuple[Face, Camera]]
) -> None:
    face, camera = walls[0]
    before = face.colours.copy(), face.relief.copy()
    first, second = (damage(face, camera, Stream("again")) for _ in range(2))
    assert (face.colours == before[0]).all()
    assert (face.relief == before[1]).all()
    assert (first.face.colours == second.face.colours).all()
    assert (first.face.relief == second.face.relief).all()
    assert (first.mask == second.mask).all()


@every_damage
def test_colours_and_reliefs_stay_whole_numbers_in_their_range(
    damage: Damage, walls: list[tuple[Face, Camera]]
) -> None:
    for number, (face, camera) in enumerate(walls):
        after = damage(face, camera, Stream("damage", number)).face
        assert after.colours.dtype == after.relief.dtype == np.int32
        assert after.colours.min() >= 0
        assert after.colours.max() <= 4095


def test_a_crack_runs_across_most_of_the_photo(walls: list[tuple[Face, Camera]]) -> None:
    for number, (face, camera) in enumerate(walls):
        mask = cracked(face, camera, Stream("crack", number)).mask
        assert max(mask.any(axis=1).mean(), mask.any(axis=0).mean()) > 0.4


def test_only_bricks_spall_and_not_the_mortar_between_them(walls: list[tuple[Face, Camera]]) -> None:
    for number, (face, camera) in enumerate(walls):
        mask = spalled(face, camera, Stream("spalls", number)).mask
        assert (face.inside[mask] > -512).mean() > 0.95


def test_salts_whiten_what_they_cover(walls: list[tuple[Face, Camera]]) -> None:
    for number, (face, camera) in enumerate(walls):
        damaged = salted(face, camera, Stream("salts", number))
        colours = damaged.face.colours[:, damaged.mask]
        assert colours.mean() > face.colours[:, damaged.mask].mean()
        assert np.ptp(colours.mean(axis=1)) < np.ptp(face.colours[:, damaged.mask].mean(axis=1)) + 100


def test_a_hole_is_dark_and_behind_the_face(walls: list[tuple[Face, Camera]]) -> None:
    for number, (face, camera) in enumerate(walls):
        damaged = robbed(face, camera, Stream("hole", number))
        assert damaged.face.colours[:, damaged.mask].mean() < 0.6 * face.colours[:, damaged.mask].mean()
        assert damaged.face.relief[damaged.mask].mean() < face.relief[damaged.mask].mean()


def test_blemishes_change_little_of_a_wall(walls: list[tuple[Face, Camera]]) -> None:
    for number, (face, camera) in enumerate(walls):
        changed = change(face, blemished(face, camera, Stream("blemish", number)))
        assert 0 < (changed > 300).mean() < 0.3


def test_bricks_in_sight_are_told_apart_and_bounded(walls: list[tuple[Face, Camera]]) -> None:
    for face, _ in walls:
        bricks = bricks_in_sight(face, Stream("bricks"))
        assert len({brick.number for brick in bricks}) == len(bricks) > 0
        for brick in bricks:
            own = (face.brick == brick.number) & (face.inside > 0)
            assert own.sum() == own[brick.window].sum() == brick.size
            assert (brick.height, brick.width) == (own.any(axis=1).sum(), own.any(axis=0).sum())


def test_neighbours_come_before_bricks_far_away(walls: list[tuple[Face, Camera]]) -> None:
    bricks = nearest_first(bricks_in_sight(walls[0][0], Stream("bricks")))
    gaps = [
        2 * abs(brick.centre[0] - bricks[0].centre[0]) + abs(brick.centre[1] - bricks[0].centre[1]) for brick in bricks
    ]
    assert gaps == sorted(gaps)


def test_the_colour_of_a_brick_is_the_mean_of_its_pixels(walls: list[tuple[Face, Camera]]) -> None:
    face, _ = walls[0]
    colours = brick_colours(face)
    brick = bricks_in_sight(face, Stream("bricks"))[0]
    own = (face.brick == brick.number) & (face.inside > 0)
    assert np.abs(colours[:, brick.number] - face.colours[:, own].mean(axis=1)).max() < 1


def test_a_parting_shows_all_of_the_wall_on_both_sides_of_a_black_gap(walls: list[tuple[Face, Camera]]) -> None:
    near = [(face, camera) for face, camera in walls if can_part(camera)]
    assert near
    for number, (face, camera) in enumerate(near):
        damaged = parted(face, camera, Stream("parted", number))
        gap = damaged.mask
        assert damaged.face.colours[:, gap].mean() < 0.4 * face.colours[:, ~gap].mean()
        assert gap.any(axis=1).all() or gap.any(axis=0).all()
        # One of the two sides lies where it lay.
        same = (damaged.face.colours == face.colours).all(axis=0)
        assert same.mean() > 0.1
