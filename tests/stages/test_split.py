"""Stage `split`: who gets a side, the leak gate, and sets that cannot be split."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.core.errors import DataError
from pipeline.core.parameters import Parameters, SplitParameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows
from pipeline.photos.batches import write_batches
from pipeline.photos.records import Batch, CleanRow, Decision, DuplicateRow, Side, SplitRow
from pipeline.photos.sides import arrivals_of
from pipeline.stages import split
from pipeline.stages.split import SplitResult, find_leaks, run, split_photos

SHARES = SplitParameters(validation=0.2, test=0.2)
BATCHES = (Batch("first", "", "", 0), Batch("second", "", "", 0))
PINNED = (*BATCHES, Batch("published", "test", "", 0))


def photo(name: str, label: str | None = "arch", batch: str = "first", **facts: str) -> CleanRow:
    path = f"data/{batch}/{label or '_unlabelled'}/{name}.jpg"
    values = {"decision": Decision.KEEP, "reasons": "", "group": "", "cluster": "", "mask": ""} | facts
    sha256 = values.pop("sha256", hashlib.sha256(path.encode()).hexdigest())
    return CleanRow(path=path, batch=batch, label=label, sha256=sha256, **values)


def photos(number: int = 60, batch: str = "first") -> list[CleanRow]:
    return [photo(f"{index:03}", label, batch) for label in ("arch", "vault") for index in range(number // 2)]


def pair(first: str, second: str, tier: int = 1) -> DuplicateRow:
    return DuplicateRow(*sorted((first, second)), tier, 0, 1.0, None, None)


def split_of(
    rows: Sequence[CleanRow], duplicates: Sequence[DuplicateRow] = (), batches: Sequence[Batch] = BATCHES
) -> SplitResult:
    return split_photos(rows, duplicates, batches, SHARES, 7)


def sides_of(result: SplitResult) -> dict[str, str]:
    return {row.path: row.side for row in result.rows}


def on_side(rows: Sequence[CleanRow], side: Side) -> str:
    return next(path for path, found in sides_of(split_of(rows)).items() if found == side)


def test_every_row_comes_out_in_order_with_a_side() -> None:
    result = split_of(photos())
    assert [row.path for row in result.rows] == [row.path for row in photos()]
    assert {row.side for row in result.rows} == {"train", "validation", "test"}
    assert result.report.train + result.report.validation + result.report.test == 60


def test_quarantined_and_unlabelled_photos_get_no_side() -> None:
    dark, unlabelled = photo("dark", decision=Decision.QUARANTINE, reasons="dark"), photo("any", None)
    result = split_of([*photos(), dark, unlabelled])
    assert sides_of(result)[dark.path] == sides_of(result)[unlabelled.path] == Side.NONE
    assert [(counts.label, counts.quarantined) for counts in result.report.classes] == [("arch", 1), ("vault", 0)]


def test_a_quarantined_copy_still_holds_its_side_for_its_twin() -> None:
    rows = photos()
    tested = on_side(rows, Side.TEST)
    held = [
        dataclasses.replace(row, decision=Decision.QUARANTINE, reasons="copy_of_kept") if row.path == tested else row
        for row in rows
    ]
    newcomer = photo("sharper", batch="second")
    result = split_of([*held, newcomer], [pair(tested, newcomer.path)])
    assert sides_of(result)[newcomer.path] == Side.TEST


def test_no_test_photo_moves_when_a_batch_comes() -> None:
    before = sides_of(split_of(photos()))
    after = sides_of(split_of([*photos(), *photos(40, "second")]))
    assert {path: after[path] for path in before} == before


def test_with_a_pinned_batch_its_photos_alone_test() -> None:
    published = photos(10, "published")
    twin = photos()[0]
    result = split_of([*photos(), *published], [pair(twin.path, published[0].path)], PINNED)
    tested = {path for path, side in sides_of(result).items() if side == Side.TEST}
    assert tested == {row.path for row in published}
    assert sides_of(result)[twin.path] == Side.NONE
    assert result.report.test_is_pinned
    assert result.report.twins_of_pinned == 1


def test_the_report_counts_scenes_and_groups_across_sides() -> None:
    rows = photos()
    trained, tested = on_side(rows, Side.TRAIN), on_side(rows, Side.TEST)
    bridge = photo("bridge", batch="second", group="scene-1")
    rows = [dataclasses.replace(row, group="scene-1") if row.path in (trained, tested) else row for row in rows]
    report = split_of([*rows, bridge], [pair(trained, bridge.path, 2), pair(tested, bridge.path, 2)]).report
    assert report.same_scene_pairs_across == 1
    assert report.groups_across == 1


def split_row(name: str, side: Side, sha256: str = "") -> SplitRow:
    row = photo(name)
    return SplitRow(**dataclasses.asdict(row) | {"sha256": sha256 or row.sha256}, side=side)


@pytest.mark.parametrize(
    ("first", "second", "leaks"),
    (
        (Side.TRAIN, Side.TEST, True),
        (Side.VALIDATION, Side.TEST, True),
        (Side.TRAIN, Side.VALIDATION, True),
        (Side.TEST, Side.TEST, False),
        (Side.TRAIN, Side.NONE, False),
    ),
)
def test_the_leak_gate_finds_copies_on_two_sides(first: Side, second: Side, leaks: bool) -> None:
    one, other = split_row("1", first), split_row("2", second)
    paths = (one.path, other.path)
    expected = [paths] if leaks else []
    assert find_leaks([one, other], [pair(*paths)]) == expected
    assert find_leaks([one, other], [pair(*paths, tier=2)]) == []
    same = [dataclasses.replace(row, sha256="ab") for row in (one, other)]
    assert find_leaks(same, []) == expected


def test_a_leak_stops_the_run_and_names_the_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = photos()
    trained, tested = on_side(rows, Side.TRAIN), on_side(rows, Side.TEST)
    monkeypatch.setattr(split, "arrivals_of", lambda photos, _, batches: arrivals_of(photos, [], batches))
    with pytest.raises(DataError, match="1 pairs of the same photo lie on two sides") as told:
        split_of(rows, [pair(trained, tested)])
    assert trained in str(told.value)
    assert tested in str(told.value)


@pytest.mark.parametrize(
    ("rows", "words"),
    (
        ([], "there is no labelled photo"),
        ([photo("1", None)], "there is no labelled photo"),
        ([*photos(), photo("only", "apse")], "class apse has one photo"),
        (
            [*photos(), photo("bad", "apse", decision=Decision.QUARANTINE, reasons="dark")],
            "all 1 photos of class apse are quarantined",
        ),
        (
            [*photos(), photo("1", "apse", "published"), photo("2", "apse", "published")],
            r"class apse has no training photo \(validation 0, test 2, quarantined 0\)",
        ),
    ),
)
def test_a_set_that_cannot_be_learnt_from_is_refused(rows: list[CleanRow], words: str) -> None:
    with pytest.raises(DataError, match=words):
        split_of(rows, batches=PINNED)


def test_a_run_without_validation_photos_is_refused() -> None:
    trained = [row for row in photos() if sides_of(split_of(photos()))[row.path] == Side.TRAIN]
    with pytest.raises(DataError, match="no photo is left for validation"):
        split_of(trained)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(DataError, match="class apse has one photo; class dome has one photo"):
        split_of([*photos(), photo("1", "apse"), photo("1", "dome")])


def test_a_class_that_the_run_leaves_out_is_no_problem() -> None:
    away = photo("1", "apse", decision=Decision.QUARANTINE, reasons="class_not_in_run,relabelled_by_person")
    assert [counts.label for counts in split_of([*photos(), away]).report.classes] == ["arch", "vault"]


def test_the_seed_and_the_shares_matter() -> None:
    assert split_photos(photos(), [], BATCHES, SHARES, 1).rows != split_photos(photos(), [], BATCHES, SHARES, 2).rows
    assert split_photos(photos(), [], BATCHES, SplitParameters(validation=0.3, test=0), 1).report.test == 0


@pytest.fixture
def parameters() -> Parameters:
    values = {"recipe": "demo", "model": {"name": "demo"}, "train": {"phases": [{"epochs": 1}]}}
    return parse_parameters(values, "params.yaml")


def test_the_stage_reads_what_clean_wrote_and_writes_sides_and_report(tmp_path: Path, parameters: Parameters) -> None:
    layout = Layout(tmp_path)
    write_rows(layout.artifacts("clean") / "photos.parquet", CleanRow, photos())
    write_rows(layout.artifacts("clean") / "duplicates.parquet", DuplicateRow, [])
    write_batches(layout.batches, BATCHES)
    result = run(layout, parameters)
    assert read_rows(layout.artifacts("split") / "photos.parquet", SplitRow) == result.rows
    summary = json.loads((layout.reports("split") / "summary.json").read_text())
    assert summary["train"] == result.report.train
    assert (layout.reports("split") / "classes.csv").read_text().startswith("label,train,validation,test,quarantined\n")
    table = (layout.artifacts("split") / "photos.parquet").read_bytes()
    run(layout, parameters)
    assert (layout.artifacts("split") / "photos.parquet").read_bytes() == table


def test_without_the_table_of_clean_the_stage_says_what_to_run(tmp_path: Path, parameters: Parameters) -> None:
    with pytest.raises(DataError, match="does not exist"):
        run(Layout(tmp_path), parameters)
