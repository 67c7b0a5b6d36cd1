"""A hundred thousand photos, and 1 % more: time, memory and growth of `validate` and `clean`.

Makes the photos from AHE by edits that change the photo: a corner of 60 % of each side, turned by a quarter, a half or
three quarters, or not, with its colours shifted; no two of them are copies by any rule of the stage. Cleans 1,000,
10,000 and 100,000 of them with nothing known, then adds 1 % new photos and cleans again. A quarter of an hour on two
idle cores, half of it drawing.

    python benchmarks/many_photos.py <train.tar> <test.tar> [--numbers 1000 10000 100000] [--json figures.json]
"""

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cleaned_folders import Batch, add_batches, clean_folder, clone_with, same_photo_pairs, write_results
from cleaning import unpack_ahe
from measuring import show
from PIL import Image, ImageEnhance

_CORNER = 0.6
_CORNERS = ((0, 0), (1, 0), (0, 1), (1, 1))
_TURNS = (0, 90, 180, 270)
_TINTS = (0.6, 1.0, 1.5)
_NEW_SHARE = 0.01


@dataclass(frozen=True)
class Variant:
    """One way to make another photo of a photo."""

    corner: tuple[int, int]
    degrees: int
    tint: float


VARIANTS = tuple(
    Variant(corner, degrees, _TINTS[(row + column) % len(_TINTS)])
    for row, degrees in enumerate(_TURNS)
    for column, corner in enumerate(_CORNERS)
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, help="archive of training photos, a folder per class")
    parser.add_argument("test", type=Path, help="archive of the published test photos")
    parser.add_argument("--numbers", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory(prefix="many-") as scratch:
        photos = unpack_ahe(arguments.train, arguments.test, Path(scratch) / "ahe")
        sources = sorted(photos.rglob("*.*"))
        for number in arguments.numbers:
            results[str(number)] = measure(sources, number, Path(scratch) / str(number))
    write_results(arguments.json, results)


def measure(sources: list[Path], number: int, folder: Path) -> dict[str, Any]:
    """Clean so many photos cold, and 1 % more with what is known."""
    more = round(number * _NEW_SHARE)
    draw(sources, range(number), folder / "first")
    draw(sources, range(number, number + more), folder / "more")
    with clone_with([Batch("many-first", folder / "first")], {}) as clone:
        cold = clean_folder(clone)
        pairs = len(same_photo_pairs(clone))
        show(f"{number} photos", {"validate": cold.validate, "clean": cold.clean, "both": cold.both, "pairs": pairs})
        add_batches(clone, [Batch("many-more", folder / "more")])
        grown = clean_folder(clone, cold=False)
        share = grown.both.seconds / cold.both.seconds
        show(f"{more} new", {"validate": grown.validate, "clean": grown.clean, "of the cold time": f"{share:.1%}"})
    return {"cold": cold.as_json(), "grown": grown.as_json(), "share": round(share, 4), "pairs": pairs}


def draw(sources: list[Path], numbers: range, folder: Path) -> None:
    """Draw photos by number as `<folder>/<class>/<number>.jpg`, in two processes."""
    for label in {source.parent.name for source in sources}:
        (folder / label).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2) as executor:
        list(executor.map(partial(_draw_one, sources, folder), numbers, chunksize=500))


def _draw_one(sources: list[Path], folder: Path, number: int) -> None:
    source, variant = sources[number % len(sources)], VARIANTS[number // len(sources)]
    with Image.open(source) as photo:
        image = photo.convert("RGB")
    width, height = round(image.width * _CORNER), round(image.height * _CORNER)
    left, top = variant.corner[0] * (image.width - width), variant.corner[1] * (image.height - height)
    corner = image.crop((left, top, left + width, top + height)).resize(image.size, Image.Resampling.LANCZOS)
    turned = corner.rotate(variant.degrees)
    tinted = ImageEnhance.Color(turned).enhance(variant.tint)
    tinted.save(folder / source.parent.name / f"{number:06d}.jpg", quality=90)


if __name__ == "__main__":
    main()
