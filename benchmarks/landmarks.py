"""What cleaning finds among scraped photos of eight landmarks of Istanbul, and what it costs.

Takes the archive in, in a clone of this checkout as committed, makes the vectors with an ImageNet-trained MobileNet
whose weights Keras finds (`KERAS_HOME`), cleans, and counts. With a file of decisions it cleans again under them.

    python benchmarks/landmarks.py <landmarks_istanbul.tar> [--decisions decisions.csv] [--json figures.json]
"""

import argparse
import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from cleaned_folders import Batch, add_batches, write_results
from clones import BIN, PIPELINE, fresh_clone, run
from measuring import measured, show

_STAGES = ("validate", "embed", "clean", "split")
_RECIPE = """
photos: {batches: ["*"]}
embed: {backbone: MobileNet, width: 0.75}
train:
  backbone: MobileNet
  width: 0.75
  weights: imagenet
  image_size: 128
  phases: [{epochs: 1}]
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="archive of photos, a folder per landmark")
    parser.add_argument("--decisions", type=Path, help="what a person decided on the review page")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    with fresh_clone() as clone:
        add_batches(clone, [Batch("scraped", arguments.photos)])
        (clone / "recipes" / "landmarks.yaml").write_text(_RECIPE, encoding="utf-8")
        run((*PIPELINE, "recipe", "landmarks"), clone)
        figures = {"cost": cost_of(clone), "found": found(clone)}
        show("found", figures["found"])
        if arguments.decisions:
            shutil.copy(arguments.decisions, clone / "reviews" / "decisions.csv")
            for stage in ("clean", "split"):
                run((*PIPELINE, stage), clone)
            figures["found_under_decisions"] = found(clone)
            show("found under the decisions", figures["found_under_decisions"])
    write_results(arguments.json, figures)


def cost_of(clone: Path) -> dict[str, dict[str, float]]:
    """Run the stages, each as a command, and measure them."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(clone)}
    costs = {}
    for stage in _STAGES:
        cost = measured((*PIPELINE, stage), clone, environment)
        show(stage, {"took": cost})
        costs[stage] = cost.as_json()
    return costs


def found(clone: Path) -> dict[str, Any]:
    """Count what the last run found."""
    artifacts = clone / "artifacts"
    photos = pq.read_table(artifacts / "validate" / "photos.parquet", columns=["error", "sha256"]).to_pylist()
    rows = pq.read_table(artifacts / "clean" / "photos.parquet").to_pylist()
    pairs = pq.read_table(artifacts / "clean" / "duplicates.parquet").to_pylist()
    suspects = pq.read_table(artifacts / "clean" / "suspects.parquet").to_pylist()
    summary = json.loads((clone / "reports" / "clean" / "summary.json").read_text(encoding="utf-8"))
    clusters: dict[str, set[str | None]] = {}
    for row in rows:
        if row["cluster"]:
            clusters.setdefault(row["cluster"], set()).add(row["label"])
    return {
        "files": len(photos),
        "unreadable": sum(bool(photo["error"]) for photo in photos),
        "files of bytes that came before": len(photos) - len({photo["sha256"] for photo in photos}),
        "kept": summary["kept"],
        "quarantined": summary["quarantined_by_reason"],
        "flags": summary["flags_of_kept"],
        "pairs of copies": dict(sorted(Counter(pair["relation"] for pair in pairs if pair["tier"] == 1).items())),
        "clusters of copies": len(clusters),
        "clusters under several labels": sum(len(labels) > 1 for labels in clusters.values()),
        "scenes": summary["scenes"],
        "suspects": dict(sorted(Counter(suspect["kind"] for suspect in suspects).items())),
        "warnings": summary["warnings"],
    }


if __name__ == "__main__":
    main()
