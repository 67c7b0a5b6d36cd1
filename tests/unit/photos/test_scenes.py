"""Scenes on drawn vectors."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.photos import scenes
from pipeline.photos.clusters import clusters_of
from pipeline.photos.fingerprints import THUMBNAIL_SIDE
from pipeline.photos.records import DuplicateRow, PhotoRow
from pipeline.photos.scenes import Scenes, SceneVectors, find_scenes, scene_links

POSITION = {"one": 0, "two": 1, "three": 2}


def photo(name: str, batch: str = "one", *, sha256: str = "") -> PhotoRow:
    path = f"data/{batch}/wall/{name}"
    content = sha256 or hashlib.sha256(path.encode()).hexdigest()
    grey = np.random.default_rng(len(name)).integers(0, 256, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), dtype=np.uint8).tobytes()
    measures = (0.1, 0.9, 7.0, 0.5, 0.2)
    return PhotoRow(
        path, batch, "wall", content, 9, "", "JPEG", "RGB", 1, 99, 99, 0, 0, 0, grey, *measures, "", "", "", "", "", ""
    )


def found(
    photos: Sequence[PhotoRow],
    vectors: np.ndarray,
    same_photo: Sequence[DuplicateRow] = (),
    limits: tuple[float, int] = (0.9, 50),
) -> Scenes:
    by_path = SceneVectors([one.path for one in photos], vectors.astype(np.float32))
    return find_scenes(photos, POSITION, by_path, same_photo, limits)


def pairs(result: Scenes) -> list[str]:
    return [row.first.rsplit("/", 1)[1] + row.second.rsplit("/", 1)[1] for row in result.rows]


def on_circle(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_links_are_those_above_the_cosine_and_zeros_are_like_nothing() -> None:
    vectors = np.array([[1, 0], [2, 0.02], [0, 1], [0, 0], [0, 0]], dtype=np.float32)
    links = scene_links(vectors, 0.95, 50)
    assert (links.first.tolist(), links.second.tolist()) == ([1], [0])
    assert len(scene_links(vectors[3:], 0, 50).first) == 0


@pytest.mark.parametrize("comparisons", (1, 40, 1 << 20))
def test_links_are_the_same_for_any_block_and_as_a_plain_search_finds_them(comparisons, monkeypatch) -> None:
    rng = np.random.default_rng(5)
    vectors = (rng.normal(size=(60, 16)) + 2 * rng.normal(size=(4, 16)).repeat(15, axis=0)).astype(np.float32)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    rows, columns = np.nonzero(np.tril(units @ units.T >= 0.8, k=-1))
    monkeypatch.setattr(scenes, "_COMPARISONS_AT_ONCE", comparisons)
    links = scene_links(vectors, 0.8, 50)
    expected = set(zip(rows.tolist(), columns.tolist(), strict=True))
    assert set(zip(links.first.tolist(), links.second.tolist(), strict=True)) == expected
    assert len(expected) > 50


def test_a_row_keeps_its_nearest_of_those_before_it() -> None:
    links = scene_links(on_circle(0, 4, 8, 6).astype(np.float32), 0.9, 2)
    assert list(zip(links.first.tolist(), links.second.tolist(), strict=True)) == [
        (1, 0),
        (2, 0),
        (2, 1),
        (3, 1),
        (3, 2),
    ]


def test_products_are_exact_whatever_the_length_of_the_vectors() -> None:
    flat = np.full((2, 2048), 0.37, np.float32)
    flat[1] *= -1000
    (product,) = scene_links(np.concatenate([flat, flat[:1]]), 0.99, 50).products.tolist()
    assert product == 2048 * round(4000 / 2048**0.5) ** 2


def test_a_pair_tells_labels_likeness_and_relation_and_copies_are_left_out() -> None:
    photos = [photo("a"), photo("b"), photo("cc")]
    result = found(
        photos, on_circle(0, 1, 2), [DuplicateRow(photos[0].path, photos[1].path, 1, 0, 1.0, "wall", "wall")]
    )
    assert pairs(result) == ["acc", "bcc"]
    first = result.rows[0]
    assert (first.tier, first.relation, first.first_label, first.hash_distance) == (2, "scene", "wall", 0)
    assert first.correlation < 0.9


def test_only_photos_of_the_run_count_and_equal_bytes_count_once() -> None:
    photos = [photo("a"), photo("b", sha256="f" * 64), photo("c", "two", sha256="f" * 64)]
    vectors = SceneVectors(["data/gone", *(one.path for one in photos)], on_circle(0, 0, 1, 1).astype(np.float32))
    result = find_scenes(photos, POSITION, vectors, [], (0.9, 50))
    assert pairs(result) == ["ab"]


def test_a_chain_is_cut_at_its_weakest_links() -> None:
    photos = [photo(name) for name in "abcdef"]
    result = found(photos, on_circle(0, 5, 10, 24, 29, 34), limits=(np.cos(np.radians(14.5)), 3))
    assert sorted(len(members) for members in clusters_of(result.rows).all()) == [3, 3]
    assert pairs(result) == ["ab", "ac", "bc", "de", "df", "ef"]
    assert (result.num_capped_pairs, result.num_capped_groups) == (1, 2)


degrees = st.lists(st.tuples(st.sampled_from(tuple(POSITION)), st.integers(0, 60)), min_size=1, max_size=14)


def drawn(arrived: list[tuple[str, int]]) -> tuple[list[PhotoRow], np.ndarray]:
    photos = [photo(f"{number:02}", batch) for number, (batch, _) in enumerate(arrived)]
    return photos, on_circle(*(angle for _, angle in arrived))


@given(arrived=degrees, order=st.randoms(use_true_random=False), most=st.integers(2, 6))
@settings(max_examples=100, deadline=None)
def test_scenes_depend_on_no_order_and_are_capped(arrived, order, most) -> None:
    photos, vectors = drawn(arrived)
    shuffled = order.sample(range(len(photos)), len(photos))
    result = found(photos, vectors, limits=(0.995, most))
    again = found([photos[row] for row in shuffled], vectors[shuffled], limits=(0.995, most))
    assert result == again
    assert all(len(members) <= most for members in clusters_of(result.rows).all())


@given(arrived=degrees, most=st.integers(2, 6))
@settings(max_examples=150, deadline=None)
def test_no_later_batch_changes_the_scenes_of_earlier_ones(arrived, most) -> None:
    photos, vectors = drawn(arrived)
    everything = {(row.first, row.second) for row in found(photos, vectors, limits=(0.995, most)).rows}
    for until in (1, 2):
        early = [row for row, one in enumerate(photos) if POSITION[one.batch] < until]
        if early:
            names = {photos[row].path for row in early}
            before = found([photos[row] for row in early], vectors[early], limits=(0.995, most)).rows
            assert {(row.first, row.second) for row in before} == {pair for pair in everything if set(pair) <= names}
