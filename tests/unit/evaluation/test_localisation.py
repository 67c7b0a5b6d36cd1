"""Localisation: maps that point at the damage, maps that do not, and what the middle of the photo would get."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.core.errors import DataError
from pipeline.evaluation.localisation import localise, pixel_auroc, pointing_hit, read_mask


def corner_mask(height: int = 40, width: int = 60) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[: height // 4, : width // 4] = True
    return mask


def corner_map(sign: float = 1.0) -> np.ndarray:
    values = np.zeros((4, 4), np.float32)
    values[0, 0] = sign
    return values


def test_a_map_of_the_damage_is_found_right() -> None:
    found = localise([corner_map()] * 6, [corner_mask()] * 6)
    assert found is not None
    assert found.n == 6
    assert found.pixel_auroc > 0.95
    assert found.centre_pixel_auroc < 0.3
    assert (found.pointing_hits, found.centre_pointing_hits) == (1.0, 0.0)
    assert found.pointing_hits_interval[0] > 0.5


def test_a_map_of_all_but_the_damage_is_found_wrong() -> None:
    found = localise([corner_map(-1.0)] * 6, [corner_mask()] * 6)
    assert found is not None
    assert found.pixel_auroc < 0.05
    assert found.pointing_hits == 0


def test_the_map_is_neither_mirrored_nor_turned() -> None:
    mask = np.zeros((30, 50), bool)
    mask[25:, :8] = True
    values = np.zeros((6, 10), np.float32)
    values[5, 0] = 1
    found = localise([values] * 5, [mask] * 5)
    assert found is not None
    assert found.pointing_hits == 1
    assert found.pixel_auroc > 0.9


def test_masks_that_mark_nothing_or_everything_do_not_count() -> None:
    masks = [corner_mask()] * 4 + [np.zeros((8, 8), bool), np.ones((8, 8), bool)]
    assert localise([corner_map()] * 6, masks) is None


def test_a_constant_map_is_chance() -> None:
    assert pixel_auroc(np.zeros((40, 60), np.float32), corner_mask()) == 0.5


@pytest.mark.parametrize(("row", "hit"), ((0.05, True), (0.27, True), (0.4, False)))
def test_a_point_near_the_mask_is_a_hit(row: float, hit: bool) -> None:
    assert pointing_hit(corner_mask(), row, 0.1) is hit


@pytest.mark.parametrize("brightest", (1, 255))
def test_masks_of_any_brightness_are_read(tmp_path: Path, brightest: int) -> None:
    Image.fromarray((corner_mask() * brightest).astype(np.uint8)).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), corner_mask())


def test_a_mask_that_marks_nothing_is_empty(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "mask.png")
    assert not read_mask(tmp_path / "mask.png").any()


def test_thin_damage_outlives_the_shrinking_of_a_large_mask(tmp_path: Path) -> None:
    mask = np.zeros((2000, 1000), np.uint8)
    mask[1200] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    read = read_mask(tmp_path / "mask.png")
    assert read.shape == (512, 256)
    assert read.any(axis=1).sum() in (1, 2)
    assert read[int(1200 * 512 / 2000)].all()


def test_an_unreadable_mask_is_named(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_text("no picture")
    with pytest.raises(DataError, match=r"the mask .*mask\.png cannot be read"):
        read_mask(tmp_path / "mask.png")
