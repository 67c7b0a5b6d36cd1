"""What drawn photos teach about real cracks: the figure of the README.

Draws photos, trains the recipe `drawn_cracks` on them through the whole graph, and asks the exported model about every
real Brickwork Cracks photo: how far its probability of a crack puts the cracked before the sound ones, as ROC AUC. No
real photo trains, validates or sets a threshold. The generator was drawn after photos of all nine walls, as a painter
would; while it and the recipe were tuned, figures and mistakes were looked at on five of them only, and the other four
give the published figure.

Cracks in these photos are mostly black gaps: darkness alone tells them apart, and stands beside the learnt score.
The model is therefore asked once more about the photos in grey and levelled to one histogram, where darkness, and any
other count of pixels, says nothing (.500 by construction).

    python benchmarks/drawn_to_real.py <brick_crack_binary.tar> [--photos 3000] [--seeds 7 8 9]
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from brick_photos import CRACK, BrickPhoto, block_interval, darkness, levelled, roc_auc, unpack_photos
from clones import PIPELINE, REPRO, fresh_clone, run, set_seed
from numpy.typing import NDArray

from pipeline.evaluation.scoring import load_scorer


def main() -> None:
    """Draw, train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="crack/ and no_crack/, numbered photos")
    parser.add_argument("--photos", type=int, default=3000, help="photos to draw")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9], help="of the training")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="real-") as folder:
        photos = unpack_photos(arguments.archive.resolve(), Path(folder))
        as_found = [photo.path.read_bytes() for photo in photos]
        sets = {"as found": as_found, "levelled": levelled(as_found)}
        learnt = learnt_scores(list(sets.values()), arguments.photos, arguments.seeds)
        for name, scores in zip(sets, learnt, strict=True):
            print_figures(f"learnt, {name}", photos, scores)
        print_figures("darkness", photos, np.array([[darkness(file) for file in as_found]]))


def learnt_scores(sets: Sequence[Sequence[bytes]], num_drawn: int, seeds: Sequence[int]) -> list[NDArray[np.float64]]:
    """Probability of a crack that models of drawn photos give each real one: `(seeds, photos)` for each set."""
    probabilities: list[list[NDArray[np.float32]]] = [[] for _ in sets]
    with fresh_clone() as clone:
        run((*PIPELINE, "sample", "--batches", "drawn-1", "--photos", str(num_drawn)), clone)
        run((*PIPELINE, "recipe", "drawn_cracks"), clone)
        for seed in seeds:
            set_seed(clone, seed)
            started = time.monotonic()
            run(REPRO, clone)
            print(f"seed {seed}: dvc repro {(time.monotonic() - started) / 60:.1f} minutes", flush=True)
            scorer = load_scorer(clone / "artifacts/export/saved_model")
            for answers, files in zip(probabilities, sets, strict=True):
                answers.append(scorer.predict(files)[:, scorer.classes.index(CRACK)])
    return [np.array(answers, np.float64) for answers in probabilities]


def print_figures(what: str, photos: Sequence[BrickPhoto], scores: NDArray[np.float64]) -> None:
    """Print ROC AUC by part of the walls, the mean over the seeds, and of each wall.

    Args:
        what: name of the score.
        photos: the real photos.
        scores: `(seeds, photos)`, larger where a crack is likelier.
    """
    walls = np.array([photo.wall for photo in photos])
    # Walls of odd number were looked at while the generator and the recipe were tuned.
    parts = {"held-out walls": walls % 2 == 0, "tuning walls": walls % 2 == 1, "all walls": walls > 0}
    for part, is_in in parts.items():
        value, (low, high) = area_with_interval(photos, scores, np.flatnonzero(is_in))
        print(
            f"{what:20s}{part:16s}{is_in.sum():4d} photos, ROC AUC {value:.3f}, 95 % interval {low:.3f} to {high:.3f}"
        )
    of_walls = [area_with_interval(photos, scores, np.flatnonzero(walls == wall))[0] for wall in np.unique(walls)]
    print(f"{what:20s}wall by wall    {' '.join(f'{value:.3f}' for value in of_walls)}")


def area_with_interval(
    photos: Sequence[BrickPhoto], scores: NDArray[np.float64], chosen: NDArray[np.int64]
) -> tuple[float, tuple[float, float]]:
    """Mean ROC AUC over the seeds on the chosen photos, and its interval over blocks of neighbours."""
    is_crack = np.array([photos[index].label == CRACK for index in chosen])

    def measure(drawn: NDArray[np.int64]) -> float:
        return float(np.mean([roc_auc(is_crack[drawn], of_seed[chosen[drawn]]) for of_seed in scores]))

    return measure(np.arange(len(chosen))), block_interval([photos[index].block for index in chosen], measure)


if __name__ == "__main__":
    main()
