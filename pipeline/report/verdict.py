"""The verdict: whether the model may serve, by which rules, and the figures that a reader asks for first."""

from dataclasses import dataclass
from typing import Any

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.pages.page import figure, interval, share
from pipeline.release.gate import Rule, Verdict
from pipeline.release.gate_report import GateReport, figure_of_rule, gate_of_candidate
from pipeline.report.files import metrics_or_none
from pipeline.report.sections import Section, section_of

_LOOKS = {Verdict.PASSED: "good", Verdict.REFUSED: "bad", Verdict.NOT_JUDGED: "unsure"}
_MET = {True: ("met", "good"), False: ("not met", "bad"), None: ("not judged", "unsure")}


@dataclass(frozen=True)
class Headline:
    """A figure in large type."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class RuleLine:
    """A rule of the gate, as the table shows it."""

    name: str
    value: str
    limit: str
    champion: str
    n: int
    met: str
    look: str
    """Style class of `met`."""
    note: str


def section(layout: Layout, parameters: Parameters) -> Section:
    """The part `verdict`."""
    gate = gate_of_candidate(layout)
    metrics = metrics_or_none(layout)
    return section_of(
        "verdict",
        "Verdict",
        gate=gate,
        look=_LOOKS[gate.verdict] if gate else "",
        grounds=grounds(gate) if gate else "",
        rules=[rule_line(rule) for rule in gate.rules] if gate else [],
        headlines=headlines(metrics) if metrics else [],
        side=metrics.get("side") if metrics else "",
        recipe=parameters.recipe,
    )


def grounds(gate: GateReport) -> str:
    """Why the verdict is what it is, in a sentence."""
    if gate.verdict is Verdict.REFUSED:
        failed = [rule for rule in gate.rules if rule.passed is False]
        figures = [(rule.name, figure_of_rule(rule.value), figure_of_rule(rule.limit)) for rule in failed]
        return f"Not met: {'; '.join(f'{name} is {value}, the limit {limit}' for name, value, limit in figures)}."
    if gate.verdict is Verdict.PASSED:
        return f"Every rule that could be judged is met, on {gate.n:,} test photos."
    if not gate.rules:
        return "The recipe sets no rules, so nothing is judged, and what is not judged is not served."
    without = [f"{rule.name} ({rule.note or 'no figure'})" for rule in gate.rules if rule.passed is None]
    return f"Not judged: {'; '.join(without)}."


def rule_line(rule: Rule) -> RuleLine:
    """A rule in words and figures."""
    met, look = _MET[rule.passed]
    value, limit, champion = (figure_of_rule(number) for number in (rule.value, rule.limit, rule.baseline))
    return RuleLine(rule.name, value, limit, champion, rule.n, met, look, rule.note)


def headlines(metrics: dict[str, Any]) -> list[Headline]:
    """The first figures of `metrics.json`, each with what it must be read with."""
    found = []
    for name, key in (("Accuracy", "accuracy"), ("Balanced accuracy", "balanced_accuracy")):
        if key in metrics:
            baseline = metrics.get(f"majority_{key}")
            beside = f"; always the most frequent class: {figure(baseline)}" if baseline is not None else ""
            bounds = interval(metrics.get(f"{key}_interval"))
            found.append(Headline(name, figure(metrics[key]), f"95 % bootstrap interval {bounds}{beside}"))
    if "calibration_error" in metrics:
        note = "mean distance of probability and share that is right; 0 is best"
        found.append(Headline("Calibration error", figure(metrics["calibration_error"]), note))
    if metrics.get("n"):
        mistakes = metrics.get("num_mistakes", 0)
        note = f"of {metrics['n']:,} photos of the {metrics.get('side')} side, {share(mistakes / metrics['n'], 1)}"
        found.append(Headline("Mistakes", f"{mistakes:,}", note))
    return found
