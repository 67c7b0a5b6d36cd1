"""Sides by replay: what later batches may and may not change."""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import DataError
from pipeline.core.parameters import SplitParameters
from pipeline.photos.clusters import Clusters
from pipeline.photos.records import Batch, DuplicateRow, PhotoRow, Side
from pipeline.photos.sides import Arrival, Replay, arrivals_of, cut_groups, in_intake_order, replay_sides

SHARES = SplitParameters(validation=0.2, test=0.2)
SEED = 7


def sha256_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def arrival(
    name: str,
    batch: str = "first",
    *,
    pinned: bool = False,
    twins: Sequence[str] = (),
    group: str = "",
    scene_mates: Sequence[str] = (),
) -> Arrival:
    return Arrival(name, sha256_of(name), batch, pinned, frozenset(twins), group, frozenset(scene_mates))


def named(side: Side, number: int = 0) -> str:
    """A name whose bytes fall on a side when nothing else places it."""
    names = (f"photo-{n}" for n in range(10_000))
    fitting = [name for name, _ in zip((n for n in names if alone(n) is side), range(number + 1), strict=False)]
    return fitting[number]


def alone(name: str) -> Side:
    return replay_sides([arrival(name)], SHARES, SEED).sides[name]


def replayed(*arrivals: Arrival) -> Replay:
    return replay_sides(arrivals, SHARES, SEED)


TRAIN, TRAIN_2 = named(Side.TRAIN), named(Side.TRAIN, 1)
VALIDATION = named(Side.VALIDATION)
TEST = named(Side.TEST)


@st.composite
def histories(draw: st.DrawFn, *, with_pins: bool = True) -> list[list[Arrival]]:
    """Batches of arrivals with symmetric twins and scene mates, pinned batches first."""
    names = [f"photo-{number}" for number in range(draw(st.integers(1, 24)))]
    batch_of = {name: draw(st.integers(0, 3)) for name in names}
    twins: dict[str, set[str]] = {name: set() for name in names}
    mates: dict[str, set[str]] = {name: set() for name in names}
    pair = st.tuples(st.sampled_from(names), st.sampled_from(names))
    for relation in (twins, mates):
        for first, second in draw(st.lists(pair, max_size=len(names))):
            if first != second:
                relation[first].add(second)
                relation[second].add(first)
    group_of = {name: draw(st.sampled_from(["", "", "wall", "arch"])) for name in names}
    num_pinned = draw(st.integers(0, 1)) if with_pins else 0
    batches = [
        [
            arrival(
                name,
                str(number),
                pinned=number < num_pinned,
                twins=sorted(twins[name]),
                group=group_of[name],
                scene_mates=sorted(mates[name] - twins[name]),
            )
            for name in names
            if batch_of[name] == number
        ]
        for number in range(4)
    ]
    return [batch for batch in batches if batch]


def joined(batches: Sequence[Sequence[Arrival]]) -> list[Arrival]:
    return [one for batch in batches for one in batch]


@given(histories())
@settings(max_examples=150, deadline=None)
def test_no_later_batch_moves_a_test_photo(history: list[list[Arrival]]) -> None:
    after = replay_sides(joined(history), SHARES, SEED).sides
    for length in range(1, len(history)):
        before = replay_sides(joined(history[:length]), SHARES, SEED).sides
        assert {name for name, side in before.items() if side is Side.TEST} <= {
            name for name, side in after.items() if side is Side.TEST
        }


@given(histories())
@settings(max_examples=150, deadline=None)
def test_a_later_batch_sends_photos_out_and_never_to_another_side(history: list[list[Arrival]]) -> None:
    replay = replay_sides(joined(history), SHARES, SEED)
    for length in range(1, len(history)):
        before = replay_sides(joined(history[:length]), SHARES, SEED).sides
        moved = {name for name, side in before.items() if replay.sides[name] is not side}
        assert moved <= replay.bridges
        assert {replay.sides[name] for name in moved} <= {Side.NONE}


@given(histories())
@settings(max_examples=150, deadline=None)
def test_twins_never_stand_on_two_sides(history: list[list[Arrival]]) -> None:
    arrivals = joined(history)
    sides = replay_sides(arrivals, SHARES, SEED).sides
    for one in arrivals:
        for twin in one.twins:
            assert Side.NONE in (sides[one.id], sides[twin]) or sides[one.id] is sides[twin]


@given(histories(with_pins=False))
@settings(max_examples=150, deadline=None)
def test_what_comes_together_in_one_batch_is_not_cut(history: list[list[Arrival]]) -> None:
    together: Clusters[str] = Clusters()
    for one in history[0]:
        for other in history[0]:
            if other.id in one.twins | one.scene_mates or one.group == other.group != "":
                together.join(one.id, other.id)
    sides = replay_sides(history[0], SHARES, SEED).sides
    assert all(len({sides[name] for name in members}) == 1 for members in together.all())


@given(histories())
@settings(max_examples=100, deadline=None)
def test_pinned_photos_test_and_nothing_joins_them(history: list[list[Arrival]]) -> None:
    arrivals = joined(history)
    replay = replay_sides(arrivals, SHARES, SEED)
    pinned = {one.id for one in arrivals if one.pinned}
    if pinned:
        assert {name for name, side in replay.sides.items() if side is Side.TEST} == pinned


@given(histories(with_pins=False), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_the_rows_does_not_matter(history: list[list[Arrival]], random: object) -> None:
    arrivals = joined(history)
    shuffled = list(arrivals)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    batches = [Batch(str(number), "", "", 0) for number in range(4)]
    first = replay_sides(in_intake_order(arrivals, batches), SHARES, SEED)
    assert replay_sides(in_intake_order(shuffled, batches), SHARES, SEED) == first


@given(st.sets(st.text(max_size=8), min_size=1, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_photos_without_company_are_placed_alike_in_any_order_and_number(names: set[str], random: object) -> None:
    order = sorted(names)
    random.shuffle(order)  # type: ignore[attr-defined]
    sides = replayed(*(arrival(name, str(number)) for number, name in enumerate(order))).sides
    assert sides == {name: alone(name) for name in names}


def test_equal_bytes_are_placed_alike() -> None:
    copies = [dataclasses.replace(arrival(f"copy-{number}"), sha256=sha256_of("one")) for number in range(9)]
    assert len(set(replayed(*copies).sides.values())) == 1


def test_the_shares_are_about_right_on_five_thousand_photos() -> None:
    sides = Counter(replayed(*(arrival(f"{number}.jpg") for number in range(5000))).sides.values())
    assert sides[Side.TEST] / 5000 == pytest.approx(0.2, abs=0.02)
    assert sides[Side.VALIDATION] / 5000 == pytest.approx(0.2, abs=0.02)
    assert sides[Side.TRAIN] / 5000 == pytest.approx(0.6, abs=0.02)


def test_with_a_pinned_batch_train_and_validation_keep_their_proportion() -> None:
    photos = [arrival(f"{number}.jpg") for number in range(5000)]
    sides = Counter(replayed(arrival("published", "published", pinned=True), *photos).sides.values())
    assert sides[Side.TEST] == 1
    assert sides[Side.VALIDATION] / sides[Side.TRAIN] == pytest.approx(0.2 / 0.6, abs=0.03)


def test_the_seed_changes_the_placement() -> None:
    photos = [arrival(f"{number}.jpg") for number in range(100)]
    assert replay_sides(photos, SHARES, 1).sides != replay_sides(photos, SHARES, 2).sides


@pytest.mark.parametrize("name", (TRAIN, VALIDATION, TEST))
def test_a_photo_joins_the_side_of_its_twin(name: str) -> None:
    for newcomer in (TRAIN_2, named(Side.VALIDATION, 1), named(Side.TEST, 1)):
        sides = replayed(arrival(name, twins=[newcomer]), arrival(newcomer, "second", twins=[name])).sides
        assert sides[newcomer] is sides[name] is alone(name)


def test_a_photo_between_train_and_test_joins_test_and_sends_its_training_twin_out() -> None:
    replay = replayed(
        arrival(TRAIN, twins=["between"]),
        arrival(TEST, twins=["between"]),
        arrival("between", "second", twins=[TRAIN, TEST]),
    )
    assert replay.sides == {TRAIN: Side.NONE, TEST: Side.TEST, "between": Side.TEST}
    assert replay.bridges == {TRAIN}


def test_a_photo_between_train_and_validation_joins_validation() -> None:
    replay = replayed(
        arrival(TRAIN, twins=["between"]),
        arrival(VALIDATION, twins=["between"]),
        arrival("between", "second", twins=[TRAIN, VALIDATION]),
    )
    assert replay.sides == {TRAIN: Side.NONE, VALIDATION: Side.VALIDATION, "between": Side.VALIDATION}


def test_a_twin_of_a_pinned_photo_gets_no_side() -> None:
    replay = replayed(arrival("published", "p", pinned=True, twins=[TRAIN]), arrival(TRAIN, twins=["published"]))
    assert replay.sides[TRAIN] is Side.NONE
    assert replay.twins_of_pinned == {TRAIN}


def test_members_of_a_given_group_share_a_side() -> None:
    names = [f"patch-{number}" for number in range(40)]
    sides = replayed(*(arrival(name, name[-1], group="wall") for name in names)).sides
    assert len(set(sides.values())) == 1


def test_a_given_group_that_is_partly_pinned_does_not_train() -> None:
    replay = replayed(arrival("published", "p", pinned=True, group="wall"), arrival(TRAIN, group="wall"))
    assert replay.sides[TRAIN] is Side.NONE
    assert replay.bridges == {TRAIN}


def test_a_scene_that_is_partly_pinned_is_cut() -> None:
    sides = replayed(
        arrival("published", "p", pinned=True, scene_mates=[TRAIN]), arrival(TRAIN, scene_mates=["published"])
    ).sides
    assert sides[TRAIN] is not Side.TEST
    assert sides[TRAIN] is not Side.NONE


def test_a_scene_of_one_batch_is_placed_together_through_a_photo_that_comes_last() -> None:
    sides = replayed(
        arrival(TRAIN, scene_mates=["z"]), arrival(TEST, scene_mates=["z"]), arrival("z", scene_mates=[TRAIN, TEST])
    ).sides
    assert len(set(sides.values())) == 1


def test_a_later_photo_that_joins_two_scenes_moves_neither() -> None:
    replay = replayed(
        arrival(TRAIN, scene_mates=["z"]),
        arrival(TEST, scene_mates=["z"]),
        arrival("z", "second", scene_mates=[TRAIN, TEST]),
    )
    assert replay.sides == {TRAIN: Side.TRAIN, TEST: Side.TEST, "z": Side.TEST}
    assert cut_groups(("scene-1", side) for side in replay.sides.values()) == {"scene-1"}


def test_photos_without_a_group_or_a_side_are_no_cut() -> None:
    assert cut_groups([("", Side.TRAIN), ("", Side.TEST), ("wall", Side.TRAIN), ("wall", Side.NONE)]) == frozenset()


def photo(path: str, *, sha256: str = "", group: str = "", label: str | None = "crack") -> PhotoRow:
    measures = {field.name: 0 for field in dataclasses.fields(PhotoRow)}
    texts = dict.fromkeys(("error", "format", "mode", "mask", "url", "licence", "author", "taken_at"), "")
    values = {**measures, **texts, "thumbnail": b""}
    values |= {"path": path, "batch": path.split("/")[1], "label": label, "sha256": sha256 or sha256_of(path)}
    return PhotoRow(**{**values, "group": group})  # type: ignore[arg-type]


def pair(first: str, second: str, tier: int) -> DuplicateRow:
    return DuplicateRow(first, second, tier, 0, 1.0, None, None)


def test_pinned_batches_arrive_first_then_the_others_as_recorded() -> None:
    batches = [Batch("b", "", "", 1), Batch("a", "", "", 1), Batch("p", "test", "", 1)]
    photos = [photo(f"data/{name}/crack/{file}.jpg") for name in ("a", "b", "p") for file in ("2", "1")]
    assert [one.id[5:] for one in arrivals_of(photos, [], batches)] == [
        "p/crack/1.jpg",
        "p/crack/2.jpg",
        "b/crack/1.jpg",
        "b/crack/2.jpg",
        "a/crack/1.jpg",
        "a/crack/2.jpg",
    ]


def test_equal_bytes_share_their_twins_without_a_pair_of_their_own() -> None:
    first, copy, other = (photo(f"data/b/crack/{name}.jpg", sha256=sha256_of(name[0])) for name in ("a1", "a2", "c"))
    arrivals = arrivals_of([first, copy, other], [pair(first.path, other.path, 1)], [Batch("b", "", "", 3)])
    everyone = {first.path, copy.path, other.path}
    assert [one.twins | {one.id} for one in arrivals] == [everyone] * 3


def test_files_without_bytes_are_no_twins() -> None:
    lost = [dataclasses.replace(photo(f"data/b/crack/{name}.jpg"), sha256="") for name in "ab"]
    assert [one.twins for one in arrivals_of(lost, [], [Batch("b", "", "", 2)])] == [frozenset(), frozenset()]


def test_scenes_come_from_the_pairs_and_not_from_the_names_that_were_found() -> None:
    first, second = photo("data/b/crack/1.jpg", group="scene-abc"), photo("data/b/crack/2.jpg", group="wall")
    arrivals = arrivals_of([first, second], [pair(first.path, second.path, 2)], [Batch("b", "", "", 2)])
    assert [one.group for one in arrivals] == ["", "wall"]
    assert second.path in arrivals[0].scene_mates


def test_unlabelled_photos_arrive_too_so_that_a_later_label_moves_nothing() -> None:
    unlabelled = photo("data/b/_unlabelled/1.jpg", label=None)
    assert len(arrivals_of([unlabelled], [], [Batch("b", "", "", 1)])) == 1


def test_a_batch_that_was_never_taken_in_is_refused() -> None:
    with pytest.raises(DataError, match="does not know the batches stranger"):
        arrivals_of([photo("data/stranger/crack/1.jpg")], [], [])
