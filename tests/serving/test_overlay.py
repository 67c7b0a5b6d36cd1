"""Heat map over photo: the right place, the right colours, and nothing where there is no claim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import colormaps
from PIL import Image

from serving.overlay import COLD, heatmap_over_photo, hottest_box

HOT = tuple(int(value) for value in colormaps["inferno"](255, bytes=True)[:3])


def photo_of(width: int, height: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def stretched(heatmap: np.ndarray, width: int, height: int) -> np.ndarray:
    """Bilinear with half-pixel centres, written out."""

    def weights(size: int, cells: int) -> np.ndarray:
        centres = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
        low = np.minimum(centres.astype(int), max(cells - 2, 0))
        matrix = np.zeros((size, cells))
        matrix[np.arange(size), low] += 1 - (centres - low)
        matrix[np.arange(size), np.minimum(low + 1, cells - 1)] += centres - low
        return matrix

    return weights(height, heatmap.shape[0]) @ heatmap @ weights(width, heatmap.shape[1]).T


@pytest.mark.parametrize(("width", "height"), ((224, 224), (640, 360), (300, 900), (1500, 211)))
@pytest.mark.parametrize("cell", ((1, 5), (3, 3), (6, 0)))
def test_a_hot_cell_lands_on_its_part_of_the_photo(width: int, height: int, cell: tuple[int, int]) -> None:
    heatmap = np.zeros((7, 7), dtype=np.float32)
    heatmap[cell] = 1
    black = Image.new("RGB", (width, height))
    shown = np.asarray(heatmap_over_photo(black, heatmap, opacity=1)).astype(float).sum(2)
    row, column = np.unravel_index(shown.argmax(), shown.shape)
    assert abs((row + 0.5) * 7 / height - (cell[0] + 0.5)) <= 0.5 + 7 / height
    assert abs((column + 0.5) * 7 / width - (cell[1] + 0.5)) <= 0.5 + 7 / width
    expected = stretched(heatmap, width, height)
    assert not shown[expected == 0].any()
    assert (shown[expected > 0.98] > 0.9 * sum(HOT)).all()


@pytest.mark.parametrize(("width", "height"), ((64, 64), (97, 40), (33, 120), (900, 1100)))
def test_blending_follows_the_written_out_formula(width: int, height: int) -> None:
    heatmap = np.random.default_rng(3).random((5, 6), dtype=np.float32)
    photo = photo_of(width, height)
    heat = stretched(heatmap, width, height)[..., None]
    colours = colormaps["inferno"](heat[..., 0])[..., :3] * 255
    expected = np.asarray(photo) + (colours - np.asarray(photo)) * heat * 0.6
    shown = np.asarray(heatmap_over_photo(photo, heatmap, opacity=0.6)).astype(float)
    assert np.abs(shown - expected).max() <= 6  # eight-bit heat and eight-bit blending
    assert np.abs(shown - expected).mean() < 1


def test_full_heat_shows_the_hot_colour_in_rgb_order() -> None:
    shown = heatmap_over_photo(Image.new("RGB", (10, 8), "blue"), np.ones((2, 2), dtype=np.float32), opacity=1)
    assert shown.getcolors() == [(80, HOT)]
    assert HOT[0] > 240
    assert HOT[2] < 200


def test_opacity_is_the_share_of_the_colour_at_full_heat() -> None:
    shown = heatmap_over_photo(Image.new("RGB", (4, 4)), np.ones((2, 2), dtype=np.float32), opacity=0.5)
    assert np.abs(np.asarray(shown)[0, 0] - np.array(HOT) / 2).max() <= 1


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 9), st.integers(1, 9), st.floats(0, 1))
def test_no_heat_leaves_the_photo_as_it_is(width: int, height: int, rows: int, columns: int, opacity: float) -> None:
    photo = photo_of(width, height)
    shown = heatmap_over_photo(photo, np.zeros((rows, columns), dtype=np.float32), opacity)
    assert np.array_equal(np.asarray(shown), np.asarray(photo))


def test_the_photo_that_is_given_is_not_changed() -> None:
    photo = photo_of(40, 30)
    before = photo.tobytes()
    heatmap_over_photo(photo, np.ones((3, 3), dtype=np.float32))
    assert photo.tobytes() == before


def test_heat_beyond_the_scale_is_clipped() -> None:
    photo = photo_of(12, 12)
    wild = np.array([[-3, 7]], dtype=np.float32)
    tame = np.array([[0, 1]], dtype=np.float32)
    assert heatmap_over_photo(photo, wild).tobytes() == heatmap_over_photo(photo, tame).tobytes()


def test_strips_of_a_large_photo_meet_without_a_seam() -> None:
    heatmap = np.linspace(0, 1, 12, dtype=np.float32).reshape(12, 1)
    shown = np.asarray(heatmap_over_photo(Image.new("RGB", (1200, 1600)), heatmap, opacity=1)).astype(int)
    assert np.abs(np.diff(shown, axis=0)).max() <= 6  # one step of the colour scale


@pytest.mark.parametrize("shape", ((0, 4), (4,), (1, 4, 4)))
def test_a_map_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rows, columns"):
        heatmap_over_photo(photo_of(4, 4), np.zeros(shape, dtype=np.float32))


@pytest.mark.parametrize("value", (np.nan, np.inf))
def test_a_map_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        heatmap_over_photo(photo_of(4, 4), np.full((2, 2), value, dtype=np.float32))


def test_grey_photos_and_odd_opacities_are_refused() -> None:
    heatmap = np.zeros((2, 2), dtype=np.float32)
    with pytest.raises(ValueError, match="expected RGB"):
        heatmap_over_photo(Image.new("L", (4, 4)), heatmap)
    with pytest.raises(ValueError, match="opacity"):
        heatmap_over_photo(photo_of(4, 4), heatmap, opacity=1.5)


def test_the_hottest_box_lies_round_the_peak_and_what_hangs_together_with_it() -> None:
    heatmap = np.zeros((4, 5), dtype=np.float32)
    heatmap[1, 2], heatmap[1, 3], heatmap[2, 3] = 0.8, 0.5, 0.4
    heatmap[1, 1] = 0.39  # below half of the peak
    heatmap[3, 0] = 0.7  # hot, but elsewhere
    heatmap[3, 4] = 0.7  # touches by a corner alone
    assert hottest_box(heatmap, (500, 400)) == (200, 100, 400, 300)


def test_of_two_equal_peaks_the_first_in_reading_order_is_boxed() -> None:
    heatmap = np.zeros((3, 3), dtype=np.float32)
    heatmap[0, 2] = heatmap[2, 0] = 1
    assert hottest_box(heatmap, (30, 30)) == (20, 0, 30, 10)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_a_hottest_box_lies_on_the_photo_and_holds_the_peak(
    width: int, height: int, rows: int, columns: int, seed: int
) -> None:
    heatmap = np.random.default_rng(seed).uniform(COLD, 1, (rows, columns)).astype(np.float32)
    left, top, right, bottom = hottest_box(heatmap, (width, height)) or (0, 0, 0, 0)
    row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
    assert 0 <= left <= (column + 0.5) * width / columns <= right <= width
    assert 0 <= top <= (row + 0.5) * height / rows <= bottom <= height
    assert left < right
    assert top < bottom


def test_no_rounding_pushes_a_hottest_box_beyond_the_photo() -> None:
    assert 7 * (29 / 7) > 29
    assert hottest_box(np.ones((7, 7), dtype=np.float32), (29, 58)) == (0, 0, 29, 58)


def test_a_cold_map_has_no_hottest_box() -> None:
    heatmap = np.full((4, 4), COLD, dtype=np.float32)
    assert hottest_box(heatmap, (40, 40)) == (0, 0, 40, 40)
    assert hottest_box(heatmap - 0.01, (40, 40)) is None
