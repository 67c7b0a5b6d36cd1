"""The difference to the champion: counted photo by photo, and said plainly where there is none."""

from dataclasses import replace
from pathlib import Path

from reported_runs import write_run, write_verdict

from pipeline.core.tables import write_rows
from pipeline.release.gate import Verdict
from pipeline.release.journal import State, append_entry, read_journal
from pipeline.release.lines import line_of
from pipeline.release.predictions import ANSWERS, GateAnswer
from pipeline.report.champion import Difference, differences, lost_and_gained, section

ANSWERED = [
    GateAnswer("d", "red", "red", "blue"),
    GateAnswer("a", "red", "blue", "red"),
    GateAnswer("b", "red", "red", "red"),
    GateAnswer("c", "blue", "red", "green"),
]


def test_what_only_one_model_gets_right_is_lost_or_gained() -> None:
    lost, gained = lost_and_gained(ANSWERED)
    assert ([answer.path for answer in lost], [answer.path for answer in gained]) == (["a"], ["d"])


def test_both_models_are_compared_by_class_and_over_all() -> None:
    assert differences(ANSWERED) == [
        Difference("blue", 1, 0.0, 0.0, 0, 0),
        Difference("red", 3, 2 / 3, 2 / 3, 1, 1),
        Difference("all", 4, 0.5, 0.5, 1, 1),
    ]
    assert differences([]) == []


def test_a_change_is_in_points_with_its_sign() -> None:
    assert Difference("red", 8, 0.75, 0.5, 2, 0).change == "+25.0"
    assert Difference("red", 8, 0.5, 0.625, 0, 1).change == "-12.5"


def test_the_section_tells_gains_losses_and_what_served(tmp_path: Path) -> None:
    html = section(*write_run(tmp_path)).html
    for text in (
        "Version 3 served",
        "2026-05-01 09:30 UTC",
        "gained 2, lost 1",
        "above -.050",
        "this model: red",
        "two/<wbr>blue/<wbr>0.jpg",
    ):
        assert text in html


def test_a_failed_promotion_is_not_when_the_champion_began_to_serve(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    journal = line_of(layout, parameters).journal
    [served] = read_journal(journal).entries
    append_entry(journal, replace(served, time="2026-06-02T09:30:00+00:00", state=State.FAILED, reason="no answer"))
    html = section(layout, parameters).html
    assert "since 2026-05-01 09:30 UTC" in html
    assert "failed: no answer" in html


def test_a_first_model_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    write_verdict(layout, Verdict.PASSED, champion=None)
    assert "Nothing served" in section(layout, parameters).html


def test_without_a_margin_the_section_says_why_there_is_no_comparison(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    write_rows(layout.artifacts("gate") / ANSWERS, GateAnswer, [GateAnswer("a", "red", "red", None)])
    assert "gate.margin" in section(layout, parameters).html


def test_before_the_gate_the_next_step_is_the_gate(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    layout.gate.unlink()
    assert "<code>pipeline gate</code>" in section(layout, parameters).html


def test_a_history_that_cannot_be_read_costs_itself_alone(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    line_of(layout, parameters).journal.write_text("{\n")
    html = section(layout, parameters).html
    assert "gained 2, lost 1" in html
    assert "What served when" not in html
