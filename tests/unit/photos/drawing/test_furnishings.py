import numpy as np
import pytest

from pipeline.photos.drawing.cameras import Camera, place_camera
from pipeline.photos.drawing.furnishings import Furnished, furnished
from pipeline.photos.drawing.lights import Sun
from pipeline.photos.drawing.plants import grow, silhouette
from pipeline.photos.drawing.streams import Stream

NUM_PHOTOS = 120
SUN = Sun(along=181, down=-181, rise=200, share=200, colour=(256, 256, 256), sky=(256, 256, 256))
WALL = 2000


def put(number: int) -> tuple[Camera, Furnished]:
    camera = place_camera(Stream("camera", number), 75)
    colours = np.full((3, *camera.shape), WALL, np.int32)
    relief = np.zeros(camera.shape, np.int32)
    return camera, furnished(colours, relief, camera, SUN, Stream("furnishings", number))


@pytest.fixture(scope="module")
def scenes() -> list[Furnished]:
    return [put(number)[1] for number in range(NUM_PHOTOS)]


@pytest.fixture(scope="module")
def things(scenes: list[Furnished]) -> list[Furnished]:
    return [scene for scene in scenes if scene.cover.any()]


def test_about_one_wall_in_five_has_something_before_it_that_leaves_most_of_it_free(things: list[Furnished]) -> None:
    assert 0.1 * NUM_PHOTOS <= len(things) <= 0.25 * NUM_PHOTOS
    assert all(thing.cover.mean() <= 0.25 for thing in things)


def test_where_nothing_stands_the_wall_is_as_it_was(scenes: list[Furnished]) -> None:
    for scene in scenes:
        touched = (scene.colours != WALL).any(axis=0) | (scene.relief != 0)
        if not scene.cover.any():
            assert not touched.any()
            assert (scene.shade == 256).all()
        assert touched.mean() <= scene.cover.mean() + 0.2


def test_a_thing_is_seen_at_every_pixel_that_it_covers(things: list[Furnished]) -> None:
    assert all(((thing.colours != WALL).any(axis=0) | ~thing.cover).all() for thing in things)


def test_a_shadow_lies_beside_its_thing_away_from_the_sun(things: list[Furnished]) -> None:
    for thing in things:
        shadow = thing.shade < 200
        assert not (shadow & thing.cover).any()
    upright = [thing for thing in things if thing.cover.any(axis=1).all() and (thing.shade < 200).sum() > 300]
    assert upright
    for thing in upright:
        covered, shaded = (np.nonzero(mask)[1].mean() for mask in (thing.cover, thing.shade < 200))
        assert shaded < covered


def test_twigs_grow_into_the_photo_from_above_or_aside() -> None:
    for number in range(20):
        cover = silhouette((150, 200), grow((150, 200), Stream("twig", number), 12 * 256))
        assert cover.max() == 256
        assert cover[:3].any() or cover[:, :3].any() or cover[:, -3:].any()
