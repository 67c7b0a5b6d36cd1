"""What was quarantined: a gallery per reason, with the measure that decided, and copies beside what they copy."""

from dataclasses import replace

import pytest
from reported_runs import photo_row, split_row

from pipeline.core.parameters import CleanParameters
from pipeline.photos.reasons import FLAGS, Reason
from pipeline.photos.records import DuplicateRow, SplitRow
from pipeline.report.quarantine import MAX_PAIRS, MAX_SHOWN, Cleaned, flag_lines, reason_galleries


def gone(name: str, reasons: str) -> SplitRow:
    return split_row(f"data/one/red/{name}", "red", "none", reasons, "quarantine")


def galleries(rows: list[SplitRow], duplicates: tuple[DuplicateRow, ...] = (), **measures: dict[str, float]):
    photos = {row.path: photo_row(row.path, "red", **measures.get(row.path.split("/")[-1], {})) for row in rows}
    return reason_galleries(Cleaned(rows, photos, duplicates, CleanParameters()), lambda path: f"picture of {path}")


def test_a_photo_of_two_reasons_is_under_each_and_flags_are_no_reason() -> None:
    found = galleries(
        [gone("a", "blurred,dark"), gone("b", "colourless,dark"), split_row("data/one/red/c", "red", "train")]
    )
    assert [(gallery.reason, gallery.num_photos) for gallery in found] == [("dark", 2), ("blurred", 1)]


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in FLAGS])
def test_every_reason_has_its_meaning(reason: Reason) -> None:
    [gallery] = galleries([gone("a", reason)])
    assert gallery.meaning.endswith(".")
    assert gallery.tiles[0].picture == "picture of data/one/red/a"


@pytest.mark.parametrize(
    ("reason", "measure", "nearest", "farthest", "note"),
    (
        ("dark", "brightness_high", 0.14, 0.02, "brightest 0.14"),
        ("washed_out", "brightness_low", 0.96, 0.99, "darkest 0.96"),
        ("low_information", "entropy", 1.9, 0.1, "1.90 bits"),
        ("blurred", "sharpness", 0.019, 0.001, "sharpness 0.019"),
        ("tiny", "height", 31, 8, "44 x 31 pixels"),
        ("odd_aspect_ratio", "width", 200, 400, "200 x 36 pixels"),
    ),
)
def test_the_photo_nearest_to_the_threshold_comes_first_with_its_measure(
    reason: str, measure: str, nearest: float, farthest: float, note: str
) -> None:
    rows = [gone("a", reason), gone("b", reason)]
    [gallery] = galleries(rows, a={measure: farthest}, b={measure: nearest})
    assert [tile.path for tile in gallery.tiles] == ["data/one/red/b", "data/one/red/a"]
    assert gallery.tiles[0].note == note


def test_a_copy_stands_beside_the_kept_photo_rather_than_a_nearer_quarantined_one() -> None:
    rows = [gone("copy", "copy_of_kept"), gone("other", "copy_of_kept"), split_row("data/one/red/z", "red", "train")]
    pair = DuplicateRow("data/one/red/copy", "data/one/red/other", 1, 0, 1.0, "red", "red")
    kept = replace(pair, second="data/one/red/z", hash_distance=4, correlation=0.91)
    [gallery] = galleries(rows[:1] + rows[2:], (kept,))
    assert [(pair.gone.path, pair.other.path, pair.note) for pair in gallery.pairs] == [
        ("data/one/red/copy", "data/one/red/z", "4 bits apart, correlation 0.910")
    ]
    [gallery] = galleries(rows, (pair, kept))
    assert [(pair.gone.path, pair.other.path) for pair in gallery.pairs] == [
        ("data/one/red/copy", "data/one/red/z"),
        ("data/one/red/other", "data/one/red/copy"),
    ]
    assert gallery.pairs[0].other.note == "kept, train side"


def test_two_photos_that_condemn_each_other_are_one_pair() -> None:
    rows = [gone("a", "label_conflict"), gone("b", "label_conflict")]
    [gallery] = galleries(rows, (DuplicateRow("data/one/red/a", "data/one/red/b", 1, 0, 1.0, "red", "blue"),))
    assert (gallery.num_photos, len(gallery.pairs)) == (2, 1)


def test_a_conflict_shows_the_photo_under_the_other_label_and_not_a_nearer_one_under_the_same() -> None:
    blue = split_row("data/one/blue/z", "blue", "none", "label_conflict", "quarantine")
    rows = [gone("a", "label_conflict"), gone("b", "label_conflict"), blue]
    near = DuplicateRow("data/one/red/a", "data/one/red/b", 1, 0, 1.0, "red", "red")
    far = [DuplicateRow(blue.path, f"data/one/red/{name}", 1, 5, 0.95, "blue", "red") for name in "ab"]
    [gallery] = galleries(rows, (near, *far))
    assert all({pair.gone.label, pair.other.label} == {"red", "blue"} for pair in gallery.pairs)
    assert len(gallery.pairs) == 2


def test_a_photo_of_the_same_scene_is_no_copy() -> None:
    rows = [gone("a", "copy_of_kept"), split_row("data/one/red/z", "red", "train")]
    [gallery] = galleries(rows, (DuplicateRow("data/one/red/a", "data/one/red/z", 2, 30, 0.1, "red", "red"),))
    assert (gallery.pairs, len(gallery.tiles)) == ((), 1)


def test_no_more_are_shown_than_fit() -> None:
    dark = [gone(f"{number:02}", "dark") for number in range(40)]
    copies = [gone(f"copy{number:02}", "copy_of_kept") for number in range(20)]
    kept = split_row("data/one/red/z", "red", "train")
    pairs = tuple(DuplicateRow(row.path, kept.path, 1, 0, 1.0, "red", "red") for row in copies)
    found = {gallery.reason: gallery for gallery in galleries([*dark, *copies, kept], pairs)}
    assert (found["dark"].num_photos, len(found["dark"].tiles)) == (40, MAX_SHOWN)
    assert (found["copy of kept"].num_photos, len(found["copy of kept"].pairs)) == (20, MAX_PAIRS)


def test_remarks_on_kept_photos_are_counted_and_a_reason_overruled_is_one() -> None:
    rows = [
        split_row("data/one/red/a", "red", "train", "colourless"),
        split_row("data/one/red/b", "red", "train", "blurred,colourless,kept_by_person"),
        gone("c", "colourless,dark"),
    ]
    assert [(line.flag, line.num_photos) for line in flag_lines(rows)] == [
        ("colourless", 2),
        ("blurred", 1),
        ("kept by person", 1),
    ]
