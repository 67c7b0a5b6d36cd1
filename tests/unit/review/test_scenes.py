from reviewed_tables import material, row

from pipeline.review.cards import cards_by_sha256
from pipeline.review.material import Material
from pipeline.review.scenes import scenes


def titles(given: Material) -> list[str]:
    return [item.title for item in scenes(given, cards_by_sha256(given)).items]


def test_the_largest_scene_comes_first() -> None:
    small = [row(f"one/{number}", group="scene-a") for number in range(2)]
    large = [row(f"two/{number}", group="scene-b") for number in range(3)]
    assert titles(material([*small, *large])) == ["3 photos", "2 photos"]


def test_groups_that_were_given_and_scenes_of_copies_alone_are_not_asked_about() -> None:
    given = [row(f"one/{number}", group="church") for number in range(2)]
    copied = [row(f"two/{number}", group="scene-b", cluster="photo-1") for number in range(2)]
    assert titles(material([*given, *copied])) == []


def test_a_scene_says_its_labels_and_sides() -> None:
    rows = [row("one/a", group="scene-a"), row("one/b", "arch", group="scene-a")]
    given = material(rows, sides={"one/a": "train", "one/b": "test"})
    (item,) = scenes(given, cards_by_sha256(given)).items
    assert item.lines == ("arch and wall; test and train side; scene-a",)
    assert item.facets == ("several labels", "several sides")
    assert item.labels == ("arch", "wall")
