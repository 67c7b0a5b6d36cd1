import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import DataError
from pipeline.core.parameters import CleanParameters, SplitParameters
from pipeline.photos.cleaning import CleanInputs, CleanResult, clean_photos
from pipeline.photos.decisions import HumanDecision
from pipeline.photos.fingerprints import perceptual_hash
from pipeline.photos.groups import SceneCounts
from pipeline.photos.records import Batch, CleanRow, PhotoRow, Side
from pipeline.photos.scenes import SceneVectors
from pipeline.photos.sides import arrivals_of, replay_sides

FIRST, SECOND, THIRD = (Batch(name, "", "0" * 64, 1) for name in ("1st", "2nd", "3rd"))
PINNED = Batch("pinned", "test", "0" * 64, 1)
ALL_TRAIN = SplitParameters(validation=0, test=0)
NEARLY_ALL_TEST = SplitParameters(validation=0, test=0.999)


def photo(batch: Batch, name: str, scene: int, label: str | None = "wall", **measures: object) -> PhotoRow:
    """A good photo; photos of one scene number are the same photo under other bytes."""
    pixels = np.kron(np.random.default_rng(scene).integers(0, 256, (8, 8), dtype=np.uint8), np.ones((6, 6), np.uint8))
    path = f"data/{batch.batch}/{label or '_unlabelled'}/{name}.jpg"
    row = PhotoRow(
        path=path,
        batch=batch.batch,
        label=label,
        sha256=hashlib.sha256(path.encode()).hexdigest(),
        num_bytes=1000,
        error="",
        format="JPEG",
        mode="RGB",
        orientation=1,
        width=200,
        height=150,
        phash=perceptual_hash(pixels),
        mirrored_phash=perceptual_hash(pixels[:, ::-1]),
        dhash=0,
        thumbnail=pixels.tobytes(),
        brightness_low=0.1,
        brightness_high=0.9,
        entropy=7.0,
        sharpness=0.5,
        colourfulness=0.2,
        group="",
        mask="",
        url="",
        licence="",
        author="",
        taken_at="",
    )
    return replace(row, **measures)


def cleaned(
    photos: list[PhotoRow],
    *decisions: HumanDecision,
    split: SplitParameters = ALL_TRAIN,
    batches: tuple[Batch, ...] = (FIRST, SECOND, THIRD, PINNED),
    vectors: SceneVectors | None = None,
) -> CleanResult:
    return clean_photos(CleanInputs(photos, batches, decisions, vectors), CleanParameters(), split, seed=7)


def verdicts(result: CleanResult) -> dict[str, str]:
    """`keep` or `quarantine` with the reasons, by file name without its ending."""
    return {name_of(row): f"{row.decision} {row.reasons}".strip() for row in result.photos}


def name_of(row: CleanRow) -> str:
    return row.path.rsplit("/", 1)[1].removesuffix(".jpg")


def decision(row: PhotoRow, verdict: str, label: str = "") -> HumanDecision:
    return HumanDecision(row.sha256, verdict, label, reason="looked at it", by="Ada")


GOOD = photo(FIRST, "good", 999)

QUALITY = (
    ("tiny", {"width": 31, "height": 31}),
    ("odd_aspect_ratio", {"width": 401, "height": 100}),
    ("dark", {"brightness_high": 0.149}),
    ("washed_out", {"brightness_low": 0.951}),
    ("low_information", {"entropy": 1.99}),
    ("blurred", {"sharpness": 0.279}),
)
AT_THE_BORDER = {"width": 128, "height": 32, "brightness_high": 0.15, "brightness_low": 0.95, "entropy": 2.0}


@pytest.mark.parametrize(("reason", "measures"), QUALITY)
def test_a_photo_below_a_quality_rule_is_quarantined_for_it(reason: str, measures: dict[str, object]) -> None:
    result = cleaned([GOOD, photo(FIRST, "poor", 1, **measures)])
    assert verdicts(result) == {"good": "keep", "poor": f"quarantine {reason}"}


def test_a_photo_at_the_border_of_every_rule_is_kept() -> None:
    assert verdicts(cleaned([photo(FIRST, "a", 1, sharpness=0.28, **AT_THE_BORDER)])) == {"a": "keep"}


@pytest.mark.parametrize(("reason", "measures"), QUALITY)
def test_a_poor_photo_of_a_pinned_batch_is_flagged_and_kept(reason: str, measures: dict[str, object]) -> None:
    assert verdicts(cleaned([GOOD, photo(PINNED, "poor", 1, **measures)]))["poor"] == f"keep {reason}"


def test_a_colourless_photo_is_only_flagged() -> None:
    assert verdicts(cleaned([photo(FIRST, "grey", 1, colourfulness=0.0)])) == {"grey": "keep colourless"}


@pytest.mark.parametrize("batch", (FIRST, PINNED))
def test_an_unreadable_file_is_quarantined_even_where_its_batch_is_pinned_or_a_person_keeps_it(batch: Batch) -> None:
    broken = photo(batch, "broken", 1, error="damaged photo", thumbnail=b"", width=0, height=0)
    assert verdicts(cleaned([GOOD, broken]))["broken"] == "quarantine unreadable"
    result = cleaned([GOOD, broken], decision(broken, "keep"))
    assert verdicts(result)["broken"] == "quarantine kept_by_person,unreadable"
    assert [one.sha256 for one in result.overruled] == [broken.sha256]


def test_off_the_test_side_the_larger_copy_stays_though_it_came_later() -> None:
    rows = [photo(SECOND, "larger", 1, width=999, height=999), photo(FIRST, "earlier", 1)]
    result = cleaned(rows)
    assert verdicts(result) == {"earlier": "quarantine copy_of_kept", "larger": "keep"}
    assert len({row.cluster for row in result.photos}) == 1
    assert result.photos[0].cluster == "photo-" + min(row.sha256 for row in rows)[:12]


@pytest.mark.parametrize(
    ("better", "worse"),
    (
        ({"width": 400, "height": 300, "sharpness": 0.3}, {"sharpness": 0.9}),
        ({"sharpness": 0.9}, {"sharpness": 0.3}),
    ),
    ids=("larger", "sharper"),
)
def test_of_copies_of_one_batch_the_better_stays(better: dict[str, object], worse: dict[str, object]) -> None:
    result = cleaned([photo(FIRST, "a", 1, **worse), photo(FIRST, "b", 1, **better)])
    assert verdicts(result) == {"a": "quarantine copy_of_kept", "b": "keep"}


def test_on_the_test_side_no_later_copy_displaces_an_earlier_one() -> None:
    rows = [photo(SECOND, "larger", 1, width=999, height=999), photo(FIRST, "earlier", 1)]
    result = cleaned(rows, split=NEARLY_ALL_TEST)
    assert verdicts(result) == {"earlier": "keep", "larger": "quarantine copy_of_kept"}


def test_of_equally_good_copies_the_one_of_the_earliest_batch_stays() -> None:
    assert verdicts(cleaned([photo(SECOND, "a", 1), photo(FIRST, "b", 1)]))["b"] == "keep"


def test_of_equal_copies_the_first_by_path_stays() -> None:
    assert verdicts(cleaned([photo(FIRST, "b", 1), photo(FIRST, "a", 1)]))["a"] == "keep"


def test_a_labelled_copy_stays_before_an_unlabelled_one_that_came_earlier() -> None:
    result = cleaned([photo(FIRST, "nameless", 1, None), photo(SECOND, "named", 1)])
    assert verdicts(result) == {"nameless": "quarantine copy_of_kept", "named": "keep"}


def test_a_poor_copy_never_stands_in_for_a_good_one() -> None:
    result = cleaned([photo(FIRST, "dark", 1, brightness_high=0.1, width=400, height=300), photo(SECOND, "good", 1)])
    assert verdicts(result) == {"dark": "quarantine dark", "good": "keep"}


def test_copies_under_two_labels_all_go() -> None:
    result = cleaned([GOOD, photo(FIRST, "a", 1, "wall"), photo(FIRST, "b", 1, "arch"), photo(SECOND, "c", 1, "wall")])
    gone = dict.fromkeys("abc", "quarantine label_conflict")
    assert verdicts(result) == {"good": "keep", **gone}


def test_an_earlier_test_photo_stays_when_a_later_batch_contests_its_label() -> None:
    rows = [photo(FIRST, "measured", 1, "wall"), photo(SECOND, "newcomer", 1, "arch")]
    result = cleaned(rows, split=NEARLY_ALL_TEST)
    assert verdicts(result) == {"measured": "keep contested", "newcomer": "quarantine label_conflict"}
    in_training = cleaned([GOOD, *rows], split=ALL_TRAIN)
    assert verdicts(in_training)["measured"] == "quarantine label_conflict"


def test_copies_of_a_pinned_photo_go_and_pinned_copies_stay() -> None:
    rows = [
        photo(PINNED, "p", 1),
        photo(PINNED, "q", 1),
        photo(FIRST, "same", 1),
        photo(FIRST, "other label", 1, "arch"),
        GOOD,
    ]
    assert verdicts(cleaned(rows)) == {
        "p": "keep copy",
        "q": "keep copy",
        "same": "quarantine twin_of_pinned",
        "other label": "quarantine label_conflict,twin_of_pinned",
        "good": "keep",
    }


def test_pinned_copies_under_two_labels_are_flagged() -> None:
    rows = [photo(PINNED, "p", 1, "wall"), photo(PINNED, "q", 1, "arch")]
    assert verdicts(cleaned(rows)) == {"p": "keep contested,copy", "q": "keep contested,copy"}


def test_a_test_arrival_sends_its_earlier_twin_out_of_training() -> None:
    # Two photos of one group, the first of which lies on the test side, draw the twin of a training photo there.
    split = SplitParameters(validation=0, test=0.5)
    sides = {}
    for number in range(40):
        alone = photo(FIRST, f"{number}", number)
        after = replace(photo(SECOND, "after", number), group="g")
        tester = photo(FIRST, "tester", 500, group="g")
        found = verdicts(cleaned([alone, tester, after], split=split))
        sides[found[f"{number}"]] = found["after"]
    assert sides == {"keep": "quarantine copy_of_kept", "quarantine bridges_test": "keep"}


def test_a_person_drops_keeps_and_relabels_by_the_hash_of_the_bytes() -> None:
    poor = photo(FIRST, "poor", 1, sharpness=0.001)
    fine = photo(FIRST, "fine", 2)
    wrong = photo(FIRST, "wrong", 3, "wall")
    arch = photo(FIRST, "arch", 4, "arch")
    result = cleaned(
        [poor, fine, wrong, arch], decision(poor, "keep"), decision(fine, "drop"), decision(wrong, "relabel", "arch")
    )
    assert verdicts(result) == {
        "poor": "keep blurred,kept_by_person",
        "fine": "quarantine dropped_by_person",
        "wrong": "keep relabelled_by_person",
        "arch": "keep",
    }
    assert {name_of(row): row.label for row in result.photos}["wrong"] == "arch"
    assert result.overruled == result.unmatched == []


def test_relabelling_settles_a_conflict_before_it_is_judged() -> None:
    first, second = photo(FIRST, "a", 1, "wall", sharpness=0.9), photo(FIRST, "b", 1, "arch")
    result = cleaned([first, second], decision(second, "relabel", "wall"))
    assert verdicts(result) == {"a": "keep", "b": "quarantine copy_of_kept,relabelled_by_person"}


def test_a_photo_kept_by_a_person_wins_over_its_copies() -> None:
    first, second = photo(FIRST, "a", 1, width=400, height=300), photo(FIRST, "b", 1)
    assert verdicts(cleaned([first, second], decision(second, "keep"))) == {
        "a": "quarantine copy_of_kept",
        "b": "keep kept_by_person",
    }
    other = photo(FIRST, "c", 1, "arch")
    assert verdicts(cleaned([first, other], decision(other, "keep"))) == {
        "a": "quarantine label_conflict",
        "c": "keep kept_by_person",
    }


def test_no_decision_brings_a_copy_of_a_pinned_photo_into_training() -> None:
    twin = photo(FIRST, "twin", 1)
    result = cleaned([GOOD, twin, photo(PINNED, "p", 1)], decision(twin, "keep"))
    assert verdicts(result)["twin"] == "quarantine kept_by_person,twin_of_pinned"
    assert [one.sha256 for one in result.overruled] == [twin.sha256]
    assert any(twin.sha256 in warning for warning in result.warnings)


def test_a_photo_relabelled_to_a_class_that_the_run_leaves_out_goes() -> None:
    lost = photo(FIRST, "lost", 1)
    result = cleaned([GOOD, lost], decision(lost, "relabel", "gargoyle"))
    assert verdicts(result)["lost"] == "quarantine class_not_in_run,relabelled_by_person"


def test_keep_on_both_photos_of_a_pair_tells_them_apart() -> None:
    first, second, copy = (photo(FIRST, name, 1, width=width) for name, width in (("a", 400), ("b", 300), ("c", 200)))
    result = cleaned([first, second, copy], decision(first, "keep"), decision(second, "keep"))
    assert verdicts(result) == {
        "a": "keep kept_by_person",
        "b": "keep kept_by_person",
        "c": "quarantine copy_of_kept",
    }
    (scene,) = (pair for pair in result.duplicates if pair.tier == 2)
    assert {scene.first, scene.second} == {first.path, second.path}
    assert scene.relation == "scene"


def test_two_photos_told_apart_may_have_two_labels_and_one_may_be_pinned() -> None:
    first, second, pinned = photo(FIRST, "a", 1, "wall"), photo(SECOND, "b", 1, "arch"), photo(PINNED, "p", 1, "wall")
    apart = (decision(first, "keep"), decision(second, "keep"))
    assert set(verdicts(cleaned([first, second], *apart)).values()) == {"keep kept_by_person"}
    result = cleaned([second, pinned, GOOD], decision(second, "keep"), decision(pinned, "keep"))
    assert verdicts(result)["b"] == "keep kept_by_person"


def test_equal_bytes_are_never_two_photos_and_keep_cannot_settle_their_label() -> None:
    first = photo(FIRST, "a", 1, "wall")
    again = replace(photo(FIRST, "b", 1, "wall"), sha256=first.sha256)
    result = cleaned([first, again], decision(first, "keep"))
    assert sorted(verdicts(result).values()) == ["keep kept_by_person", "quarantine copy_of_kept,kept_by_person"]
    assert result.overruled == []
    elsewhere = replace(photo(FIRST, "b", 1, "arch"), sha256=first.sha256)
    result = cleaned([GOOD, first, elsewhere], decision(first, "keep"))
    assert verdicts(result)["a"] == verdicts(result)["b"] == "quarantine kept_by_person,label_conflict"
    assert [one.sha256 for one in result.overruled] == [first.sha256]


def test_photos_that_a_person_put_together_share_a_given_group() -> None:
    rows = [photo(FIRST, name, number) for number, name in enumerate("abc")]
    together = [HumanDecision(row.sha256, "together", group="tower") for row in rows[:2]]
    result = cleaned(rows, *together)
    assert {name_of(row): row.group for row in result.photos} == {"a": "tower", "b": "tower", "c": ""}
    assert result.unmatched == []
    alone = cleaned(rows[1:], together[1])
    assert alone.unmatched == [together[1]]


def test_decisions_on_photos_that_are_not_there_are_handed_back() -> None:
    stray = HumanDecision("f" * 64, "drop", by="Ada")
    assert cleaned([GOOD], stray).unmatched == [stray]


def test_scenes_give_groups_but_a_given_group_goes_before() -> None:
    rows = [photo(FIRST, "a", 1), photo(FIRST, "b", 2), photo(FIRST, "c", 3, group="abbey"), photo(FIRST, "d", 4)]
    vectors = SceneVectors([row.path for row in rows], np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1]], dtype=np.float32))
    result = cleaned(rows, vectors=vectors)
    groups = {name_of(row): row.group for row in result.photos}
    scene = "scene-" + min(row.sha256 for row in rows[:3])[:12]
    assert groups == {"a": scene, "b": scene, "c": "abbey", "d": ""}
    assert result.scenes == SceneCounts(photos=3, groups=1, largest=3, capped_pairs=0, capped_groups=0, cut=0)
    assert {pair.tier for pair in result.duplicates} == {2}
    assert set(verdicts(result).values()) == {"keep"}


def test_scenes_that_are_capped_are_warned_of() -> None:
    rows = [photo(FIRST, name, number) for number, name in enumerate("abc")]
    vectors = SceneVectors([row.path for row in rows], np.array([[1, 0], [1, 0.1], [1, 0.2]], dtype=np.float32))
    parameters = CleanParameters(max_scene_photos=2)
    result = clean_photos(CleanInputs(rows, (FIRST,), (), vectors), parameters, ALL_TRAIN, seed=7)
    assert (result.scenes.largest, result.scenes.capped_pairs, result.scenes.capped_groups) == (2, 2, 1)
    assert [warning.split(";")[0] for warning in result.warnings] == [
        "1 scenes would have more than 2 photos, clean.max_scene_photos"
    ]


def test_a_rule_that_trips_over_more_than_a_fifth_is_warned_of() -> None:
    rows = [photo(FIRST, f"{number}", number, sharpness=0.001 if number < 3 else 0.5) for number in range(10)]
    assert [warning.split()[0] for warning in cleaned(rows).warnings] == ["blurred"]
    assert cleaned(rows[1:]).warnings != []
    assert cleaned(rows[2:]).warnings == []
    grey = [photo(FIRST, f"{number}", number, colourfulness=0.0 if number < 3 else 0.5) for number in range(10)]
    assert [warning.split()[0] for warning in cleaned(grey).warnings] == ["colourless"]


def test_nothing_left_is_refused_with_the_reasons() -> None:
    rows = [photo(FIRST, f"{number}", number, sharpness=0.001) for number in range(3)]
    with pytest.raises(DataError, match=r"none of 3 photos is both labelled and kept; reasons: blurred 3"):
        cleaned(rows)
    with pytest.raises(DataError, match="labelled and kept"):
        cleaned([photo(FIRST, "a", 1, None)])


def test_a_batch_that_was_never_taken_in_is_refused() -> None:
    with pytest.raises(DataError, match="does not know the batches 1st"):
        cleaned([GOOD], batches=(PINNED,))


arrivals = st.lists(
    st.tuples(
        st.sampled_from((FIRST, SECOND, THIRD, PINNED)),
        st.integers(0, 5),
        st.sampled_from(("wall", "arch", None)),
        st.sampled_from((0.001, 0.5)),
    ),
    min_size=1,
    max_size=14,
)


def drawn(arrived: list[tuple[Batch, int, str | None, float]]) -> list[PhotoRow]:
    return [
        photo(batch, f"{number:02}", scene, label, sharpness=sharpness)
        for number, (batch, scene, label, sharpness) in enumerate(arrived)
    ] + [photo(FIRST, "good", 999)]


@given(arrived=arrivals, order=st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_outcome_is_the_same_for_any_order_of_photos_and_decisions(arrived, order) -> None:
    rows = drawn(arrived)
    decisions = [decision(row, verdict) for row, verdict in zip(rows[:-1], ("keep", "drop"), strict=False)]
    split = SplitParameters(validation=0.2, test=0.3)
    expected = cleaned(rows, *decisions, split=split)
    again = cleaned(order.sample(rows, len(rows)), *reversed(decisions), split=split)
    assert replace(again, compared=expected.compared) == expected
    assert [row.path for row in expected.photos] == sorted(row.path for row in rows)


@given(arrived=arrivals)
@settings(max_examples=40, deadline=None)
def test_one_copy_at_most_stays_of_unpinned_photos_and_none_beside_a_pinned_one(arrived) -> None:
    result = cleaned(drawn(arrived), split=SplitParameters(validation=0.2, test=0.3))
    kept = [row for row in result.photos if row.decision == "keep" and row.cluster]
    for cluster in {row.cluster for row in kept}:
        members = [row for row in kept if row.cluster == cluster]
        if any(row.batch == PINNED.batch for row in members):
            assert all(row.batch == PINNED.batch for row in members)
        else:
            assert len(members) == 1


@given(arrived=arrivals)
@settings(max_examples=40, deadline=None)
def test_no_later_batch_removes_a_photo_that_was_on_the_test_side(arrived) -> None:
    rows = [row for row in drawn(arrived) if row.batch != PINNED.batch]
    before = cleaned([row for row in rows if row.batch != THIRD.batch], split=NEARLY_ALL_TEST)
    after = cleaned(rows, split=NEARLY_ALL_TEST)
    kept_before = {row.path for row in before.photos if row.decision == "keep" and row.label is not None}
    kept_after = {row.path for row in after.photos if row.decision == "keep"}
    assert kept_before <= kept_after


company = st.lists(
    st.tuples(
        st.sampled_from((FIRST, SECOND, THIRD)),
        st.integers(0, 6),
        st.integers(0, 40),
        st.sampled_from(("", "", "abbey", "tower")),
        st.sampled_from((None, None, None, "keep", "together")),
    ),
    min_size=1,
    max_size=12,
)


@given(arrived=company)
@settings(max_examples=30, deadline=None)
def test_with_copies_scenes_groups_and_decisions_no_later_batch_moves_a_measured_photo(arrived) -> None:
    rows = [
        photo(batch, f"{number:02}", copy_of, group=group, width=100 + number)
        for number, (batch, copy_of, _, group, _) in enumerate(arrived)
    ] + [GOOD]
    angles = np.radians([*(degrees for _, _, degrees, _, _ in arrived), 180])
    vectors = SceneVectors([row.path for row in rows], np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32))
    decided = [(row, verdict) for row, (*_, verdict) in zip(rows[:-1], arrived, strict=True) if verdict]
    decisions = [HumanDecision(row.sha256, verdict, group="g" * (verdict == "together")) for row, verdict in decided]
    parameters = CleanParameters(min_scene_cosine=0.99, max_scene_photos=3)
    split = SplitParameters(validation=0.2, test=0.4)

    def measured(until: int) -> set[str]:
        batches = (FIRST, SECOND, THIRD)[:until]
        present = [row for row in rows if row.batch in {batch.batch for batch in batches}]
        result = clean_photos(CleanInputs(present, batches, decisions, vectors), parameters, split, seed=7)
        replay = replay_sides(arrivals_of(result.photos, result.duplicates, batches), split, 7)
        assert all(replay.sides[row.path] is not Side.NONE for row in result.photos if row.decision == "keep")
        return {row.path for row in result.photos if row.decision == "keep" and replay.sides[row.path] is Side.TEST}

    assert measured(1) <= measured(2) <= measured(3)
