"""The log of openings of the test side, so that nobody chooses on it unseen."""

import json
from collections.abc import Sequence
from datetime import datetime

from pipeline.core.hashing import sha256_of_value
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.photos.records import Side, SplitRow

TEST_OPENINGS = "test_openings.jsonl"


def log_opening(
    layout: Layout, parameters: Parameters, rows: Sequence[SplitRow], accuracy: float | None, time: datetime
) -> None:
    """Append a line to `.heritage/test_openings.jsonl`: recipe, seed, hash of the photos, how many, accuracy.

    Args:
        layout: the checkout.
        parameters: of the run.
        rows: the test photos that were scored.
        accuracy: in [0, 1]; none where there was no photo.
        time: of the opening, with its zone.
    """
    opening = {
        "time": time.isoformat(timespec="seconds"),
        "side": Side.TEST.value,
        "recipe": parameters.recipe,
        "seed": parameters.seed,
        "data": sha256_of_value([[row.path, row.sha256] for row in rows]),
        "n": len(rows),
        "accuracy": accuracy,
    }
    layout.state.mkdir(parents=True, exist_ok=True)
    with (layout.state / TEST_OPENINGS).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(opening, ensure_ascii=False) + "\n")
