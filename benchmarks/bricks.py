"""Cracked brickwork, and what a random split would claim: the figures of the README.

Runs the recipe `bricks` through the whole graph on the Brickwork Cracks photos, with the weights at hand, and splits
them in three ways: whole walls left out for the test (three times three of the nine), blocks of neighbouring photos,
and single photos at random, as is usual. Only the first asks about walls that the model has not seen. Five runs of the
graph per seed, each in minutes on two idle CPU cores. The seed moves the sides, the initial head and the order.

    python benchmarks/bricks.py <brick_crack_binary.tar> [--seeds 7 8 9]
"""

import argparse
import csv
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from brick_photos import CRACK, BrickPhoto, balanced_accuracy, block_interval, darkness, roc_auc, unpack_photos
from clones import PIPELINE, REPRO, fresh_clone, run, set_seed
from numpy.typing import NDArray

_NUM_FOLDS = 3


@dataclass(frozen=True)
class Answer:
    """What a model said of a test photo."""

    seed: int
    photo: BrickPhoto
    probability: float
    """Of a crack."""
    is_right: bool


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="crack/ and no_crack/, numbered photos")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bricks-") as folder:
        photos = unpack_photos(arguments.archive.resolve(), Path(folder))
        print_rows("random", answers_of(photos, arguments.seeds, lambda photo: "", _drawn))
        print_rows("blocks of 20", answers_of(photos, arguments.seeds, _block, _drawn))
        of_walls = [
            answer
            for fold in range(_NUM_FOLDS)
            for answer in answers_of(photos, arguments.seeds, _block, lambda photo, fold=fold: _is_in(photo, fold))
        ]
        print_rows("whole walls", of_walls)
        print_darkness(photos)


def answers_of(
    photos: Sequence[BrickPhoto],
    seeds: Sequence[int],
    group: Callable[[BrickPhoto], str],
    is_pinned: Callable[[BrickPhoto], bool],
) -> list[Answer]:
    """Train and measure once per seed, in a clone.

    Args:
        photos: all of them.
        seeds: of the runs.
        group: photos of a group share a side.
        is_pinned: which photos are a published test set; none = the seed draws the test side.
    """
    answers = []
    with fresh_clone() as clone:
        for batch, pinned, side in (("bricks-test", True, ("--side", "test")), ("bricks-train", False, ())):
            chosen = [photo for photo in photos if is_pinned(photo) is pinned]
            if chosen:
                source = clone.parent / batch
                write_source(source, chosen, group)
                run((*PIPELINE, "intake", str(source), "--batch", batch, *side), clone)
        run((*PIPELINE, "recipe", "bricks", "--evaluate", "test"), clone)
        for seed in seeds:
            set_seed(clone, seed)
            started = time.monotonic()
            run(REPRO, clone)
            answers += read_answers(clone, photos, seed)
            print(f"seed {seed}: dvc repro {(time.monotonic() - started) / 60:.1f} minutes", flush=True)
    return answers


def write_source(folder: Path, photos: Sequence[BrickPhoto], group: Callable[[BrickPhoto], str]) -> None:
    """Write photos and their table as intake reads them."""
    folder.mkdir()
    with (folder / "photos.csv").open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(("path", "label", "group"))
        for photo in photos:
            path = folder / photo.label / photo.path.name
            path.parent.mkdir(exist_ok=True)
            path.hardlink_to(photo.path)
            writer.writerow((path.relative_to(folder), photo.label, group(photo)))


def read_answers(clone: Path, photos: Sequence[BrickPhoto], seed: int) -> list[Answer]:
    """Read what the exported model said of the test side."""
    photo_of = {f"{photo.label}/{photo.path.name}": photo for photo in photos}
    rows = pq.read_table(clone / "artifacts/evaluate/predictions.parquet").to_pylist()
    named = [(photo_of["/".join(Path(row["path"]).parts[-2:])], row) for row in rows]
    return [Answer(seed, photo, row[CRACK], row["predicted"] == row["label"]) for photo, row in named]


def print_rows(split: str, answers: Sequence[Answer]) -> None:
    """Print a table's lines: accuracy, balanced accuracy and ROC AUC, means over the seeds with their intervals."""
    seeds = np.array([answer.seed for answer in answers])
    is_crack = np.array([answer.photo.label == CRACK for answer in answers])
    is_right = np.array([answer.is_right for answer in answers])
    probabilities = np.array([answer.probability for answer in answers])

    def mean(measure: Callable[[NDArray[np.int64]], float]) -> Callable[[NDArray[np.int64]], float]:
        return lambda drawn: float(np.nanmean([measure(drawn[seeds[drawn] == seed]) for seed in np.unique(seeds)]))

    measures = {
        "accuracy": mean(lambda drawn: is_right[drawn].mean() if len(drawn) else float("nan")),
        "balanced accuracy": mean(lambda drawn: balanced_accuracy(is_crack[drawn], is_right[drawn])),
        "ROC AUC": mean(lambda drawn: roc_auc(is_crack[drawn], probabilities[drawn])),
    }
    for name, measure in measures.items():
        low, high = block_interval([answer.photo.block for answer in answers], measure)
        value = measure(np.arange(len(answers)))
        print(f"{split:14s}{name:20s}{value:.4f}, 95 % interval {low:.3f} to {high:.3f}, {len(answers)} answers")


def print_darkness(photos: Sequence[BrickPhoto]) -> None:
    """Print the ROC AUC of the share of nearly black pixels, which learns nothing."""
    scores = np.array([darkness(photo.path.read_bytes()) for photo in photos])
    is_crack = np.array([photo.label == CRACK for photo in photos])
    low, high = block_interval([photo.block for photo in photos], lambda drawn: roc_auc(is_crack[drawn], scores[drawn]))
    print(f"{'darkness':14s}{'ROC AUC':20s}{roc_auc(is_crack, scores):.4f}, 95 % interval {low:.3f} to {high:.3f}")


def _block(photo: BrickPhoto) -> str:
    return photo.block


def _is_in(photo: BrickPhoto, fold: int) -> bool:
    return photo.wall % _NUM_FOLDS == fold


def _drawn(photo: BrickPhoto) -> bool:
    return False


if __name__ == "__main__":
    main()
