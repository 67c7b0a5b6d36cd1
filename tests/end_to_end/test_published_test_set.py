"""The published AHE test set as a pinned batch: its copies leave training, and all of its photos are measured."""

from pathlib import Path

import pytest

from pipeline.core.paths import Layout
from pipeline.core.recipes import load_recipe
from pipeline.core.tables import read_rows
from pipeline.intake.archives import unpacked
from pipeline.intake.taking import take_in
from pipeline.photos.records import CleanRow, Decision
from pipeline.stages import clean, split, validate

PROJECT = Path(__file__).resolve().parents[2]
ARCHIVES = PROJECT.parent / "shared/data/ahe64"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not ARCHIVES.is_dir(), reason="the AHE archives are not beside the project"),
]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    made = Layout(tmp_path_factory.mktemp("ahe"))
    for side in ("train", "test"):
        photos = unpacked(ARCHIVES / f"{side}.tar", tmp_path_factory.mktemp(side))
        take_in(made, photos, f"ahe-{side}", "test" if side == "test" else None)
    parameters = load_recipe(PROJECT / "recipes", "elements").parameters()
    validate.run(made, parameters)
    clean.run(made, parameters)
    return made


def test_training_copies_of_test_photos_are_found_and_leave(layout: Layout) -> None:
    rows = read_rows(layout.artifacts("clean") / "photos.parquet", CleanRow)
    assert len(rows) == 10_130 + 1_404
    twins = [row for row in rows if "twin_of_pinned" in row.reasons.split(",")]
    assert len(twins) >= 69
    assert {row.batch for row in twins} == {"ahe-train"}
    assert {row.decision for row in twins} == {Decision.QUARANTINE}


def test_copies_filed_under_two_classes_leave(layout: Layout) -> None:
    rows = read_rows(layout.artifacts("clean") / "photos.parquet", CleanRow)
    conflicts = [row for row in rows if "label_conflict" in row.reasons.split(",")]
    by_cluster: dict[str, set[str | None]] = {}
    for row in conflicts:
        by_cluster.setdefault(row.cluster, set()).add(row.label)
    pairs = sorted(tuple(sorted(map(str, labels))) for labels in by_cluster.values())
    assert pairs == [("apse", "bell_tower"), ("column", "vault"), ("column", "vault")]


def test_exactly_the_published_photos_are_the_test_side(layout: Layout) -> None:
    result = split.run(layout, load_recipe(PROJECT / "recipes", "elements").parameters())
    tested = [row for row in result.rows if row.side == "test"]
    assert len(tested) == 1_404
    assert {row.batch for row in tested} == {"ahe-test"}
