import hashlib
from dataclasses import replace

from pipeline.photos.decisions import HumanDecision
from pipeline.photos.groups import (
    SceneCounts,
    scene_counts,
    told_apart,
    unmatched_decisions,
    with_decided_groups,
    with_scene_groups,
)
from pipeline.photos.records import CleanRow, DuplicateRow, PhotoRow, Side
from pipeline.photos.scenes import NO_SCENES, Scenes
from pipeline.photos.sides import is_given


def photo(name: str, *, group: str = "", sha256: str = "", pixels_sha256: str = "") -> PhotoRow:
    content = sha256 or hashlib.sha256(name.encode()).hexdigest()
    measures = (0.1, 0.9, 7.0, 0.5, 0.2)
    return PhotoRow(
        name, "b", "wall", content, 9, "", "JPEG", "RGB", 1, 99, 99, 0, 0, 0, b"", *measures, group, "", "", "", "", "",
        pixels_sha256=pixels_sha256,
    )  # fmt: skip


def together(one: PhotoRow, group: str) -> HumanDecision:
    return HumanDecision(one.sha256, "together", group=group)


def pair(first: str, second: str) -> DuplicateRow:
    return DuplicateRow(first, second, 1, 3, 0.9, "wall", "wall", relation="cropped", derived="second")


def groups(photos: list[PhotoRow], *decisions: HumanDecision) -> dict[str, str]:
    return {one.path: one.group for one in with_decided_groups(photos, decisions)}


def test_a_decided_group_and_the_given_ones_that_it_touches_become_one() -> None:
    photos = [
        photo("a", group="site 2"),
        photo("b"),
        photo("c", group="site 1"),
        photo("d", group="site 1"),
        photo("e"),
    ]
    decisions = [together(photos[0], "ours"), together(photos[1], "ours"), together(photos[2], "ours")]
    assert groups(photos, *decisions) == {"a": "site 1", "b": "site 1", "c": "site 1", "d": "site 1", "e": ""}


def test_a_decided_group_may_be_one_that_is_given() -> None:
    photos = [photo("a", group="site"), photo("b")]
    decision = together(photos[1], "site")
    assert groups(photos, decision) == {"a": "site", "b": "site"}
    assert unmatched_decisions(with_decided_groups(photos, [decision]), [decision]) == []


def test_a_persons_group_is_a_promise_even_where_it_is_named_as_a_found_one() -> None:
    photos = [photo("a"), photo("b")]
    found = groups(photos, *(together(one, "scene-abc") for one in photos))
    assert set(found.values()) == {"given-abc"}
    assert is_given(found["a"])
    assert groups([photo("a", group="scene-1"), photo("b")]) == {"a": "given-1", "b": ""}


def test_equal_bytes_are_decided_together() -> None:
    photos = [photo("a"), photo("a again", sha256=photo("a").sha256)]
    assert groups(photos, together(photos[0], "g")) == {"a": "g", "a again": "g"}


def test_decisions_without_use_are_told() -> None:
    photos = [photo("a"), photo("b")]
    alone, stray = together(photos[0], "g"), HumanDecision("f" * 64, "drop")
    kept = HumanDecision(photos[1].sha256, "keep")
    decisions = [stray, kept, alone]
    unmatched = unmatched_decisions(with_decided_groups(photos, decisions), decisions)
    assert unmatched == sorted([alone, stray], key=lambda one: one.sha256)


def test_pairs_of_which_both_were_kept_are_two_photos_unless_they_are_equal() -> None:
    photos = [photo("a", pixels_sha256="1"), photo("b", pixels_sha256="2"), photo("c", pixels_sha256="2")]
    pairs = [pair("a", "b"), pair("b", "c")]
    everyone = {one.sha256 for one in photos}
    apart = replace(pairs[0], tier=2, relation="scene", derived="")
    assert told_apart(photos, pairs, everyone) == ([pairs[1]], [apart])
    assert told_apart(photos, pairs, everyone - {photos[0].sha256}) == (pairs, [])


def test_scenes_name_groups_of_photos_without_one_and_of_equal_bytes() -> None:
    photos = [photo("a"), photo("b"), photo("b again", sha256=photo("b").sha256), photo("c", group="site"), photo("d")]
    links = [replace(pair(first, second), tier=2) for first, second in (("a", "b"), ("b", "c"))]
    name = "scene-" + min(one.sha256 for one in photos[:4])[:12]
    assert [one.group for one in with_scene_groups(photos, links)] == [name, name, name, "site", ""]


def test_scenes_are_counted_and_those_on_two_sides_are_cut() -> None:
    rows = [CleanRow(name, "b", "wall", name, "keep", "", "", "", "") for name in "abcde"]
    rows[4] = replace(rows[4], decision="quarantine")
    links = [replace(pair(first, second), tier=2) for first, second in (("a", "b"), ("c", "d"), ("d", "e"))]
    sides = {"a": Side.TRAIN, "b": Side.TEST, "c": Side.TRAIN, "d": Side.TRAIN, "e": Side.TEST}
    counts = scene_counts(rows, links, Scenes([], 7, 2), sides)
    assert counts == SceneCounts(photos=5, groups=2, largest=3, capped_pairs=7, capped_groups=2, cut=1)
    assert scene_counts(rows, [], NO_SCENES, sides) == SceneCounts(0, 0, 0, 0, 0, 0)
