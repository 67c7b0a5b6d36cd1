"""Architectural elements on the published AHE test set: the figure of the README.

Takes the two archives in as batches (the published test set pinned), trains the recipe `elements` with the weights at
hand once per seed, and prints the line of the table: the mean over the seeds. Works in a clone of its own; half an hour
per seed on two idle CPU cores. The seed moves the initial head, the order of photos and which of them validate.

    python benchmarks/elements.py <train.tar> <test.tar> [--seeds 7 8 9]
"""

import argparse
import json
import statistics
import time
from pathlib import Path

from clones import PIPELINE, REPRO, fresh_clone, run, set_seed


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, help="archive of training photos, a folder per class")
    parser.add_argument("test", type=Path, help="archive of the published test photos")
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    arguments = parser.parse_args()
    with fresh_clone() as clone:
        run((*PIPELINE, "intake", str(arguments.train.resolve()), "--batch", "ahe-train"), clone)
        run((*PIPELINE, "intake", str(arguments.test.resolve()), "--batch", "ahe-test", "--side", "test"), clone)
        run((*PIPELINE, "recipe", "elements", "--evaluate", "test"), clone)
        accuracies = []
        for seed in arguments.seeds:
            set_seed(clone, seed)
            started = time.monotonic()
            run(REPRO, clone)
            print(f"seed {seed}: dvc repro {(time.monotonic() - started) / 60:.1f} minutes", flush=True)
            accuracies.append(report(clone))
    spread = f", standard deviation {statistics.stdev(accuracies):.4f}" if len(accuracies) > 1 else ""
    print(f"mean accuracy over {len(accuracies)} seeds: {statistics.mean(accuracies):.4f}{spread}")


def report(clone: Path) -> float:
    """Print what was found and measured; give the accuracy."""
    cleaned = json.loads((clone / "reports/clean/summary.json").read_text())
    metrics = json.loads((clone / "reports/evaluate/metrics.json").read_text())
    parameters = (clone / "params.yaml").read_text()
    backbone = next(
        line.split(":")[1].strip() for line in parameters.split("train:")[1].splitlines() if "backbone" in line
    )
    low, high = metrics["accuracy_interval"]
    print(f"backbone {backbone}")
    print(f"quarantined: {cleaned['quarantined_by_reason']}")
    print(f"test photos {metrics['n']}: accuracy {metrics['accuracy']:.4f}, 95 % interval {low:.3f} to {high:.3f}")
    print(f"balanced accuracy {metrics['balanced_accuracy']:.4f}; majority class {metrics['majority_accuracy']:.4f}")
    if "without_copies" in metrics:
        single = metrics["without_copies"]
        print(f"without the {metrics['n'] - single['n']} test photos that have copies: {single['accuracy']:.4f}")
    return float(metrics["accuracy"])


if __name__ == "__main__":
    main()
