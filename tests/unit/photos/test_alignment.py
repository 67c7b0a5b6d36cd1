import os
import subprocess
import sys
from math import radians

import numpy as np
import pytest
from PIL import Image

from pipeline.photos.alignment import agreement, agreement_in_place, align
from pipeline.photos.sampling import UNMOVED

WHOLE = np.ones((1, 2304), dtype=np.bool_)
START = UNMOVED[None]


def picture(seed: int) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 24), dtype=np.uint8)
    return Image.fromarray(coarse).resize((480, 480), Image.Resampling.BICUBIC)


def thumbnail(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize((48, 48), Image.Resampling.LANCZOS), dtype=np.float32).reshape(1, -1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("box", ((24, 24, 456, 456), (0, 20, 450, 480), (30, 0, 480, 480)))
def test_a_crop_is_laid_where_it_was_cut(box: tuple[int, int, int, int], seed: int) -> None:
    first, second = thumbnail(picture(seed)), thumbnail(picture(seed).crop(box))
    left, top, right, bottom = (edge / 480 for edge in box)
    true = np.array([right - left, bottom - top, 0, (left + right - 1) / 2, (top + bottom - 1) / 2])
    start = (true + np.array([0.02, -0.02, 0, 0.01, -0.01])).astype(np.float32)[None]
    placement = align(first, second, start, WHOLE)
    assert placement[0] == pytest.approx(true, abs=0.004)
    agreed = agreement(first, second, placement, WHOLE)
    assert agreed.detail[0] > 0.95 > agreement(first, second, start, WHOLE).detail[0]
    assert agreed.contained[0] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("degrees", (2, -3))
def test_a_turned_photo_is_turned_back(degrees: int) -> None:
    first, second = thumbnail(picture(1)), thumbnail(picture(1).rotate(degrees, Image.Resampling.BICUBIC))
    placement = align(first, second, START, WHOLE)
    assert placement[0, 2] == pytest.approx(radians(degrees), abs=0.004)
    assert agreement(first, second, placement, WHOLE).detail[0] > 0.95


def test_contrast_brightness_and_a_covered_corner_do_not_matter() -> None:
    first = thumbnail(picture(2))
    covered = first.copy().reshape(48, 48)
    covered[:12, :20] = 255
    second = (covered * 0.5 + 60).reshape(1, -1)
    agreed = agreement(first, second, START, WHOLE)
    assert agreed.correlation[0] > 0.999
    assert agreed.detail[0] > 0.97
    assert agreement_in_place(first, second, WHOLE).detail[0] < 0.95


def test_two_photos_of_one_silhouette_differ_in_detail() -> None:
    y, x = np.indices((480, 480))
    dome = np.where((x - 240) ** 2 + (y - 300) ** 2 < 150**2, 60, 220)
    rng = np.random.default_rng(0)
    stones = [np.kron(rng.normal(0, 25, (48, 48)), np.ones((10, 10))) for _ in range(2)]
    first, second = (thumbnail(Image.fromarray(np.clip(dome + one, 0, 255).astype(np.uint8))) for one in stones)
    agreed = agreement(first, second, align(first, second, START, WHOLE), WHOLE)
    assert agreed.correlation[0] > 0.9
    assert agreed.detail[0] < 0.8


def test_a_pair_does_not_depend_on_the_pairs_beside_it() -> None:
    first = np.concatenate([thumbnail(picture(seed)) for seed in range(5)])
    second = np.concatenate([thumbnail(picture(seed).crop((20, 10, 470, 460))) for seed in range(5)])
    together = align(first, second, np.repeat(START, 5, axis=0), np.repeat(WHOLE, 5, axis=0))
    alone = [align(first[row : row + 1], second[row : row + 1], START, WHOLE)[0] for row in range(5)]
    assert (together == np.stack(alone)).all()


def test_a_constant_thumbnail_agrees_with_nothing() -> None:
    plain = np.full((1, 2304), 99, dtype=np.float32)
    agreed = agreement(plain, thumbnail(picture(0)), align(plain, thumbnail(picture(0)), START, WHOLE), WHOLE)
    assert (agreed.correlation[0], agreed.detail[0]) == (0, 0)


ALIGN_SOME = """
import numpy as np
from PIL import Image
from pipeline.photos.alignment import agreement, align
from pipeline.photos.sampling import UNMOVED
coarse = np.random.default_rng(5).integers(0, 256, (64, 12, 12), dtype=np.uint8)
first = np.stack([np.asarray(Image.fromarray(one).resize((48, 48), Image.Resampling.BICUBIC)) for one in coarse])
second = np.stack([np.asarray(Image.fromarray(one).resize((48, 48), box=(3, 2, 46, 45))) for one in first])
first, second = (greys.reshape(64, -1).astype(np.float32) for greys in (first, second))
region = np.ones(first.shape, dtype=np.bool_)
placement = align(first, second, np.repeat(UNMOVED[None], 64, axis=0), region)
print(np.round(agreement(first, second, placement, region).detail, 6).tolist())
"""


def test_the_kind_of_processor_leaves_no_trace() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", ALIGN_SOME],
            env={**os.environ, "OPENBLAS_CORETYPE": kind},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for kind in ("Nehalem", "Haswell")
    }
    assert len(told) == 1
