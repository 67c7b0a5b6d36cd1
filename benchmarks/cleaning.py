"""Cleaning the AHE photos, side by side with cleanvision and imagededup: the first rows of docs/cleaning.md.

Takes the two archives in as batches (the published test set pinned), runs `validate` and `clean` as commands with
nothing known of any photo, with and without the search for partial copies, and asks the other tools about the same
files in turn. Prints medians over the rounds; every figure is of whole commands, imports and all. The other tools are
installed on first use, cleanvision in 0.3 GB, fastdup (only when asked for) in 0.6 GB. Ten minutes on two idle cores.

    python benchmarks/cleaning.py <train.tar> <test.tar> [--rounds 3] [--fastdup] [--json figures.json]
"""

import argparse
import hashlib
import statistics
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from checked_pairs import compare, known_leaked, read_checked_pairs
from cleaned_folders import Batch, Cleaned, clean_folder, clone_with, photos_with, same_photo_pairs, write_results
from cleaned_folders import set_parameters as set_in
from measuring import Cost, show
from PIL import Image
from rivals import (
    CLEANVISION,
    DHASH_4,
    DHASH_10,
    ENVIRONMENTS,
    FASTDUP,
    PHASH_4,
    PHASH_10,
    RivalAnswer,
    ask,
)

PREFIX = "ahe-"
MAX_SPREAD = 0.01
"""Mean spread between the channels, of 1, below which a photo counts as colourless here."""

_ONCE = (DHASH_10, DHASH_4)
_EACH_ROUND = (CLEANVISION, PHASH_10, PHASH_4)


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="cleaning-") as scratch:
        photos = unpack_ahe(arguments.train, arguments.test, Path(scratch) / "ahe")
        results: dict[str, Any] = {"truth": truth(photos)}
        batches = [Batch(f"{PREFIX}train", photos / "train"), Batch(f"{PREFIX}test", photos / "test", "test")]
        with clone_with(batches, {}) as clone:
            results["rounds"] = run_rounds(clone, photos, arguments.rounds, arguments.environments)
            results["ours"] = ours(clone)
        once = (*_ONCE, FASTDUP) if arguments.fastdup else _ONCE
        results["once"] = [answered(ask(setting, photos, arguments.environments)) for setting in once]
    print_summary(results)
    write_results(arguments.json, results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, help="archive of training photos, a folder per class")
    parser.add_argument("test", type=Path, help="archive of the published test photos")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fastdup", action="store_true", help="ask fastdup as well, once; minutes")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="where the other tools lie")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def unpack_ahe(train: Path, test: Path, folder: Path) -> Path:
    """Unpack the archives as `<folder>/train/<class>/` and `<folder>/test/<class>/`."""
    for archive, side in ((train, "train"), (test, "test")):
        with tarfile.open(archive) as tar:
            tar.extractall(folder / side, filter="data")
    return folder


def truth(photos: Path) -> dict[str, Any]:
    """What can be counted without any tool: colourless photos, and equal pixels under two labels."""
    colourless, by_pixels = [], defaultdict(list)
    for path in sorted(photos.rglob("*.*")):
        with Image.open(path) as photo:
            mode, pixels = photo.mode, np.asarray(photo.convert("RGB"))
        name = path.relative_to(photos).as_posix()
        spread = (pixels.max(axis=2).astype(int) - pixels.min(axis=2)).mean() / 255
        if mode == "RGB" and spread < MAX_SPREAD:
            colourless.append(name)
        by_pixels[hashlib.sha256(pixels.tobytes()).hexdigest()].append(name)
    pairs = [pair for names in by_pixels.values() for pair in combinations(sorted(names), 2)]
    across = [pair for pair in pairs if pair[0].split("/")[1] != pair[1].split("/")[1]]
    return {"colourless": colourless, "cross_label_copies": across, "leaked": len(known_leaked(read_checked_pairs()))}


def run_rounds(clone: Path, photos: Path, rounds: int, environments: Path) -> dict[str, list[dict[str, Any]]]:
    """Run everything in turn, so that a busy minute of the machine does not fall on one tool alone."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for _ in range(rounds):
        for setting in _EACH_ROUND:
            found[setting.name].append(answered(ask(setting, photos, environments)))
        for name, is_partial in (("ours without partial copies", False), ("ours", True)):
            set_in(clone, {"clean": {"partial_copies": is_partial}})
            found[name].append(cleaned(clone, name, clean_folder(clone)))
    return dict(found)


def cleaned(clone: Path, name: str, cost: Cleaned) -> dict[str, Any]:
    """What our two stages found and took."""
    agreement = compare(same_photo_pairs(clone, PREFIX), read_checked_pairs())
    show(name, {"validate": cost.validate, "clean": cost.clean, **_in_short(asdict(agreement))})
    return {"cost": cost.both.as_json(), "stages": cost.as_json(), "agreement": asdict(agreement)}


def answered(answer: RivalAnswer) -> dict[str, Any]:
    """What another tool found and took."""
    agreement = compare(answer.pairs, read_checked_pairs())
    flags = {name: len(paths) for name, paths in answer.flags.items()}
    show(answer.setting.name, {"took": answer.cost, **_in_short(asdict(agreement)), "flags": flags or "none"})
    return {
        "name": answer.setting.name,
        "cost": answer.cost.as_json(),
        "agreement": asdict(agreement),
        "flags": flags,
    }


def ours(clone: Path) -> dict[str, Any]:
    """What the last of our runs says of single photos and conflicting labels."""
    start = f"data/{PREFIX}"
    return {
        "colourless": sorted(path.removeprefix(start) for path in photos_with(clone, "colourless")),
        "label_conflicts": sorted(path.removeprefix(start) for path in photos_with(clone, "label_conflict")),
        "pairs": sorted(map(list, same_photo_pairs(clone, PREFIX))),
    }


def print_summary(results: dict[str, Any]) -> None:
    """Print medians, and the rows of the table that this script answers for."""
    for name, rounds in results["rounds"].items():
        median = median_cost([one["cost"] for one in rounds])
        print(f"{name:30s} median {median}, leaked {rounds[-1]['agreement']['leaked']}")
    truth_, found = results["truth"], results["ours"]
    conflicts = set(found["label_conflicts"])
    settled = sum(conflicts.issuperset(pair) for pair in truth_["cross_label_copies"])
    print(f"test photos that are training photos, by the readers: {truth_['leaked']}")
    print(f"cross-label exact copies quarantined on both sides: {settled} of {len(truth_['cross_label_copies'])}")
    grey = set(truth_["colourless"])
    print(f"colourless stored as RGB: {len(grey & set(found['colourless']))} of {len(grey)}")


def median_cost(costs: Sequence[dict[str, float]]) -> Cost:
    """The median of each figure by itself."""
    return Cost(*(statistics.median(cost[name] for cost in costs) for name in costs[0]))


def _in_short(agreement: dict[str, int]) -> dict[str, int]:
    return {name.replace("_", " "): count for name, count in agreement.items()}


if __name__ == "__main__":
    main()
