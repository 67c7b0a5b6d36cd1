import numpy as np
import pytest

from pipeline.photos.drawing.shapes import Oval, any_axis, leaf_field, moved, oval_field, unit_vector, window_around
from pipeline.photos.drawing.streams import Stream

SHAPE = (40, 60)


def test_an_oval_is_highest_at_its_centre_and_ends_at_its_edge() -> None:
    window, field = oval_field(
        Oval(x=30 * 256 + 128, y=20 * 256 + 128, half_length=10 * 256, half_width=5 * 256), SHAPE
    )
    whole = np.full(SHAPE, -1, np.int32)
    whole[window] = field
    assert whole[20, 30] == whole.max() == 256
    assert [bool(whole[20, column] > 0) for column in (21, 39, 41)] == [True, True, False]
    assert [bool(whole[row, 30] > 0) for row in (16, 24, 26)] == [True, True, False]


def test_an_oval_turns_with_its_axis() -> None:
    oval = Oval(x=30 * 256, y=20 * 256, half_length=12 * 256, half_width=2 * 256, axis=(181, 181))
    window, field = oval_field(oval, SHAPE)
    rows, columns = np.nonzero(field > 0)
    assert np.corrcoef(rows + window[0].start, columns + window[1].start)[0, 1] > 0.9


def test_a_leaf_is_an_oval_with_pointed_ends() -> None:
    oval = Oval(x=30 * 256 + 128, y=20 * 256 + 128, half_length=12 * 256, half_width=6 * 256)
    window, field, across = leaf_field(oval, SHAPE)
    widths = (field > 0).sum(axis=0)
    assert widths[np.arange(window[1].start, window[1].stop) == 30] == 11
    assert (field > 0).sum() < 0.9 * (oval_field(oval, SHAPE)[1] > 0).sum()
    assert across[20 - window[0].start, 0] == 0
    assert across[26 - window[0].start, 0] == 256


@pytest.mark.parametrize("place", ((-5000, 100), (100, -5000), (60000, 300), (300, 60000)))
def test_an_oval_beyond_the_photo_touches_no_pixel(place: tuple[int, int]) -> None:
    window, field = oval_field(Oval(*place, half_length=600, half_width=600), SHAPE)
    assert np.zeros(SHAPE)[window].shape == field.shape
    assert field.size == 0


def test_a_window_is_cut_off_at_the_edges_of_the_photo() -> None:
    assert window_around(-900, -900, 90000, 90000, SHAPE) == (slice(0, 40), slice(0, 60))


def test_axes_are_of_length_one_and_point_many_ways() -> None:
    stream = Stream("axes")
    axes = {any_axis(stream) for _ in range(200)}
    assert len(axes) == 16
    assert all(abs(along * along + down * down - 256**2) < 600 for along, down in axes)


@pytest.mark.parametrize(("down", "along"), ((0, 0), (3, -2), (-4, 5)))
def test_a_moved_plane_repeats_its_edges(down: int, along: int) -> None:
    values = Stream(1).grid(0, 99, (2, 12, 10))
    padded = np.pad(values, ((0, 0), (8, 8), (8, 8)), mode="edge")
    expected = padded[:, 8 - down : 20 - down, 8 - along : 18 - along]
    assert moved(values, down, along).tolist() == expected.tolist()


def test_unit_vectors_have_length_one_and_turn_clockwise_by_32() -> None:
    vectors = np.array([unit_vector(turn) for turn in range(32)])
    assert np.abs(np.hypot(*vectors.T) - 256).max() < 2
    angles = np.unwrap(np.arctan2(vectors[:, 1], vectors[:, 0]))
    assert np.abs(np.degrees(angles) - np.arange(32) * 11.25).max() < 1
