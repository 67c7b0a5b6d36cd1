"""The gate's verdict in words, from the file that it writes."""

import json
from pathlib import Path
from typing import Any

from heritage.places import CLONE

REPORT = CLONE / "reports" / "report.html"
"""The page about the run that was judged."""

_MET = {True: "met", False: "NOT MET", None: "not judged"}


def in_words(gate: Path = CLONE / "reports" / "gate.json") -> tuple[str, list[str]]:
    """The verdict and a line for each rule, those that were not met first.

    Args:
        gate: the file that `pipeline gate` writes.
    """
    judged = json.loads(gate.read_text(encoding="utf-8"))
    rules = sorted(judged["rules"], key=lambda rule: {False: 0, None: 1, True: 2}[rule["passed"]])
    return f"{judged['verdict']}, on {judged['n']} test photos", [_rule_in_words(rule) for rule in rules]


def _rule_in_words(rule: dict[str, Any]) -> str:
    facts = [
        f"{name} {_figure(rule[key])}"
        for name, key in (("value", "value"), ("limit", "limit"), ("champion", "baseline"))
        if rule[key] is not None
    ]
    note = f" ({rule['note']})" if rule["note"] else ""
    return f"{rule['name']}: {_MET[rule['passed']]}; {', '.join(facts)}, {rule['n']} photos{note}"


def _figure(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() and abs(value) > 1 else f"{value:.3f}"
