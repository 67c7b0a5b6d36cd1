"""How the model learnt: loss, accuracy and learning rate by epoch, with the phases and the epoch that was kept."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from pipeline.core.errors import DataError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.learning.history import EpochRow, read_history
from pipeline.pages.charts import Axis, Chart, Line, Mark, Point, drawn
from pipeline.pages.page import share
from pipeline.report.sections import Section, section_of

_Value = Callable[[EpochRow], float]


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `learning`."""
    try:
        history = read_history(layout.artifacts("train") / "history.csv")
    except DataError:
        history = []
    return section_of(
        "learning",
        "Learning",
        history=history,
        kept=kept_epoch(history) if history else None,
        charts=[drawn(chart) for chart in charts(history)] if history else [],
        minutes=sum(row.seconds for row in history) / 60,
        train=parameters.train,
    )


def kept_epoch(history: Sequence[EpochRow]) -> EpochRow:
    """The epoch whose weights were kept; the last one where none is marked."""
    return next((row for row in reversed(history) if row.kept), history[-1])


def charts(history: Sequence[EpochRow]) -> list[Chart]:
    """Loss, accuracy and learning rate of at least one epoch."""
    losses: dict[str, _Value] = {"training": lambda row: row.loss, "validation": lambda row: row.val_loss}
    accuracies: dict[str, _Value] = {
        "training": lambda row: row.accuracy,
        "validation": lambda row: row.val_accuracy,
        "validation, balanced": lambda row: row.val_balanced_accuracy,
    }
    rates: dict[str, _Value] = {"at the end of the epoch": lambda row: row.learning_rate}
    top = 1.05 * max(_finite(history, losses), default=0.0)
    lowest = min(_finite(history, accuracies), default=0.0)
    given = [row.learning_rate for row in history if row.learning_rate > 0]
    rate_axis = Axis("learning rate", min(given, default=1.0) / 1.5, max(given, default=1.0) * 1.5, "{:g}".format, True)
    charted = [row for row in history if row.learning_rate > 0]
    return [
        _chart(history, history, "Loss", Axis("nats per photo", 0.0, top or 1.0), losses),
        _chart(
            history, history, "Accuracy", Axis("share that is right", max(0.0, lowest - 0.05), 1.0, share), accuracies
        ),
        _chart(history, charted, "Learning rate", rate_axis, rates),
    ]


def _finite(history: Sequence[EpochRow], values: dict[str, _Value]) -> list[float]:
    """All values but those of epochs that diverged."""
    return [value for row in history for of in values.values() if math.isfinite(value := of(row))]


def _point(row: EpochRow, name: str, value: float) -> Point:
    return Point(row.epoch, value, f"epoch {row.epoch}, {name}: {value:.4g}")


def _chart(
    history: Sequence[EpochRow], charted: Sequence[EpochRow], title: str, y: Axis, values: dict[str, _Value]
) -> Chart:
    lines = [
        Line(name, [_point(row, name, of(row)) for row in charted if math.isfinite(of(row))])
        for name, of in values.items()
    ]
    kept = kept_epoch(history)
    from_to = "; ".join(
        f"{name} from {of(history[0]):.4g} to {of(history[-1]):.4g}, {of(kept):.4g} at the kept epoch"
        for name, of in values.items()
    )
    starts = [row for before, row in pairwise(history) if row.phase != before.phase]
    bands = [Mark(row.epoch - 0.5, f"phase {row.phase}") for row in (history[0], *starts)] if starts else []
    in_phases = f" Phase {', '.join(f'{row.phase} starts at epoch {row.epoch}' for row in starts)}." if starts else ""
    return Chart(
        title=f"{title} by epoch",
        description=f"{from_to}. Kept: epoch {kept.epoch} of {len(history)}.{in_phases}",
        x=Axis("epoch", history[0].epoch - 0.5, history[-1].epoch + 0.5),
        y=y,
        bands=bands,
        lines=lines,
        marks=[Mark(kept.epoch, f"kept: epoch {kept.epoch}")],
    )
