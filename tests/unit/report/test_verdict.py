"""The verdict on top of the report: what the gate said of just this model, why, and the first figures."""

from pathlib import Path

import pytest
from reported_runs import rules, write_run, write_verdict

from pipeline.export.manifest import write_manifest
from pipeline.release.gate import Rule, Verdict
from pipeline.release.gate_report import GateReport, Override, override_gate
from pipeline.report.verdict import grounds, headlines, rule_line, section


def judged(verdict: Verdict, *found: Rule) -> GateReport:
    return GateReport(verdict, found, "5" * 64, None, "abc", 7, 1404)


def test_a_refusal_names_the_rules_that_are_not_met() -> None:
    assert grounds(judged(Verdict.REFUSED, *rules(met=False))) == "Not met: accuracy is .750, the limit .800."


def test_a_pass_says_on_how_many_photos() -> None:
    assert "1,404 test photos" in grounds(judged(Verdict.PASSED, *rules()))


def test_a_gate_without_rules_says_that_nothing_is_judged() -> None:
    assert "sets no rules" in grounds(judged(Verdict.NOT_JUDGED))


def test_a_rule_that_could_not_be_judged_says_why() -> None:
    open_rule = Rule("accuracy", None, 0.5, None, 0, None, "no test photos")
    assert grounds(judged(Verdict.NOT_JUDGED, open_rule)) == "Not judged: accuracy (no test photos)."


@pytest.mark.parametrize(
    ("value", "shown"), ((2.0, "2"), (1.0, "1.000"), (0.75, ".750"), (-0.05, "-.050"), (None, "-"))
)
def test_counts_are_whole_numbers_and_all_else_figures(value: float | None, shown: str) -> None:
    assert rule_line(Rule("any", value, 0.5, None, 4, True)).value == shown


def test_figures_stand_beside_their_interval_and_the_baseline() -> None:
    [accuracy, mistakes] = headlines(
        {"accuracy": 0.75, "accuracy_interval": [0.3, 0.95], "majority_accuracy": 0.5, "n": 8, "num_mistakes": 2}
    )
    assert (accuracy.value, accuracy.note) == (
        ".750",
        "95 % bootstrap interval .300 to .950; always the most frequent class: .500",
    )
    assert (mistakes.value, "25.0 %" in mistakes.note) == ("2", True)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_told_with_its_rules(tmp_path: Path, verdict: Verdict) -> None:
    layout, parameters = write_run(tmp_path)
    write_verdict(layout, verdict)
    html = section(layout, parameters).html
    assert f">{verdict}</span>" in html
    assert "change against the champion" in html


def test_an_override_is_told_with_its_name_and_reason(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    write_verdict(layout, Verdict.REFUSED)
    override_gate(layout, Override("Ada <b>", "storm"))
    assert "Overridden</strong> by Ada &lt;b&gt;: storm" in section(layout, parameters).html


def test_a_verdict_on_another_model_does_not_count(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    write_manifest(layout.artifacts("export") / "manifest.json", {"saved_model.pb": "6" * 64})
    html = section(layout, parameters).html
    assert "<code>pipeline gate</code>" in html
    assert "passed" not in html
