import random
from dataclasses import replace

import numpy as np
import pytest
from good_photos import GOOD
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.photos.records import CleanRow, PhotoRow
from pipeline.photos.signals import find_signals, skills


def photos(num_photos: int, label: str, **measures: object) -> list[PhotoRow]:
    return [replace(GOOD, path=f"data/1st/{label}/{n}.jpg", label=label, **measures) for n in range(num_photos)]


def kept(rows: list[PhotoRow]) -> list[CleanRow]:
    return [CleanRow(row.path, row.batch, row.label, row.sha256, "keep", "", "", "", "") for row in rows]


def test_light_that_tells_a_class_is_reported_in_a_sentence() -> None:
    rows = photos(60, "arch", colourfulness=0.3) + photos(60, "dome", colourfulness=0.1)
    [signal] = find_signals(rows, kept(rows), 0.4)
    assert (signal.signal, signal.strength) == ("colour", 1.0)
    assert signal.sentence == (
        "spread between channels, of 1, is above 0.1 for 100 % of the photos of `arch` and 0 % of the others: a model "
        "can learn the colour instead of what is shown"
    )


def test_a_property_of_one_class_of_many_is_told_with_that_class() -> None:
    rows = [row for label in "abcdefgh" for row in photos(40, label)] + photos(40, "stained", brightness_low=0.01)
    [signal] = find_signals(rows, kept(rows), 0.4)
    assert (signal.signal, signal.label, signal.strength) == ("darkest", "stained", 1.0)


@pytest.mark.parametrize(("source", "value"), (("batch", "2nd"), ("site", "Oliena"), ("author", "Ada"), ("mode", "L")))
def test_a_source_that_tells_the_class_is_reported(source: str, value: str) -> None:
    rows = photos(50, "arch", **{source: value}) + photos(50, "dome")
    [signal] = find_signals(rows, kept(rows), 0.4)
    assert signal.signal == source
    assert f"`{value}`" in signal.sentence


def test_the_website_that_photos_come_from_is_a_source_whatever_the_page() -> None:
    near = [replace(row, url=f"https://photos.example/{n}") for n, row in enumerate(photos(50, "arch"))]
    far = [replace(row, url=f"https://archive.example/{n}") for n, row in enumerate(photos(50, "dome"))]
    [signal] = find_signals(near + far, kept(near + far), 0.4)
    assert signal.sentence.startswith("website is `photos.example` for 100 % of the photos of `arch` and 0 %")


def test_an_author_per_photo_tells_nothing() -> None:
    rows = [replace(row, author=row.path) for row in photos(80, "arch") + photos(80, "dome")]
    assert find_signals(rows, kept(rows), 0.1) == []


def test_chance_is_no_signal() -> None:
    draws = np.random.default_rng(1)
    rows = [
        replace(row, sharpness=float(draws.random()), entropy=float(draws.random()))
        for row in photos(100, "arch") + photos(100, "dome")
    ]
    assert find_signals(rows, kept(rows), 0.25) == []


def test_quarantined_photos_and_small_classes_do_not_count() -> None:
    rows = photos(60, "arch", colourfulness=0.3) + photos(60, "dome", colourfulness=0.1)
    cleaned = kept(rows)
    assert find_signals(rows, [replace(row, decision="quarantine") for row in cleaned], 0.4) == []
    assert find_signals(rows, [row for row in cleaned if row.label == "arch"] + cleaned[60:80], 0.4) == []


def test_the_order_of_the_photos_changes_nothing() -> None:
    draws = np.random.default_rng(4)
    rows = [replace(row, entropy=float(draws.random()) + (row.label == "dome")) for row in photos(60, "arch")]
    rows += [replace(row, entropy=float(draws.random()) + 0.5) for row in photos(60, "dome")]
    cleaned = kept(rows)
    turned = find_signals(random.Random(1).sample(rows, 120), random.Random(2).sample(cleaned, 120), 0.0)
    assert turned == find_signals(rows, cleaned, 0.0)


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), num_classes=st.integers(2, 5), num_codes=st.integers(1, 9))
def test_skill_lies_between_guessing_and_always_and_is_full_for_the_label_itself(
    seed: int, num_classes: int, num_codes: int
) -> None:
    draws = np.random.default_rng(seed)
    labels = np.repeat(np.arange(num_classes), 40)
    folds = draws.integers(0, 5, len(labels))
    skill = skills(draws.integers(0, num_codes, len(labels)), labels, folds)
    assert ((skill >= 0) & (skill <= 1)).all()
    assert skills(labels, labels, folds) == pytest.approx(1)
    assert skills(np.zeros_like(labels), labels, folds) == pytest.approx(0)
