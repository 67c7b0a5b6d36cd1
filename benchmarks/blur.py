"""Blur: what share of blurred photos the rule finds, and what share of the others it takes for blurred.

    python -m benchmarks.blur <folder or tar of photos> [--side 2000] [--photos 300]

Each photo is measured as it came and after a Gaussian blur, saved anew as JPEG. With `--side`, each photo is first
laid out in mirrored copies of itself up to that longer side, so that it is as sharp at every pixel as the original;
photos that a camera took at that size are softer. `grain` adds noise after the blur, as film does.
"""

import argparse
import io
import random
import tarfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, UnidentifiedImageError

from pipeline.core.parameters import CleanParameters
from pipeline.photos.measures import measure
from serving.contract import PhotoLimits

RADII = (0, 1, 2, 3, 5, 8)
QUALITIES = (95, 85, 50)
GRAINS = (0, 3)
"""Standard deviation, greys of 255."""


def main() -> None:
    """Print a table: photos flagged by radius, JPEG quality and grain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--side", type=int, default=0)
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    photos = sorted(photos_of(arguments.source))
    chosen = random.Random(0).sample(photos, min(arguments.photos, len(photos)))
    with ProcessPoolExecutor(arguments.workers) as executor:
        rows = list(executor.map(partial(sharpness_by_variant, side=arguments.side), chosen, chunksize=4))
    threshold = CleanParameters().min_sharpness
    as_came = np.array([row["as it came"] for row in rows])
    print(f"{len(rows)} photos, side {arguments.side or 'as it came'}, threshold {threshold}")
    print(
        f"{'as it came':32} flagged {np.mean(as_came < threshold):7.2%}  1st percentile {quantile(as_came, 0.01):.3f}"
    )
    for variant in rows[0]:
        values = np.array([row[variant] for row in rows])
        print(f"{variant:32} flagged {np.mean(values < threshold):7.2%}  99th percentile {quantile(values, 0.99):.3f}")


def photos_of(source: Path) -> Iterator[bytes]:
    """Bytes of the files of a folder or tar that are photos."""
    if source.is_dir():
        contents = (path.read_bytes() for path in sorted(source.rglob("*")) if path.is_file())
    else:
        with tarfile.open(source) as tar:
            contents = iter([tar.extractfile(member).read() for member in tar if member.isfile()])
    for data in contents:
        try:
            Image.open(io.BytesIO(data)).verify()
        except (UnidentifiedImageError, OSError, SyntaxError):
            continue
        yield data


def sharpness_by_variant(data: bytes, side: int) -> dict[str, float]:
    """Sharpness of a photo as it came and of each variant, as the stage `validate` measures it."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    if side:
        image = laid_out(image, side)
    found = {"as it came": sharpness(data if not side else saved(image, 95))}
    for radius in RADII:
        blurred = image.filter(ImageFilter.GaussianBlur(radius)) if radius else image
        for grain in GRAINS:
            grainy = with_grain(blurred, grain)
            for quality in QUALITIES:
                found[f"radius {radius}, grain {grain}, quality {quality}"] = sharpness(saved(grainy, quality))
    return found


def laid_out(image: Image.Image, side: int) -> Image.Image:
    """Fill a larger frame of the same shape with mirrored copies of a photo, seamless at every border."""
    pixels = np.asarray(image)
    pixels = np.concatenate((pixels, pixels[:, ::-1]), axis=1)
    pixels = np.concatenate((pixels, pixels[::-1]), axis=0)
    width, height = (round(length * side / max(image.size)) for length in image.size)
    repeats = (-(-height // pixels.shape[0]), -(-width // pixels.shape[1]), 1)
    return Image.fromarray(np.tile(pixels, repeats)[:height, :width])


def with_grain(image: Image.Image, deviation: float) -> Image.Image:
    """Add grey noise."""
    if not deviation:
        return image
    noise = np.random.default_rng(0).normal(0, deviation, (image.height, image.width, 1))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).round().astype(np.uint8))


def saved(image: Image.Image, quality: int) -> bytes:
    """JPEG bytes."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def sharpness(data: bytes) -> float:
    """The measure of the stage `validate`."""
    return float(measure(data, PhotoLimits())["sharpness"])


def quantile(values: np.ndarray, level: float) -> float:
    """Lower quantile."""
    return float(np.quantile(values, level, method="lower"))


if __name__ == "__main__":
    main()
