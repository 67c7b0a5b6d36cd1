import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from pipeline.core.parameters import CleanParameters
from pipeline.photos.quality import (
    DETAILED_SIDE,
    MEASURED_SIDE,
    Quality,
    detailed,
    measurable,
    quality_of,
    sharpness_of,
)

MIN_SHARPNESS = CleanParameters().min_sharpness


def measured(image: Image.Image) -> Quality:
    small = measurable(image)
    return quality_of(np.asarray(small), small.convert("L"), detailed(image))


def scene(size: tuple[int, int], seed: int = 3) -> Image.Image:
    """Discs and squares of all sizes and greys in front of each other: equally detailed at any scale, like photos."""
    draws = np.random.default_rng(seed)
    count = size[0] * size[1] // 40
    image = Image.new("RGB", size)
    pencil = ImageDraw.Draw(image)
    radii = 1 / np.sqrt(draws.uniform(4 / min(size) ** 2, 1, count))
    for x, y, radius, grey, shape in zip(
        draws.uniform(0, size[0], count),
        draws.uniform(0, size[1], count),
        radii,
        draws.integers(20, 235, count).tolist(),
        draws.integers(2, size=count),
        strict=True,
    ):
        box = (x - radius, y - radius, x + radius, y + radius)
        (pencil.rectangle if shape else pencil.ellipse)(box, fill=(grey, grey, grey))
    return image


def saved(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def noise(size: tuple[int, int] = (64, 64), low: int = 0, high: int = 256) -> Image.Image:
    pixels = np.random.default_rng(5).integers(low, high, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_a_constant_photo_holds_nothing() -> None:
    quality = measured(Image.new("RGB", (64, 64), (128, 128, 128)))
    assert quality == Quality(128 / 255, 128 / 255, 0.0, 0.0, 0.0)


def test_brightness_is_read_at_its_5th_and_99th_percentile() -> None:
    pixels = np.zeros((10, 10, 3), dtype=np.uint8)
    pixels[:] = 100
    pixels[0, :4] = 10
    pixels[9, 9] = 255
    quality = measured(Image.fromarray(pixels))
    assert quality.brightness_low == pytest.approx(100 / 255)
    assert quality.brightness_high == pytest.approx(100 / 255)


def test_entropy_counts_the_bits_of_the_histogram() -> None:
    pixels = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16), 3).reshape(16, 16, 3)
    assert measured(Image.fromarray(pixels)).entropy == pytest.approx(8.0)


@pytest.mark.parametrize("side", (64, 300, 2000))
def test_blur_is_told_from_focus_at_any_size(side: int) -> None:
    sharp = scene((side, side * 3 // 4))
    assert measured(saved(sharp, 85)).sharpness > 1.3 * MIN_SHARPNESS
    for radius in (2, 3, 5, 8):
        blurred = sharp.filter(ImageFilter.GaussianBlur(radius))
        assert measured(saved(blurred, 85)).sharpness < MIN_SHARPNESS, radius


def test_a_photo_that_is_sharp_in_one_place_is_sharp() -> None:
    photo = scene((400, 300))
    out_of_focus = photo.filter(ImageFilter.GaussianBlur(4))
    out_of_focus.paste(photo.crop((100, 100, 220, 200)), (100, 100))
    assert measured(out_of_focus).sharpness > MIN_SHARPNESS


def test_sharpness_compares_with_the_contrast_where_no_detail_is_left() -> None:
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 300).astype(np.uint8), (200, 1))).convert("RGB")
    assert measured(saved(ramp, 50)).sharpness < MIN_SHARPNESS


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), width=st.integers(12, 90), height=st.integers(12, 90))
def test_sharpness_is_the_same_for_a_mirrored_or_upturned_photo(seed: int, width: int, height: int) -> None:
    # Multiples of four, so that mirroring moves no block across another.
    pixels = np.random.default_rng(seed).integers(0, 256, (height // 4 * 4, width // 4 * 4), dtype=np.uint8)
    counts = np.bincount(pixels.ravel(), minlength=256)
    sharpness = sharpness_of(Image.fromarray(pixels), counts)
    assert sharpness_of(Image.fromarray(np.ascontiguousarray(pixels[:, ::-1])), counts) == sharpness
    assert sharpness_of(Image.fromarray(np.ascontiguousarray(pixels[::-1])), counts) == sharpness
    assert 0 <= sharpness <= 8


def test_grey_photos_have_no_colour_and_coloured_ones_do() -> None:
    assert measured(noise().convert("L").convert("RGB")).colourfulness == 0
    assert measured(Image.new("RGB", (8, 8), (255, 0, 0))).colourfulness == 1


@pytest.mark.parametrize("size", ((1, 1), (2, 50), (50, 2), (1, 300)))
def test_very_small_photos_are_measured_without_failing(size: tuple[int, int]) -> None:
    assert measured(noise(size)).sharpness >= 0


@pytest.mark.parametrize("size", ((300, 200), (512, 512), (4000, 30), (1023, 700)))
def test_large_photos_are_measured_below_twice_the_measured_side(size: tuple[int, int]) -> None:
    assert max(measurable(Image.new("RGB", size)).size) < 2 * MEASURED_SIDE


@pytest.mark.parametrize("size", ((300, 200), (2048, 40), (4000, 30), (2047, 100)))
def test_sharpness_is_read_at_higher_resolution(size: tuple[int, int]) -> None:
    detail = detailed(Image.new("RGB", size))
    assert detail.mode == "L"
    assert min(max(size), DETAILED_SIDE) <= max(detail.size) < 2 * DETAILED_SIDE
