from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from reviewed_tables import material, row, scene_pair

from pipeline.photos.records import CleanRow, DuplicateRow
from pipeline.review.cards import cards_by_sha256
from pipeline.review.material import Material
from pipeline.review.scenes import scenes


def titles(given: Material) -> list[str]:
    return [item.title for item in scenes(given, cards_by_sha256(given)).items]


def linked(rows: Sequence[CleanRow]) -> list[DuplicateRow]:
    """Pairs of one scene, each photo with the next."""
    paths = [one.path.removeprefix("data/") for one in rows]
    return [scene_pair(*both) for both in pairwise(paths)]


def test_the_largest_scene_comes_first() -> None:
    small = [row(f"one/{number}", group="scene-a") for number in range(2)]
    large = [row(f"two/{number}", group="scene-b") for number in range(3)]
    assert titles(material([*small, *large], linked(small) + linked(large))) == ["3 photos", "2 photos"]


def test_groups_that_were_given_and_scenes_of_copies_alone_are_not_asked_about() -> None:
    given = [row(f"one/{number}", group="church") for number in range(2)]
    copied = [row(f"two/{number}", group="scene-b", cluster="photo-1") for number in range(2)]
    assert titles(material([*given, *copied], linked(copied))) == []


def test_scenes_of_photos_with_given_groups_are_asked_about() -> None:
    rows = [row("one/a", group="church"), row("one/b", group="tower")]
    given = material(rows, linked(rows))
    (item,) = scenes(given, cards_by_sha256(given)).items
    assert item.lines == ("wall; no side; 2 groups",)


def test_what_was_capped_and_cut_is_counted_in_words() -> None:
    counts = {"photos": 9, "groups": 3, "largest": 4, "capped_groups": 0, "cut": 2}
    given = replace(material([]), summary={"scenes": counts})
    assert scenes(given, {}).lead.endswith("first. On several sides, since later batches brought a link: 2.")


def test_a_scene_says_its_labels_and_sides() -> None:
    rows = [row("one/a", group="scene-a"), row("one/b", "arch", group="scene-a")]
    given = material(rows, linked(rows), sides={"one/a": "train", "one/b": "test"})
    (item,) = scenes(given, cards_by_sha256(given)).items
    assert item.lines == ("arch and wall; test and train side; scene-a",)
    assert item.facets == ("several labels", "several sides")
    assert item.labels == ("arch", "wall")
