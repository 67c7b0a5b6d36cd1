"""Cleaning gives the same bytes for any order of the files and any number of workers: held on all AHE photos.

Shuffles the lines of the batches' tables and the order in which files are handed to the readers, five times, with 1, 2
and 4 workers in turn, and compares the hashes of everything that `validate` and `clean` write for later stages.

    python benchmarks/cleaning_order.py <train.tar> <test.tar> [--json figures.json]
"""

import argparse
import hashlib
import random
import shutil
import tempfile
from pathlib import Path

from cleaned_folders import Batch, clean_folder, clone_with, set_parameters, write_results
from cleaning import PREFIX, unpack_ahe
from measuring import show

_SHUFFLES = 5
_WORKERS = (1, 2, 4)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, help="archive of training photos, a folder per class")
    parser.add_argument("test", type=Path, help="archive of the published test photos")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    hashes: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="order-") as scratch:
        photos = unpack_ahe(arguments.train, arguments.test, Path(scratch) / "ahe")
        batches = [Batch(f"{PREFIX}train", photos / "train"), Batch(f"{PREFIX}test", photos / "test", "test")]
        with clone_with(batches, {}) as clone:
            for workers in _WORKERS:
                set_parameters(clone, {"validate": {"workers": workers}})
                hashes[f"{workers} workers"] = hash_of_run(clone)
            for shuffle in range(_SHUFFLES):
                shuffle_folders(clone / "data", shuffle)
                set_parameters(clone, {"validate": {"workers": _WORKERS[shuffle % len(_WORKERS)]}})
                hashes[f"shuffle {shuffle}"] = hash_of_run(clone)
    show("distinct outputs", {"of": len(hashes), "are": len(set(hashes.values()))})
    write_results(arguments.json, hashes)


def hash_of_run(clone: Path) -> str:
    """Clean cold, and hash what the two stages write but for what tells the time or the machine."""
    clean_folder(clone)
    digest = hashlib.sha256()
    for folder in ("artifacts/validate", "artifacts/clean", "reports/clean"):
        for path in sorted((clone / folder).rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(clone).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def shuffle_folders(data: Path, seed: int) -> None:
    """Write the files of every class folder anew in another order, which is the order the folder then lists them in,
    and shuffle the lines of the tables."""
    chance = random.Random(seed)
    for folder in sorted(path for path in data.glob("*/*") if path.is_dir()):
        copy = folder.with_name(f".{folder.name}")
        copy.mkdir()
        files = sorted(folder.iterdir())
        for file in chance.sample(files, len(files)):
            shutil.copyfile(file, copy / file.name)
        shutil.rmtree(folder)
        copy.rename(folder)
    for table in sorted(data.glob("*/photos.csv")):
        header, *lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
        table.write_text(header + "".join(chance.sample(lines, len(lines))), encoding="utf-8")


if __name__ == "__main__":
    main()
