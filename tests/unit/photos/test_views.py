import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.photos.fingerprints import fingerprints_of, halved
from pipeline.photos.records import Relation
from pipeline.photos.views import WHOLE, Pairing, View, view_hashes

MIRRORED = View(mirrored=True)


def picture(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
    return Image.fromarray(coarse).resize((480, 480), Image.Resampling.BICUBIC)


def small(*images: Image.Image) -> np.ndarray:
    thumbnails = [np.frombuffer(fingerprints_of(image).thumbnail, dtype=np.uint8) for image in images]
    return halved(np.stack(thumbnails).reshape(-1, 48, 48)).reshape(len(images), -1)


def distance(image: Image.Image, view: View, other: Image.Image, other_view: View = WHOLE) -> int:
    first, second = view_hashes(small(image), view), view_hashes(small(other), other_view)
    return int(np.bitwise_count(first ^ second)[0])


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_the_hash_of_the_whole_and_of_the_mirrored_view_are_those_of_the_fingerprints(seeds: list[int]) -> None:
    images = [picture(seed) for seed in seeds]
    taken = [fingerprints_of(image) for image in images]
    assert view_hashes(small(*images), WHOLE).view(np.int64).tolist() == [one.phash for one in taken]
    assert view_hashes(small(*images), MIRRORED).view(np.int64).tolist() == [one.mirrored_phash for one in taken]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "view",
    (View(0.1, 0.1, 0.1, 0.1), View(left=0.1), View(0.0, 0.05, 0.1, 0.05), View(top=0.1, bottom=0.02)),
    ids=("even", "left", "uneven", "top"),
)
def test_the_hash_of_a_view_is_near_that_of_the_photo_cut_like_it(view: View, seed: int) -> None:
    image = picture(seed)
    edges = view.left, view.top, 1 - view.right, 1 - view.bottom
    cut = image.crop(tuple(round(edge * 480) for edge in edges))
    assert distance(image, view, cut) <= 4 < distance(image, WHOLE, cut)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("turn", (3, -3))
def test_the_hash_of_a_turned_view_is_near_that_of_the_photo_turned_like_it(turn: int, seed: int) -> None:
    margins = 0.04, 0.04, 0.04, 0.04
    turned = picture(seed).rotate(turn, Image.Resampling.BICUBIC)
    near = distance(picture(seed), View(*margins, turn=turn), turned, View(*margins))
    assert near <= 4
    assert near < distance(picture(seed), View(*margins, turn=-turn), turned, View(*margins))


def test_a_placement_takes_the_corners_of_the_window_to_its_corners_in_the_photo() -> None:
    corner = View(left=0.1, top=0.2, right=0.3, bottom=0.0).placement() @ (-0.5, -0.5, 1.0)
    assert corner == pytest.approx((-0.4, -0.3, 1.0))
    assert View(turn=90).placement() @ (0.5, 0.0, 1.0) == pytest.approx((0.0, 0.5, 1.0))


def test_a_pairing_starts_where_both_views_show_the_same() -> None:
    cut = Pairing(View(left=0.1), WHOLE, Relation.CROPPED)
    assert cut.start() == pytest.approx((0.9, 1.0, 0.0, 0.05, 0.0))
    strip = Pairing(View(bottom=0.1), View(bottom=0.1), Relation.CAPTIONED, strip=True)
    assert strip.start() == pytest.approx((1.0, 1.0, 0.0, 0.0, 0.0))
    assert strip.region().reshape(48, 48).any(axis=1).tolist() == [True] * 43 + [False] * 5
