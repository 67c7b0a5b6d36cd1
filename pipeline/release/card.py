"""The model card in short, as the registry shows it beside a version: Markdown, with the whole card in the report."""

import json
import re
from typing import Any

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.pages.page import figure, interval
from pipeline.release.gate_report import GateReport

_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&!])")


def model_card(layout: Layout, parameters: Parameters, gate: GateReport) -> str:
    """Purpose, limits, verdict and first figures of the candidate, and where its report is.

    Args:
        layout: the checkout, of which the figures are read; without figures the card leaves them out.
        parameters: of the run.
        gate: the verdict that the candidate is registered with.
    """
    lines = [_plain(parameters.model.purpose), _plain(parameters.model.limits), f"Gate: {_plain(gate.in_words())}."]
    lines += [_figures(layout), "Report: `reports/report.html` among the artifacts of the run that made this version."]
    return "\n\n".join(line for line in lines if line)


def _figures(layout: Layout) -> str:
    """Accuracies on one line; empty where there are none."""
    path = layout.reports("evaluate") / "metrics.json"
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    found = [
        f"{name} {figure(values[key])}{_within(values.get(f'{key}_interval'))}"
        for name, key in (
            ("accuracy", "accuracy"),
            ("balanced accuracy", "balanced_accuracy"),
            ("accuracy of always the most frequent class", "majority_accuracy"),
        )
        if key in values
    ]
    return (
        f"On {values.get('n', 0):,} photos of the {values.get('side', '')} side: {', '.join(found)}." if found else ""
    )


def _within(bounds: list[float] | None) -> str:
    return f" ({interval(bounds)})" if bounds else ""


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _MARKDOWN.sub(r"\\\1", text)
