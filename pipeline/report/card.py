"""The model card: what a model is for, what it learnt from, how it was measured, and what to beware of."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.training_parameters import PhaseParameters
from pipeline.evaluation.openings import TEST_OPENINGS
from pipeline.pages.page import figure
from pipeline.photos.provenance import provenance_of
from pipeline.photos.records import Side, SplitRow
from pipeline.report.files import json_or_none, metrics_or_none, rows_or_none
from pipeline.report.sections import Section, section_of

_FEW_PHOTOS = 30


@dataclass(frozen=True)
class Sources:
    """Where the photos of a side come from."""

    n: int
    batches: tuple[str, ...]
    licences: tuple[tuple[str, int], ...]
    """With the number of photos, most first."""
    num_authors: int
    """Different names; photos without one are not counted."""
    taken: str
    """First and last date, empty where none is told."""


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `card`."""
    rows = rows_or_none(layout.artifacts("split") / "photos.parquet", SplitRow) or []
    metrics = metrics_or_none(layout)
    extra = layout.artifacts("export") / "saved_model" / "assets.extra"
    classes = json_or_none(extra / "labels.json") or []
    thresholds = json_or_none(extra / "thresholds.json") or []
    side = metrics.get("side", "") if metrics else ""
    measured = [row for row in rows if row.side == side and row.label in classes]
    return section_of(
        "card",
        "Model card",
        purpose=parameters.model.purpose,
        limits=parameters.model.limits,
        recipe=parameters.recipe,
        classes=list(zip(classes, thresholds, strict=False)),
        learnt=sources_of([row for row in rows if row.side in (Side.TRAIN, Side.VALIDATION)]),
        measured=sources_of(measured),
        side=side,
        train=parameters.train,
        phases=[_phase(phase) for phase in parameters.train.phases if phase.epochs],
        quantile=parameters.export.heatmap_quantile,
        caveats=list(caveats(measured, metrics or {}, openings(layout))),
    )


def sources_of(rows: Sequence[SplitRow]) -> Sources:
    """Sum up where photos come from."""
    dates = sorted(row.taken_at for row in rows if row.taken_at)
    return Sources(
        n=len(rows),
        batches=tuple(sorted({row.batch for row in rows})),
        licences=tuple(provenance_of(rows)["by_licence"].items()),
        num_authors=len({row.author for row in rows if row.author}),
        taken=f"{dates[0]} to {dates[-1]}" if dates else "",
    )


def openings(layout: Layout) -> int:
    """How often the test side was measured in this checkout."""
    try:
        lines = (layout.state / TEST_OPENINGS).read_text(encoding="utf-8").splitlines()
        return sum(json.loads(line)["side"] == Side.TEST for line in lines)
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def caveats(rows: Sequence[SplitRow], metrics: dict[str, Any], num_openings: int) -> Iterator[str]:
    """What the figures cannot say, a sentence each.

    Args:
        rows: the photos that were measured.
        metrics: what `evaluate` measured; empty where it did not.
        num_openings: how often the test side was measured.
    """
    side = metrics.get("side")
    if side == Side.VALIDATION:
        yield "The figures are of the validation side, which chose the epoch that was kept: they flatter the model."
    counts = Counter(str(row.label) for row in rows)
    few = sorted((n, label) for label, n in counts.items() if n < _FEW_PHOTOS)
    if few:
        named = ", ".join(f"{label} on {n}" for n, label in few)
        yield f"Fewer than {_FEW_PHOTOS} photos measure {named}: read the intervals, not the figures."
    if side == Side.TEST and num_openings > 1:
        yield (
            f"The test side was measured {num_openings} times in this checkout; whoever chose by those figures has "
            "chosen on the test side."
        )
    single = metrics.get("without_copies")
    if single:
        accuracy = f"accuracy {figure(single['accuracy'])} over the {single['n']:,} without"
        yield f"Some photos of the {side} side have copies elsewhere: {accuracy}."
    if metrics and "localisation" not in metrics:
        yield "There were too few damage masks to measure where the heat maps point: they are grounds, not findings."


def _phase(phase: PhaseParameters) -> str:
    match phase.unfreeze_from:
        case None:
            opened = "backbone frozen"
        case 0:
            opened = "all layers open"
        case layer:
            opened = f"layers from {layer} on open"
    rate = f"{phase.schedule.kind} learning rate from {phase.schedule.learning_rate:g}"
    return f"{phase.epochs} epoch{'' if phase.epochs == 1 else 's'}, {opened}, {phase.optimizer}, {rate}"
