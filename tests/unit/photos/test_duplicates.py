import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.core.parameters import CleanParameters
from pipeline.photos.duplicates import (
    correlations,
    same_photo_rows,
)
from pipeline.photos.listing import FoundFile
from pipeline.photos.reading import read_photo
from pipeline.photos.records import PhotoRow
from serving.contract import PhotoLimits


def picture(seed: int, size: tuple[int, int] = (128, 96)) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def photo(folder: Path, name: str, image: Image.Image, quality: int = 95) -> PhotoRow:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    path = folder / "data" / "one" / "wall" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())
    return read_photo(folder, FoundFile(f"data/one/wall/{name}", "one", "wall"), PhotoLimits())


def pairs(rows: list[PhotoRow]) -> set[tuple[str, str]]:
    found, _ = same_photo_rows(rows, CleanParameters())
    return {(Path(pair.first).stem, Path(pair.second).stem) for pair in found}


@pytest.mark.parametrize(
    "copy",
    (
        lambda image: image,
        lambda image: image.resize((64, 48)),
        lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        lambda image: image.convert("L").convert("RGB"),
        lambda image: image.point(lambda value: min(255, value * 1.1)),
    ),
    ids=("re-encode", "half size", "mirrored", "without colour", "brighter"),
)
@pytest.mark.parametrize("seed", (1, 2, 3, 4))
def test_a_changed_copy_is_found(tmp_path: Path, copy, seed: int) -> None:
    original = picture(seed)
    rows = [photo(tmp_path, "a.jpg", original), photo(tmp_path, "b.jpg", copy(original), quality=60)]
    assert rows[0].sha256 != rows[1].sha256
    assert pairs(rows) == {("a", "b")}


def test_different_pictures_are_not_matched(tmp_path: Path) -> None:
    assert pairs([photo(tmp_path, f"{seed}.jpg", picture(seed)) for seed in range(40)]) == set()


def test_equal_bytes_are_always_a_pair_even_where_nothing_is_on_the_photo(tmp_path: Path) -> None:
    blank = [photo(tmp_path, f"{name}.jpg", Image.new("RGB", (64, 64), (90, 90, 90))) for name in "abc"]
    other = photo(tmp_path, "d.jpg", Image.new("RGB", (64, 64), (200, 200, 200)))
    assert pairs([*blank, other]) == {("a", "b"), ("a", "c"), ("b", "c")}


def test_unreadable_files_are_no_pairs(tmp_path: Path) -> None:
    row = replace(photo(tmp_path, "a.jpg", picture(1)), error="damaged photo")
    assert pairs([row, replace(row, path="data/one/wall/b.jpg")]) == set()


def test_every_copy_of_a_copy_is_named(tmp_path: Path) -> None:
    first = photo(tmp_path, "a.jpg", picture(1))
    again = replace(first, path="data/one/wall/b.jpg")
    encoded = photo(tmp_path, "c.jpg", picture(1), quality=60)
    assert pairs([encoded, again, first]) == {("a", "b"), ("a", "c"), ("b", "c")}


def test_a_flood_of_equal_bytes_is_listed_in_a_line_each(tmp_path: Path) -> None:
    one = photo(tmp_path, "0.jpg", picture(1))
    rows = [replace(one, path=f"data/one/wall/{number:05}.jpg") for number in range(3000)]
    found, _ = same_photo_rows(rows, CleanParameters())
    assert {pair.first for pair in found} | {pair.second for pair in found} == {row.path for row in rows}
    assert len(found) < 10_000


def test_pairs_say_how_alike_they_are_and_under_which_labels(tmp_path: Path) -> None:
    first = photo(tmp_path, "a.jpg", picture(1))
    second = replace(photo(tmp_path, "b.jpg", picture(1), quality=50), label="arch")
    ((pair,), _) = same_photo_rows([second, first], CleanParameters())
    assert (pair.first, pair.first_label, pair.second, pair.second_label) == (first.path, "wall", second.path, "arch")
    assert 0 <= pair.hash_distance <= 7
    assert 0.9 <= pair.correlation <= 1


def test_equal_pixels_are_always_a_pair_whatever_the_bytes(tmp_path: Path) -> None:
    blank = photo(tmp_path, "a.jpg", Image.new("RGB", (64, 64), (90, 90, 90)))
    rows = [
        replace(blank, path=f"data/one/wall/{name}.jpg", sha256=name * 64, pixels_sha256=pixels)
        for name, pixels in (("a", "1"), ("b", "1"), ("c", "2"))
    ]
    assert pairs(rows) == {("a", "b")}


def test_pairs_do_not_depend_on_the_order_of_the_photos_or_on_earlier_searches(tmp_path: Path) -> None:
    rows = [
        photo(tmp_path, f"{seed}-{name}.jpg", edit(picture(seed)), quality=70)
        for seed in range(3)
        for name, edit in (("whole", lambda image: image), ("part", lambda image: image.crop((8, 6, 120, 90))))
    ]
    expected, _ = same_photo_rows(rows, CleanParameters())
    assert [pair.relation for pair in expected] == ["cropped"] * 3
    _, before = same_photo_rows(rows[1:5], CleanParameters())
    for order in ((5, 4, 3, 2, 1, 0), (3, 1, 4, 0, 5, 2)):
        shuffled = [rows[number] for number in order]
        assert same_photo_rows(shuffled, CleanParameters())[0] == expected
        assert same_photo_rows(shuffled, CleanParameters(), before)[0] == expected


def test_a_photo_whose_thumbnail_changed_is_compared_again(tmp_path: Path) -> None:
    first, other = (photo(tmp_path, f"{seed}.jpg", picture(seed)) for seed in (1, 2))
    _, before = same_photo_rows([first, other], CleanParameters())
    changed = replace(other, phash=first.phash, thumbnail=first.thumbnail)
    found, _ = same_photo_rows([first, changed], CleanParameters(), before)
    assert [(pair.first, pair.second) for pair in found] == [(first.path, other.path)]


def test_correlation_is_pearsons_and_0_for_a_constant_thumbnail() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, 5, 2304), dtype=np.uint8)
    first[4] = 77
    expected = [np.corrcoef(first[row], second[row])[0, 1] for row in range(4)]
    assert correlations(first, second) == pytest.approx([*expected, 0.0], abs=1e-6)
