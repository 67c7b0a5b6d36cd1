"""Which copy stays, on drawn graphs of likeness."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.parameters import SplitParameters
from pipeline.photos.clusters import Company
from pipeline.photos.keeping import Choice, Standing, choose, derived_photos, pinned_reasons
from pipeline.photos.records import Batch, DuplicateRow, PhotoRow, Side
from pipeline.photos.sides import Replay, arrivals_of, intake_positions, replay_sides

BATCHES = tuple(Batch(name, "", "", 1) for name in ("one", "two", "three"))
POSITION = intake_positions((), BATCHES)
SHARES = SplitParameters(validation=0.2, test=0.4)


def photo(name: str, batch: str = "one", label: str | None = "wall", *, side: int = 100) -> PhotoRow:
    path = f"data/{batch}/{label}/{name}"
    sha256 = hashlib.sha256(path.encode()).hexdigest()
    measures = (0.1, 0.9, 7.0, 0.5, 0.2)
    return PhotoRow(
        path, batch, label, sha256, 9, "", "JPEG", "RGB", 1, side, side, 0, 0, 0, b"", *measures, "", "", "", "", "", ""
    )


def pairs_of(photos: Sequence[PhotoRow], links: Collection[tuple[int, int]]) -> list[DuplicateRow]:
    ends = [sorted((photos[one].path, photos[other].path)) for one, other in links if one != other]
    return [DuplicateRow(first, second, 1, 0, 1.0, None, None) for first, second in ends]


def chosen(photos: Sequence[PhotoRow], links: Collection[tuple[int, int]], **standing: Collection[str]) -> Choice:
    known = {"test": set(), "sent_out": set(), "kept_by_person": set(), **standing}
    company = Company(photos, pairs_of(photos, links), POSITION)
    return choose(company, Standing({one.path: one for one in photos}, POSITION, **known))  # type: ignore[arg-type]


CHAIN = [(0, 1), (1, 2)]


def test_a_photo_that_links_two_kept_ones_goes_and_they_stay() -> None:
    photos = [photo("a", side=300), photo("b", side=100), photo("c", side=200)]
    assert chosen(photos, CHAIN).copies == {photos[1].path}


def test_of_a_chain_the_best_stays_and_those_next_to_it_go() -> None:
    photos = [photo("a"), photo("b", side=200), photo("c")]
    assert chosen(photos, CHAIN).copies == {photos[0].path, photos[2].path}


def test_a_photo_two_steps_from_the_test_goes() -> None:
    photos = [photo("a"), photo("b"), photo("c", side=300), photo("d")]
    choice = chosen(photos, [*CHAIN, (2, 3)], test={photos[0].path})
    assert choice.copies == {photos[1].path, photos[2].path}


def test_a_photo_two_steps_from_another_label_goes() -> None:
    photos = [photo("a"), photo("b"), photo("c", label="arch"), photo("d"), photo("e"), photo("f")]
    choice = chosen(photos, [(0, 1), (1, 2), (0, 3), (3, 4), (4, 5)])
    assert choice.conflicts == {photos[0].path, photos[1].path, photos[2].path}
    assert choice.copies == {photos[4].path}


@pytest.mark.parametrize(("side", "stays"), ((100, "a"), (200, "a"), (201, "b")))
def test_the_original_stays_before_a_part_of_it_unless_it_is_much_smaller(side: int, stays: str) -> None:
    photos = [photo("a"), photo("b", side=side)]
    (pair,) = pairs_of(photos, [(0, 1)])
    derived = derived_photos(photos, [replace(pair, derived="second")])
    (gone,) = chosen(photos, [(0, 1)], derived=derived).copies
    assert gone[-1] != stays
    (gone,) = chosen(photos, [(0, 1)], derived=derived_photos(photos, [replace(pair, derived="first")])).copies
    assert gone[-1] == "a"


def test_a_photo_that_lost_its_side_stands_in_for_no_copy() -> None:
    photos = [photo("a", side=300), photo("b")]
    assert chosen(photos, [(0, 1)], sent_out={photos[0].path}).copies == set()


def test_pinned_photos_send_out_what_is_within_two_steps() -> None:
    photos = [photo("p"), photo("b"), photo("c", label="arch"), photo("d"), photo("q", label="arch")]
    company = Company(photos, pairs_of(photos, [(0, 1), (1, 2), (2, 3), (0, 4)]), POSITION)
    reasons = pinned_reasons(company, [photos[0].path, photos[4].path], {one.path: one.label for one in photos})
    assert {path[-1]: sorted(found) for path, found in reasons.items()} == {
        "p": ["contested", "copy"],
        "q": ["contested", "copy"],
        "b": ["label_conflict", "twin_of_pinned"],
        "c": ["label_conflict", "twin_of_pinned"],
    }


drawn_photos = st.lists(
    st.tuples(
        st.sampled_from(("one", "two", "three")),
        st.sampled_from(("wall", "wall", "wall", "arch", None)),
        st.integers(100, 103),
        st.sampled_from(("", "", "g")),
    ),
    min_size=1,
    max_size=12,
)
drawn_links = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14)


def settled(
    photos: Sequence[PhotoRow], pairs: Sequence[DuplicateRow], kept_by_person: Collection[str] = ()
) -> tuple[Choice, Replay, set[str]]:
    """What is chosen after the replay, and the paths of the photos that stay."""
    replay = replay_sides(arrivals_of(photos, pairs, BATCHES), SHARES, 7)
    standing = Standing(
        candidates={one.path: one for one in photos},
        position=POSITION,
        test={path for path, side in replay.sides.items() if side is Side.TEST},
        sent_out=replay.bridges,
        kept_by_person=set(kept_by_person),
    )
    choice = choose(Company(photos, pairs, POSITION), standing)
    return choice, replay, {one.path for one in photos} - choice.copies - choice.conflicts - replay.bridges


def rows_of(drawn: list[tuple[str, str | None, int, str]]) -> list[PhotoRow]:
    return [
        replace(photo(f"{number:02}", batch, label, side=side), group=group)
        for number, (batch, label, side, group) in enumerate(drawn)
    ]


def links_among(photos: Sequence[PhotoRow], links: list[tuple[int, int]]) -> list[DuplicateRow]:
    return pairs_of(photos, {(one, other) for one, other in links if max(one, other) < len(photos)})


@given(drawn=drawn_photos, links=drawn_links, order=st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_choice_depends_on_no_order(drawn, links, order) -> None:
    photos = rows_of(drawn)
    pairs = links_among(photos, links)
    again = settled(order.sample(photos, len(photos)), order.sample(pairs, len(pairs)))
    assert again == settled(photos, pairs)


@given(drawn=drawn_photos, links=drawn_links)
@settings(max_examples=150, deadline=None)
def test_no_two_copies_stay_unless_the_test_side_measured_both(drawn, links) -> None:
    photos = rows_of(drawn)
    pairs = links_among(photos, links)
    choice, replay, kept = settled(photos, pairs)
    for pair in pairs:
        if {pair.first, pair.second} <= kept:
            assert replay.sides[pair.first] is replay.sides[pair.second] is Side.TEST
    company = Company(photos, pairs, POSITION)
    measured = {path for path in kept if replay.sides[path] is Side.TEST}
    for path in choice.copies:
        assert company.within([path], 1) & kept or company.within([path], 2) & measured


@pytest.mark.parametrize("with_keeps", (False, True))
@given(drawn=drawn_photos, links=drawn_links)
@settings(max_examples=150, deadline=None)
def test_no_later_batch_takes_a_photo_from_the_test_side(with_keeps, drawn, links) -> None:
    photos = rows_of(drawn)
    pairs = links_among(photos, links)
    by_person = [one.path for one in photos[::3]] if with_keeps else []
    for until in range(1, len(BATCHES)):
        early = [one for one in photos if POSITION[one.batch] < until]
        names = {one.path for one in early}
        known = [pair for pair in pairs if {pair.first, pair.second} <= names]
        _, before, kept_before = settled(early, known, by_person)
        _, after, kept_after = settled(photos, pairs, by_person)
        labelled = {one.path for one in early if one.label is not None}
        measured = {path for path in kept_before & labelled if before.sides[path] is Side.TEST}
        assert measured <= kept_after
        assert all(after.sides[path] is Side.TEST for path in measured)
