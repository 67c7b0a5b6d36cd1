"""Planted edits: 600 AHE test photos edited in one way at a time, standing among all AHE photos.

For each edit the edited photos join AHE as a batch of their own and are cleaned with it. Recall counts the edited
photos that are paired with their own source. A pair is right when both come from one source photo, or when the readers
of tests/fixtures/ahe_pairs.csv do not call the sources two photographs; a pair of two sources that nobody read counts
as wrong. The other tools hash edits and AHE together once: their pairs depend on nothing but the two photos, so the
pairs of one edit are those they would find without the others. Twenty minutes on two idle cores, most of it
imagededup's.

    python benchmarks/planted_edits.py <train.tar> <test.tar> [--photos 600] [--no-rivals] [--json figures.json]
"""

import argparse
import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from checked_pairs import Pair, read_checked_pairs
from cleaned_folders import Batch, add_batches, clean_folder, clone_with, same_photo_pairs, write_results
from cleaning import PREFIX, unpack_ahe
from measuring import show
from PIL import Image, ImageEnhance, ImageOps
from rivals import CLEANVISION, ENVIRONMENTS, PHASH_4, PHASH_10, ask

_QUALITY = 95
_SEED = 11


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="planted-") as scratch:
        photos = unpack_ahe(arguments.train, arguments.test, Path(scratch) / "ahe")
        sources = chosen(photos, arguments.photos)
        for name, edit in EDITS.items():
            plant(photos, Path(scratch) / "edits" / name, sources, edit)
        results["ours"] = measure_ours(photos, Path(scratch) / "edits", sources)
        if arguments.rivals:
            everything = Path(scratch) / "everything"
            everything.mkdir()
            for folder in (photos / "train", photos / "test", *(Path(scratch) / "edits").iterdir()):
                shutil.copytree(folder, everything / folder.name)
            for setting in (CLEANVISION, PHASH_10, PHASH_4):
                pairs = ask(setting, everything, arguments.environments).pairs
                results[setting.name] = {name: judge(of_edit(pairs, name), name, sources) for name in EDITS}
    print_table(results)
    write_results(arguments.json, results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, help="archive of training photos, a folder per class")
    parser.add_argument("test", type=Path, help="archive of the published test photos")
    parser.add_argument("--photos", type=int, default=600, help="edited photos of each edit")
    parser.add_argument("--rivals", action=argparse.BooleanOptionalAction, default=True, help="ask the other tools")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="where the other tools lie")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def chosen(photos: Path, count: int) -> list[str]:
    """Draw test photos, by path from the folder."""
    names = sorted(path.relative_to(photos).as_posix() for path in (photos / "test").rglob("*.*"))
    return sorted(random.Random(_SEED).sample(names, count))


def plant(photos: Path, folder: Path, sources: Iterable[str], edit: Callable[[Image.Image], Image.Image]) -> None:
    """Write the edited photos as `<folder>/<class>/<file>`, all but one edit at quality 95."""
    for source in sources:
        target = folder / source.removeprefix("test/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(photos / source) as photo:
            edited = edit(photo.convert("RGB"))
        edited.save(target, format="JPEG", quality=30 if folder.name == "quality 30" else _QUALITY)


def measure_ours(photos: Path, edits: Path, sources: Sequence[str]) -> dict[str, Any]:
    """Clean AHE with one edit at a time; what is known of the AHE photos is kept from one to the next."""
    found: dict[str, Any] = {}
    ahe = [Batch(f"{PREFIX}train", photos / "train"), Batch(f"{PREFIX}test", photos / "test", "test")]
    with clone_with(ahe, {}) as clone:
        batches = (clone / "data/batches.csv").read_bytes()
        for name in EDITS:
            add_batches(clone, [Batch(f"{PREFIX}edit", edits / name)])
            cost = clean_folder(clone, cold=False).both
            found[name] = judge(_with_name(same_photo_pairs(clone, PREFIX), name), name, sources)
            show(name, {key: value for key, value in found[name].items() if key != "wrong_pairs"} | {"took": cost})
            shutil.rmtree(clone / f"data/{PREFIX}edit")
            (clone / "data/batches.csv").write_bytes(batches)
    return found


def _with_name(pairs: Iterable[Pair], edit: str) -> set[Pair]:
    """Pairs with the edit's name in place of the batch's."""
    named = [[f"{edit}/{path[5:]}" if path.startswith("edit/") else path for path in pair] for pair in pairs]
    return {(min(pair), max(pair)) for pair in named}


def of_edit(pairs: Iterable[Pair], edit: str) -> set[Pair]:
    """The pairs that would be found were this the only edit."""
    sides = {"train", "test", edit}
    return {pair for pair in pairs if {path.split("/")[0] for path in pair} <= sides}


def judge(pairs: Iterable[Pair], edit: str, sources: Sequence[str]) -> dict[str, Any]:
    """Count edited photos found again, and right and wrong pairs.

    Args:
        pairs: paths start with `train/`, `test/` or the edit's name.
        edit: its name.
        sources: the photos that were edited, `test/<class>/<file>`.
    """
    checked = read_checked_pairs()
    found, right, wrong = set(), [], []
    for pair in pairs:
        first, second = sorted(_source_of(path, edit) for path in pair)
        if first == second:
            found.add(first)
        is_right = first == second or checked.get((first, second)) in ("same", "unsure")
        (right if is_right else wrong).append(sorted(pair))
    return {
        "recall": round(len(found & set(sources)) / len(sources), 4),
        "right": sum(_is_edited(pair, edit) for pair in right),
        "wrong": sum(_is_edited(pair, edit) for pair in wrong),
        "right_without_edit": len(right) - sum(_is_edited(pair, edit) for pair in right),
        "wrong_without_edit": len(wrong) - sum(_is_edited(pair, edit) for pair in wrong),
        "wrong_pairs": sorted(wrong),
    }


def print_table(results: dict[str, dict[str, Any]]) -> None:
    """Print recall by edit and tool, and the precision over all edits; pairs within AHE count once."""
    for name in EDITS:
        print(f"{name:16s}", "  ".join(f"{tool} {found[name]['recall']:.1%}" for tool, found in results.items()))
    for tool, found in results.items():
        first = next(iter(found.values()))
        right = first["right_without_edit"] + sum(one["right"] for one in found.values())
        wrong = first["wrong_without_edit"] + sum(one["wrong"] for one in found.values())
        print(f"{tool}: precision over all {right / max(1, right + wrong):.2%} ({right} right, {wrong} wrong)")


def _is_edited(pair: Sequence[str], edit: str) -> bool:
    return any(path.startswith(f"{edit}/") for path in pair)


def _source_of(path: str, edit: str) -> str:
    return f"test/{path.removeprefix(f'{edit}/')}" if path.startswith(f"{edit}/") else path


def _captioned(photo: Image.Image) -> Image.Image:
    bar = max(1, round(photo.height / 10))
    captioned = photo.copy()
    captioned.paste("white", (0, photo.height - bar, photo.width, photo.height))
    return captioned


def _cropped(share: float) -> Callable[[Image.Image], Image.Image]:
    """Take a share off each side."""

    def crop(photo: Image.Image) -> Image.Image:
        x, y = round(photo.width * share), round(photo.height * share)
        return photo.crop((x, y, photo.width - x, photo.height - y)).resize(photo.size, Image.Resampling.LANCZOS)

    return crop


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "quality 30": lambda photo: photo,
    "half size": lambda photo: photo.resize((photo.width // 2, photo.height // 2), Image.Resampling.LANCZOS),
    "brightness 1.4": lambda photo: ImageEnhance.Brightness(photo).enhance(1.4),
    "contrast 1.5": lambda photo: ImageEnhance.Contrast(photo).enhance(1.5),
    "grey": lambda photo: ImageOps.grayscale(photo).convert("RGB"),
    "mirror": ImageOps.mirror,
    "caption 10 %": _captioned,
    "crop 3 %": _cropped(0.03),
    "crop 5 %": _cropped(0.05),
    "rotate 3 degrees": lambda photo: photo.rotate(3, Image.Resampling.BICUBIC),
    "crop 10 %": _cropped(0.1),
}


if __name__ == "__main__":
    main()
