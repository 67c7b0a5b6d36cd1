import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.photos.fingerprints import fingerprints_of, perceptual_hash


def picture(seed: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def distance(first: int, second: int) -> int:
    return ((first ^ second) & (2**64 - 1)).bit_count()


def test_a_hash_is_the_textbook_cosine_transform_against_its_median() -> None:
    pixels = np.asarray(picture(3, (48, 48)))
    halves = pixels.reshape(24, 2, 24, 2).mean(axis=(1, 3))
    position = 2 * np.arange(24) + 1
    expected = [
        sum(
            halves[y, x] * np.cos(np.pi * row * position[y] / 48) * np.cos(np.pi * column * position[x] / 48)
            for y in range(24)
            for x in range(24)
        )
        for row in range(8)
        for column in range(8)
    ]
    bits = "".join("1" if value > np.median(expected) else "0" for value in expected)
    assert perceptual_hash(pixels) & (2**64 - 1) == int(bits, 2)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_photo_and_its_mirror_image_swap_their_two_hashes(seed: int) -> None:
    plain = picture(seed)
    mirrored = plain.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    first, second = fingerprints_of(plain), fingerprints_of(mirrored)
    assert distance(first.mirrored_phash, second.phash) <= 4
    assert distance(first.phash, second.mirrored_phash) <= 4


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_hashes_fit_a_signed_column_and_repeat(seed: int) -> None:
    first, second = fingerprints_of(picture(seed)), fingerprints_of(picture(seed))
    assert first == second
    assert all(-(2**63) <= value < 2**63 for value in (first.phash, first.mirrored_phash, first.dhash))
    assert len(first.thumbnail) == 48 * 48


@pytest.mark.parametrize("quality", (30, 60, 90))
@pytest.mark.parametrize("seed", (1, 2, 3))
def test_a_re_encode_stays_within_the_default_distance(seed: int, quality: int) -> None:
    original = picture(seed)
    buffer = io.BytesIO()
    original.save(buffer, "JPEG", quality=quality)
    again = Image.open(buffer)
    assert distance(fingerprints_of(original).phash, fingerprints_of(again).phash) <= 8


def test_two_pictures_lie_far_apart() -> None:
    hashes = [fingerprints_of(picture(seed)).phash for seed in range(12)]
    nearest = min(distance(first, second) for first in hashes for second in hashes if first != second)
    assert nearest > 8


def test_a_difference_hash_of_a_rising_ramp_is_all_ones_and_of_a_falling_one_all_zeros() -> None:
    ramp = np.tile(np.arange(0, 256, 2, dtype=np.uint8), (128, 1))
    assert fingerprints_of(Image.fromarray(ramp)).dhash == -1
    assert fingerprints_of(Image.fromarray(ramp[:, ::-1].copy())).dhash == 0
