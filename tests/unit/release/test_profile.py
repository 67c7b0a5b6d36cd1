"""Profiles: taken at registration, brought along by publication, the same when read again."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from good_photos import GOOD

from pipeline.core.errors import ServingError
from pipeline.core.parameters import EmbedParameters, PhotosParameters
from pipeline.core.tables import write_rows
from pipeline.photos.batches import write_batches
from pipeline.photos.records import Batch, PhotoRow, SplitRow
from pipeline.release.profile import (
    COMPARED,
    Profile,
    ProfileFacts,
    distances_to,
    make_profile,
    measures_of,
    read_profile,
    write_profile,
)
from pipeline.release.promotion import promote
from pipeline.release.registry import register


def split_row(path: str, side: str, number: int) -> SplitRow:
    return SplitRow(path, "first", path.split("/")[2], f"{number:064d}", "keep", "", "", "", "", side)


def ran(checkout) -> None:
    """Leave the tables of a run of which the first six photos train."""
    paths = checkout.photos()
    sides = ["train"] * 6 + ["validation", "test"]
    rows = [split_row(path, side, number) for number, (path, side) in enumerate(zip(paths, sides, strict=True))]
    write_rows(checkout.layout.artifacts("split") / "photos.parquet", SplitRow, rows)
    photos = [
        replace(GOOD, path=row.path, sha256=row.sha256, width=100 * (number + 1)) for number, row in enumerate(rows)
    ]
    write_rows(checkout.layout.artifacts("validate") / "photos.parquet", PhotoRow, photos)
    vectors = np.eye(8, dtype=np.float32)
    folder = checkout.layout.artifacts("embed")
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "vectors.npz", paths=np.array(paths), vectors=vectors)
    write_batches(checkout.layout.batches, [Batch("first", "", "a" * 64, 8)])


def test_only_photos_that_trained_are_measured(checkout):
    ran(checkout)
    profile = make_profile(checkout.layout, checkout.parameters)
    assert sorted(profile.measures["shape"] * 150) == [100, 200, 300, 400, 500, 600]
    assert set(profile.measures) == set(COMPARED)
    assert profile.vectors.shape == (6, 8)
    assert profile.distances == pytest.approx([1, 1])


def test_predictions_are_those_of_evaluation(checkout):
    ran(checkout)
    profile = make_profile(checkout.layout, checkout.parameters)
    assert profile.classes == ("damaged", "sound")
    assert np.bincount(profile.predicted).tolist() == [4, 4]
    assert profile.certainty == pytest.approx(0.75)
    assert profile.facts.batches == ("first",)


def test_a_checkout_without_the_runs_tables_has_no_profile(checkout):
    assert make_profile(checkout.layout, checkout.parameters) is None


def test_a_profile_comes_with_the_version_that_serves(checkout, fake):
    ran(checkout)
    version = register(checkout.layout, checkout.parameters)
    (checkout.layout.artifacts("split") / "photos.parquet").unlink()
    promote(checkout.layout, checkout.parameters, outside=fake.outside)
    assert read_profile(checkout.line.profile(version.version)).facts.batches == ("first",)


def test_a_version_that_was_registered_without_a_profile_still_serves(checkout, fake):
    version = register(checkout.layout, checkout.parameters)
    promote(checkout.layout, checkout.parameters, outside=fake.outside)
    assert not checkout.line.profile(version.version).exists()


def test_what_is_written_is_read_again(tmp_path: Path):
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(20, 16)).astype(np.float16).astype(np.float32)
    profile = Profile(
        measures=measures_of([GOOD] * 3),
        classes=("dôme", "wall"),
        predicted=np.array([0, 1]),
        certainty=np.array([0.5, 0.9]),
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        distances=np.array([0.25]),
        facts=ProfileFacts("test", ("a", "b"), PhotosParameters(batches=("a*",)), EmbedParameters()),
    )
    write_profile(tmp_path / "profile.npz", profile)
    again = read_profile(tmp_path / "profile.npz")
    for field in fields(Profile):
        before, after = getattr(profile, field.name), getattr(again, field.name)
        if isinstance(before, np.ndarray):
            np.testing.assert_allclose(after, before, atol=1e-3)
        elif field.name == "measures":
            assert {name: values.tolist() for name, values in after.items()} == {
                name: values.tolist() for name, values in before.items()
            }
        else:
            assert after == before


@pytest.mark.parametrize("content", (None, b"", b"PK\x03\x04 no archive", b"\x93NUMPY"))
def test_a_missing_or_damaged_profile_is_said(tmp_path: Path, content):
    if content is not None:
        (tmp_path / "profile.npz").write_bytes(content)
    with pytest.raises(ServingError, match="cannot be read"):
        read_profile(tmp_path / "profile.npz")


def test_distances_are_mean_cosine_distances_to_the_nearest_five():
    references = np.eye(8, dtype=np.float32)
    vector = np.array([[0.8, 0.6, 0, 0, 0, 0, 0, 0]], np.float32)
    assert distances_to(vector, references) == pytest.approx([1 - (0.8 + 0.6) / 5])
    assert distances_to(vector, np.zeros((0, 0), np.float32)).shape == (0,)
