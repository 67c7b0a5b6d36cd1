import hashlib
import random
from dataclasses import replace

import numpy as np
import pytest

from pipeline.photos.records import CleanRow, SuspectRow
from pipeline.photos.scenes import SceneVectors
from pipeline.photos.suspects import distances_from_class, find_suspects, probe_probabilities

SPREAD = 1.25
CLASSES = ("arch", "dome", "wall")
PER_CLASS = 60


def clean_row(path: str, label: str | None, **changes: str) -> CleanRow:
    sha256 = hashlib.sha256(path.encode()).hexdigest()
    return replace(CleanRow(path, "1st", label, sha256, "keep", "", "", "", ""), **changes)


def collection(num_wrong: int = 4, num_strangers: int = 3) -> tuple[list[CleanRow], SceneVectors, set[str], set[str]]:
    """Three well-parted classes, some photos filed under the next class, and some that look like nothing else."""
    draws = np.random.default_rng(3)
    rows, vectors, wrong, strangers = [], [], set(), set()
    for number, label in enumerate(CLASSES):
        for index in range(PER_CLASS):
            path = f"data/1st/{label}/{index:03}.jpg"
            is_wrong, is_stranger = index < num_wrong, num_wrong <= index < num_wrong + num_strangers
            if is_wrong:
                wrong.add(path)
            if is_stranger:
                strangers.add(path)
            direction = np.zeros(24)
            direction[6 + number * num_strangers + index - num_wrong if is_stranger else (number + is_wrong) % 3] = 1
            rows.append(clean_row(path, label))
            vectors.append(direction + draws.normal(0, 0.1, 24))
    units = np.array(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)
    return rows, SceneVectors([row.path for row in rows], units.astype(np.float32)), wrong, strangers


def test_photos_under_the_wrong_class_are_listed_with_the_class_they_look_like() -> None:
    rows, vectors, wrong, _ = collection()
    found = {row.path: row for row in find_suspects(rows, vectors, SPREAD)}
    assert wrong <= found.keys()
    next_class = {label: CLASSES[(number + 1) % 3] for number, label in enumerate(CLASSES)}
    suggested = [path for path in wrong if found[path].suggested_label == next_class[found[path].label]]
    # Which photos the probe learns from is drawn by hash: one may come out as an outlier instead.
    assert len(suggested) >= len(wrong) - 1
    assert {found[path].kind for path in suggested} == {"label"}


def test_photos_that_look_like_no_other_are_listed() -> None:
    rows, vectors, _, strangers = collection(num_wrong=0)
    found = {row.path: row for row in find_suspects(rows, vectors, SPREAD)}
    assert strangers <= found.keys()
    assert {found[path].kind for path in strangers} & {"outlier"}
    assert all(row.suggested_label == "" for row in found.values() if row.kind == "outlier")


def test_few_of_the_others_are_listed_and_scores_lie_between_0_and_1() -> None:
    rows, vectors, wrong, strangers = collection()
    found = find_suspects(rows, vectors, SPREAD)
    assert len({row.path for row in found} - wrong - strangers) < 0.1 * len(rows)
    assert all(0 <= row.score <= 1 for row in found)
    assert [row.path for row in found] == sorted({row.path for row in found})


def test_the_list_is_the_same_for_any_order_of_photos_and_vectors() -> None:
    rows, vectors, _, _ = collection()
    order = random.Random(1).sample(range(len(rows)), len(rows))
    turned = SceneVectors([vectors.paths[index] for index in order], vectors.vectors[order])
    shuffled = random.Random(2).sample(rows, len(rows))
    assert find_suspects(shuffled, turned, SPREAD) == find_suspects(rows, vectors, SPREAD)


def test_the_name_of_the_batch_does_not_matter() -> None:
    rows, vectors, *_ = collection()
    renamed = [replace(row, path=row.path.replace("/1st/", "/scraped/")) for row in rows]
    found = find_suspects(renamed, SceneVectors([row.path for row in renamed], vectors.vectors), SPREAD)
    as_before = [replace(row, path=row.path.replace("/scraped/", "/1st/")) for row in found]
    assert as_before == find_suspects(rows, vectors, SPREAD)


def test_without_vectors_nobody_is_suspected() -> None:
    assert find_suspects(collection()[0], None, SPREAD) == []


@pytest.mark.parametrize("change", ({"decision": "quarantine"}, {"label": None}), ids=("quarantined", "unlabelled"))
def test_photos_that_train_nothing_are_not_judged(change: dict[str, str]) -> None:
    rows, vectors, wrong, _ = collection()
    rows = [replace(row, **change) if row.path in wrong else row for row in rows]
    assert wrong.isdisjoint(row.path for row in find_suspects(rows, vectors, SPREAD))


def test_of_classes_too_small_nothing_is_said() -> None:
    rows, vectors, _, _ = collection()
    few = [row for row in rows if row.label != "wall"] + [row for row in rows if row.label == "wall"][:9]
    found: list[SuspectRow] = find_suspects(few, vectors, SPREAD)
    assert found
    assert "wall" not in {row.label for row in found}


def test_the_probe_never_sees_the_photos_that_it_judges() -> None:
    # Labels that mean nothing can be learnt by heart, but not foretold.
    draws = np.random.default_rng(8)
    vectors, labels = draws.normal(0, 1, (400, 100)).astype(np.float32), draws.integers(0, 2, 400)
    probabilities = probe_probabilities(vectors, labels, draws.integers(0, 5, 400))
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert 0.4 < np.mean(probabilities.argmax(axis=1) == labels) < 0.6


def test_copies_are_no_evidence_for_each_other() -> None:
    _, vectors, _, _ = collection(num_wrong=0, num_strangers=0)
    labels = np.repeat(np.arange(3), PER_CLASS)
    stranger = np.eye(24, dtype=np.float32)[20]
    burst = np.tile(stranger, (12, 1))
    both = np.vstack((vectors.vectors, burst))
    names = [str(number) for number in range(len(labels))]
    all_labels = np.concatenate((labels, np.zeros(12, dtype=np.int64)))
    apart = distances_from_class(both, all_labels, [*names, *(f"copy-{number}" for number in range(12))])
    together = distances_from_class(both, all_labels, [*names, *["burst"] * 12])
    assert apart[-1] < 0.01
    assert together[-1] > 0.1


def test_photos_of_a_scene_are_judged_by_the_others_of_a_small_class_alone() -> None:
    draws = np.random.default_rng(5)
    vectors = (np.repeat(np.eye(24)[:2], 13, axis=0) + draws.normal(0, 0.05, (26, 24))).astype(np.float32)
    company = [*["scene"] * 4, *map(str, range(22))]
    distances = distances_from_class(vectors, np.repeat(np.arange(2), 13), company)
    assert distances[:4].max() < 1.2 * distances[4:13].max()


def test_copies_and_scenes_that_share_a_photo_are_one_company() -> None:
    rows, vectors, _, _ = collection(num_wrong=0, num_strangers=0)
    # Twelve photos that look like no other of their class, but like one another: a scene, and a copy of one of it.
    vectors.vectors[:12] = np.eye(24, dtype=np.float32)[20]
    copy, original, *others = rows[:12]
    told = [replace(copy, cluster="photo-1"), replace(original, cluster="photo-1", group="scene-1")]
    told += [replace(row, group="scene-1") for row in others] + rows[12:]
    as_one = [replace(row, cluster="photo-1") for row in rows[:12]] + rows[12:]
    assert find_suspects(told, vectors, SPREAD) == find_suspects(as_one, vectors, SPREAD)
    assert find_suspects(rows, vectors, SPREAD) != find_suspects(as_one, vectors, SPREAD)


@pytest.mark.parametrize("value", (0, 1, np.nan))
def test_vectors_that_are_all_alike_tell_of_no_outlier(value: float) -> None:
    rows, vectors, _, _ = collection()
    alike = SceneVectors(vectors.paths, np.full_like(vectors.vectors, value))
    assert "outlier" not in {row.kind for row in find_suspects(rows, alike, SPREAD)}
