"""Photos a second on JPEGs of 12 megapixels, ours and the other tools', with nothing known of any photo.

Draws the photos: noise of all scales, as stone and foliage have it, with hard edges over it, 4,000 by 3,000 pixels at
quality 90, about three megabytes each. The figures are of whole commands, imports and all, so that few photos favour
the tools that import less; the time of imports is measured on two photos and told beside. Ten minutes on two idle
cores.

    python benchmarks/large_photos.py [--photos 120] [--json figures.json]
"""

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cleaned_folders import Batch, clean_folder, clone_with, write_results
from measuring import Cost, show
from PIL import Image, ImageDraw
from rivals import CLEANVISION, CLEANVISION_2, ENVIRONMENTS, PHASH_10, ask

_SIZE = (4000, 3000)
_OCTAVES = 9
_NUM_EDGES = 60
_LABELS = ("arch", "wall")
_FEW = 4


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=120)
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="where the other tools lie")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="large-") as scratch:
        few, many = Path(scratch) / "few", Path(scratch) / "many"
        draw(few, _FEW)
        draw(many, arguments.photos)
        size = sum(path.stat().st_size for path in many.rglob("*.jpg")) / arguments.photos
        print(f"{arguments.photos} photos of {size / 1e6:.1f} MB", flush=True)
        for setting in (CLEANVISION, CLEANVISION_2, PHASH_10):
            costs = [ask(setting, folder, arguments.environments).cost for folder in (few, many)]
            results[setting.name] = speeds(setting.name, *costs, arguments.photos)
        ours = []
        for folder in (few, many):
            with clone_with([Batch("large", folder)], {}) as clone:
                ours.append(clean_folder(clone).both)
        results["ours"] = speeds("ours", *ours, arguments.photos)
    write_results(arguments.json, results)


def speeds(name: str, few: Cost, many: Cost, photos: int) -> dict[str, Any]:
    """Photos a second of a whole command, and beyond its start."""
    whole = photos / many.seconds
    beyond = (photos - _FEW) / max(1e-9, many.seconds - few.seconds)
    show(name, {"photos/s": f"{whole:.1f}", "beyond the start": f"{beyond:.1f}", "took": many, "few took": few})
    return {"photos_per_second": round(whole, 2), "beyond_start": round(beyond, 2), "cost": many.as_json()}


def draw(folder: Path, number: int) -> None:
    """Draw photos as `<folder>/<class>/<number>.jpg`, in two processes."""
    for label in _LABELS:
        (folder / label).mkdir(parents=True)
    with ProcessPoolExecutor(2) as executor:
        list(executor.map(partial(_draw_one, folder), range(number)))


def _draw_one(folder: Path, number: int) -> None:
    chance = np.random.default_rng(number)
    field = np.zeros((_SIZE[1], _SIZE[0], 3), np.float32)
    for octave in range(_OCTAVES):
        size = (6 << octave, 4 << octave)
        # Fine detail is mostly of brightness, as in photos.
        grain = chance.normal(size=(size[1], size[0], 1 if octave > 3 else 3)).astype(np.float32)
        coarse = np.broadcast_to(grain, (*grain.shape[:2], 3))
        layers = [Image.fromarray(np.ascontiguousarray(coarse[:, :, channel])) for channel in range(3)]
        resized = [np.asarray(layer.resize(_SIZE, Image.Resampling.BICUBIC)) for layer in layers]
        field += np.stack(resized, axis=2) * 0.75**octave
    pixels = np.clip(128 + 45 * field, 0, 255).astype(np.uint8)
    photo = Image.fromarray(pixels)
    pen = ImageDraw.Draw(photo)
    for _ in range(_NUM_EDGES):
        x, y = chance.integers(0, _SIZE[0]), chance.integers(0, _SIZE[1])
        width, height = chance.integers(40, 900, 2)
        colour = tuple(int(value) for value in chance.integers(20, 235, 3))
        pen.rectangle(
            (int(x), int(y), int(x + width), int(y + height)), outline=colour, width=int(chance.integers(2, 30))
        )
    photo.save(folder / _LABELS[number % 2] / f"{number:04d}.jpg", quality=90)


if __name__ == "__main__":
    main()
