"""What to label next: doubtful photos, each unlike the others."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from watched_homes import encoded, photo_rows, wall

from pipeline.watch.ranking import Candidate, hash_features, most_worth_labelling
from serving.answers import Prediction


def candidate(photo: Image.Image, lead: float, threshold: float = 0.5) -> Candidate:
    """Of two classes with one threshold."""
    answer = Prediction("walls", 1, ("a", "b"), (0.5 + lead / 2, 0.5 - lead / 2), (threshold, threshold), "a")
    return Candidate(Path("x.png"), photo_rows([encoded(photo)])[0], answer, 1)


def chosen(candidates: list[Candidate], limit: int = 10, labelled: list[Image.Image] = ()) -> list[Candidate]:
    features = hash_features([one.row for one in candidates])
    return most_worth_labelling(candidates, features, photo_rows([encoded(photo) for photo in labelled]), limit)


def test_the_most_doubtful_comes_first():
    candidates = [candidate(wall(seed), lead) for seed, lead in enumerate((0.9, 0.1, 0.5))]
    assert chosen(candidates)[0] is candidates[1]


def test_thresholds_count_in_doubt():
    answer = Prediction("walls", 1, ("a", "b", "c"), (0.5, 0.3, 0.2), (0.4, 0.25, 0.9), "a")
    one = Candidate(Path("x.png"), photo_rows([encoded(wall(1))])[0], answer, 1)
    assert one.lead == pytest.approx(0.05)
    assert one.probability == 0.5


def test_of_copies_one_is_chosen_the_most_doubtful():
    photo = wall(1)
    copies = [photo, photo.resize((192, 144), Image.Resampling.BICUBIC), ImageOps.mirror(photo)]
    candidates = [candidate(copy, lead) for copy, lead in zip(copies, (0.5, 0.2, 0.4), strict=True)]
    assert chosen(candidates) == [candidates[1]]


def test_photos_that_have_a_label_are_left_out_and_so_are_their_copies():
    candidates = [candidate(wall(1), 0.1), candidate(ImageOps.mirror(wall(2)), 0.1), candidate(wall(3), 0.1)]
    assert chosen(candidates, labelled=[wall(1), wall(2)]) == [candidates[2]]


def test_an_unlike_photo_goes_before_one_like_those_chosen():
    candidates = [candidate(wall(seed), lead) for seed, lead in ((1, 0.0), (2, 0.05), (3, 0.4))]
    vectors = np.array([[1, 0], [0.99, 0.141], [0, 1]], np.float32)
    assert most_worth_labelling(candidates, vectors, [], 2) == [candidates[0], candidates[2]]


def test_no_more_than_the_limit_and_no_photo_twice():
    candidates = [candidate(wall(seed), 0.1 * seed) for seed in range(9)]
    assert len(chosen(candidates, limit=4)) == 4
    assert len({one.row.sha256 for one in chosen(candidates, limit=50)}) == 9
    assert chosen([]) == []


def test_the_order_of_the_candidates_changes_nothing():
    candidates = [candidate(wall(seed), 0.2) for seed in range(12)]
    names = [one.row.sha256 for one in chosen(candidates, 6)]
    assert [one.row.sha256 for one in chosen(candidates[::-1], 6)] == names


def test_features_of_hashes_are_of_unit_length_and_tell_bits():
    rows = photo_rows([encoded(wall(1)), encoded(wall(2))])
    features = hash_features([*rows, dataclasses.replace(rows[0], phash=~rows[0].phash)])
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-6)
    assert features[0] @ features[2] == pytest.approx(-1)
    bits = (rows[0].phash ^ rows[1].phash) & ((1 << 64) - 1)
    assert features[0] @ features[1] == pytest.approx(1 - 2 * bits.bit_count() / 64)
