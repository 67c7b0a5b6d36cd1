"""Outlines: masks drawn of polygons, run lengths and brush strokes, beside the simplest way to draw each."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pipeline.intake.outlines import Brush, Outline, Polygon, Runs, Shape
from serving.contract import PhotoLimits

Mask = npt.NDArray[np.bool_]

SIDE = 24
CORNERS = st.lists(st.tuples(*[st.floats(-3, SIDE + 3, allow_nan=False).map(lambda x: round(x, 2))] * 2), max_size=9)
MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12))


def polygon(corners: Sequence[tuple[float, float]]) -> Polygon:
    return Polygon(tuple(part for corner in corners for part in corner))


def sides_of(corners: Sequence[tuple[float, float]]) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    inside = [(min(max(x, 0), SIDE), min(max(y, 0), SIDE)) for x, y in corners]
    return list(zip(inside, inside[1:] + inside[:1], strict=True))


def is_inside(x: float, y: float, corners: Sequence[tuple[float, float]]) -> bool:
    """Whether a ray to the right crosses the line an odd number of times."""
    crossings = 0
    for (ax, ay), (bx, by) in sides_of(corners):
        if (ay > y) != (by > y):
            crossings += x < ax + (y - ay) * (bx - ax) / (by - ay)
    return crossings % 2 == 1


def distance_to(x: float, y: float, corners: Sequence[tuple[float, float]]) -> float:
    def to_side(a: tuple[float, float], b: tuple[float, float]) -> float:
        start, along = np.array(a), np.array(b) - np.array(a)
        length = float(along @ along)
        share = np.clip((np.array((x, y)) - start) @ along / length, 0, 1) if length > 1e-12 else 0.0
        return float(np.hypot(*(start + share * along - (x, y))))

    return min((to_side(a, b) for a, b in sides_of(corners)), default=np.inf)


@settings(max_examples=30)
@given(CORNERS)
def test_a_polygon_marks_what_is_inside_and_nothing_that_its_line_does_not_touch(
    corners: list[tuple[float, float]],
) -> None:
    mask = polygon(corners).marked(SIDE, SIDE)
    for row, column in itertools.product(range(SIDE), range(SIDE)):
        x, y = column + 0.5, row + 0.5
        away = distance_to(x, y, corners)
        if is_inside(x, y, corners) and away > 1e-6:
            assert mask[row, column]
        elif away > 0.7072:
            assert not mask[row, column]


@given(st.integers(0, SIDE), st.integers(0, SIDE), st.integers(0, SIDE), st.integers(0, SIDE))
def test_a_rectangle_along_the_pixels_marks_these_alone(x: int, y: int, next_x: int, next_y: int) -> None:
    (left, right), (top, bottom) = sorted((x, next_x)), sorted((y, next_y))
    expected = np.zeros((SIDE, SIDE), bool)
    expected[top:bottom, left:right] = True
    mask = polygon([(left, top), (right, top), (right, bottom), (left, bottom)]).marked(SIDE, SIDE)
    assert (mask == expected).all()


def test_a_crack_thinner_than_a_pixel_leaves_a_line_without_gaps() -> None:
    mask = polygon([(1.2, 1.3), (20.2, 9.3), (20.2, 9.4), (1.2, 1.4)]).marked(SIDE, SIDE)
    assert mask[:, 2:20].any(axis=0).all()


def test_a_polygon_of_very_many_corners_is_drawn_as_one() -> None:
    angles = np.linspace(0, 2 * np.pi, 5000, endpoint=False)
    circle = [(12 + 9 * float(np.cos(angle)), 12 + 9 * float(np.sin(angle))) for angle in angles]
    mask = polygon(circle).marked(SIDE, SIDE)
    assert mask[12, 12]
    assert not mask[0, 0]
    assert abs(int(mask.sum()) - np.pi * 81) < 2 * np.pi * 9


def lengths_of(mask: Mask) -> list[int]:
    lengths, marked = [0], False
    for pixel in mask.T.ravel():
        if bool(pixel) != marked:
            lengths.append(0)
            marked = not marked
        lengths[-1] += 1
    return lengths


def packed(lengths: Sequence[int]) -> str:
    """Five bits to a sign, lowest first, until what is left is the sign bit alone."""
    text = ""
    for number, length in enumerate(lengths):
        value = length - (lengths[number - 2] if number > 2 else 0)
        more = True
        while more:
            bits, value = value & 0x1F, value >> 5
            more = value != (-1 if bits & 0x10 else 0)
            text += chr(48 + bits + 0x20 * more)
    return text


@given(MASKS)
def test_run_lengths_give_the_mask_that_they_were_made_of(mask: Mask) -> None:
    height, width = mask.shape
    lengths = lengths_of(mask)
    assert (Runs((height, width), tuple(lengths)).marked(width, height) == mask).all()
    assert (Runs((height, width), packed(lengths)).marked(width, height) == mask).all()


@pytest.mark.parametrize(
    ("text", "lengths"),
    (("061M", (0, 6, 1, 3)), ("0610", (0, 6, 1, 6)), ("011101010", (0, 1, 1, 2, 1, 3, 1, 4, 1)), ("0PP1", (0, 1024))),
)
def test_packed_run_lengths_are_read_as_other_tools_write_them(text: str, lengths: tuple[int, ...]) -> None:
    assert packed(lengths) == text
    size = (1, sum(lengths))
    assert (Runs(size, text).marked(size[1], 1) == Runs(size, lengths).marked(size[1], 1)).all()


def strokes_of(alpha: npt.NDArray[np.uint8], colours: npt.NDArray[np.uint8]) -> bytes:
    """Four channels of a picture, equal bytes as runs and others one by one, packed bit by bit."""
    words = np.dstack([colours, alpha]).ravel()
    bits = f"{len(words):032b}{7:05b}{2:04b}{3:04b}{7:04b}{15:04b}"
    for value, group in itertools.groupby(words.tolist()):
        left = len(list(group))
        while left:
            length = min(left, 256)
            kind, width = (0, 3) if length <= 8 else (2, 8)
            is_run = length > 1 or value % 2
            bits += f"{int(is_run)}{kind:02b}{length - 1:0{width}b}"
            bits += f"{value:08b}" * (1 if is_run else length)
            left -= length
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8)


@given(MASKS, st.integers(0, 255))
def test_brush_strokes_mark_what_is_more_than_half_opaque(mask: Mask, seed: int) -> None:
    generator = np.random.default_rng(seed)
    colours = generator.integers(0, 256, (*mask.shape, 3), np.uint8)
    alpha = np.where(mask, 128 + generator.integers(0, 128, mask.shape), generator.integers(0, 128, mask.shape))
    brush = Brush(strokes_of(alpha.astype(np.uint8), colours))
    assert (brush.marked(mask.shape[1], mask.shape[0]) == mask).all()


def test_bytes_one_by_one_are_read_at_any_place_between_bits() -> None:
    words = np.random.default_rng(3).integers(0, 256, 4 * 64, np.uint8)
    bits = f"{len(words):032b}{7:05b}{7:04b}{0:04b}{0:04b}{0:04b}" + f"000{len(words) - 1:08b}"
    bits += "".join(f"{word:08b}" for word in words)
    bits += "0" * (-len(bits) % 8)
    brush = Brush(int(bits, 2).to_bytes(len(bits) // 8))
    assert (brush.marked(8, 8) == (words[3::4] > 127).reshape(8, 8)).all()


@pytest.mark.parametrize(
    ("shape", "words"),
    (
        (Polygon((1.0, 2.0, 3.0)), "3 coordinates, which are no pairs"),
        (Runs((3, 2), (6,)), "for 2x3 pixels, not for 4x3"),
        (Runs((3, 4), (6, 5)), "cover 11 pixels of 12"),
        (Runs((3, 4), (13, -1)), "cover 12 pixels of 12"),
        (Runs((3, 4), "\x20"), "signs that COCO does not use"),
        (Runs((3, 4), "P" * 40 + "0"), "signs that COCO does not use"),
        (Runs((3, 4), "0P"), "in the midst of a number"),
        (Brush(b""), "strokes end too early"),
        (Brush(bytes(20)), "0 words of 1 bits"),
        (Brush((48).to_bytes(4) + bytes((0x38, 0, 0))), "strokes end too early"),
        (Brush((48).to_bytes(4) + bytes((0x3F, 0xFF, 0xF8)) + b"\xff" * 20), "beyond the photo"),
    ),
)
def test_a_shape_that_does_not_fit_its_photo_is_refused(shape: Shape, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        shape.marked(4, 3)


@pytest.mark.parametrize("size", ((0, 5), (5, -1), (PhotoLimits().max_pixels, 2)))
def test_a_photo_of_a_size_beyond_the_limits_gives_no_mask(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="the photo is said to be"):
        Outline(*size, ()).mask()


def test_an_outline_marks_what_any_of_its_shapes_marks() -> None:
    mask = Outline(4, 3, (Polygon((0, 0, 1, 0, 1, 1, 0, 1)), Runs((3, 4), (11, 1)))).mask()
    assert np.argwhere(mask).tolist() == [[0, 0], [2, 3]]


def test_the_hash_of_an_outline_tells_size_kind_and_places_apart() -> None:
    outlines = [
        Outline(4, 3, (Polygon((0, 0, 1, 0, 1, 1)),)),
        Outline(3, 4, (Polygon((0, 0, 1, 0, 1, 1)),)),
        Outline(4, 3, (Polygon((0, 0, 1, 0, 1, 2)),)),
        Outline(4, 3, (Runs((3, 4), (11, 1)),)),
        Outline(4, 3, (Brush(bytes((11, 1))),)),
    ]
    assert len({outline.sha256() for outline in outlines}) == len(outlines)
    assert outlines[0].sha256() == Outline(4, 3, (Polygon((0, 0, 1, 0, 1, 1)),)).sha256()
