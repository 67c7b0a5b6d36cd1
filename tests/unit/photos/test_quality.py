import numpy as np
import pytest
from PIL import Image, ImageFilter

from pipeline.photos.quality import MEASURED_SIDE, Quality, measurable, quality_of


def measured(image: Image.Image) -> Quality:
    image = measurable(image)
    return quality_of(image, image.convert("L"))


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


def test_sharpness_is_the_variance_of_the_laplacian_over_that_of_the_greys() -> None:
    grey = np.asarray(noise().convert("L"), dtype=np.float64)
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    assert measured(noise()).sharpness == pytest.approx(laplacian.var() / grey.var(), abs=1e-5)


def test_blur_lowers_sharpness_step_by_step() -> None:
    masonry = noise((16, 16)).resize((128, 128), Image.Resampling.NEAREST)
    values = [measured(masonry.filter(ImageFilter.GaussianBlur(radius))).sharpness for radius in (0, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.02 < values[0]


def test_grey_photos_have_no_colour_and_coloured_ones_do() -> None:
    assert measured(noise().convert("L").convert("RGB")).colourfulness == 0
    assert measured(Image.new("RGB", (8, 8), (255, 0, 0))).colourfulness == 1


@pytest.mark.parametrize("size", ((1, 1), (2, 50), (50, 2), (1, 300)))
def test_very_small_photos_are_measured_without_failing(size: tuple[int, int]) -> None:
    assert measured(noise(size)).sharpness >= 0


@pytest.mark.parametrize("size", ((300, 200), (512, 512), (4000, 30), (1023, 700)))
def test_large_photos_are_measured_below_twice_the_measured_side(size: tuple[int, int]) -> None:
    assert max(measurable(Image.new("RGB", size)).size) < 2 * MEASURED_SIDE
