"""Curves: the phases' boundary and the kept epoch are marked, and said in words."""

from dataclasses import replace
from pathlib import Path

from learning_checkouts import tiny_parameters
from measured_runs import write_history_of_two_phases

from pipeline.core.paths import Layout
from pipeline.learning.history import read_history, write_history
from pipeline.report.learning import charts, kept_epoch, section


def history_of(tmp_path: Path) -> list:
    write_history_of_two_phases(Layout(tmp_path))
    return read_history(tmp_path / "artifacts/train/history.csv")


def test_the_boundary_of_the_phases_lies_between_their_epochs(tmp_path: Path) -> None:
    for chart in charts(history_of(tmp_path)):
        assert [(band.x, band.name) for band in chart.bands] == [(0.5, "phase 1"), (2.5, "phase 2")]
        assert "Phase 2 starts at epoch 3." in chart.description


def test_a_single_phase_has_no_boundary(tmp_path: Path) -> None:
    assert [chart.bands for chart in charts(history_of(tmp_path)[:2])] == [[]] * 3


def test_the_last_best_epoch_is_the_kept_one(tmp_path: Path) -> None:
    history = history_of(tmp_path)
    assert kept_epoch(history).epoch == 3
    assert {mark.name for chart in charts(history) for mark in chart.marks} == {"kept: epoch 3"}
    assert kept_epoch(history[1:2]).epoch == 2


def test_the_values_are_said_in_words(tmp_path: Path) -> None:
    loss = charts(history_of(tmp_path))[0]
    assert loss.description.startswith("training from 1 to 0.25, 0.3333 at the kept epoch; validation from 1")
    assert "Kept: epoch 3 of 4." in loss.description


def test_every_value_lies_within_its_axis(tmp_path: Path) -> None:
    for chart in charts(history_of(tmp_path)):
        values = [point.y for line in chart.lines for point in line.points]
        assert chart.y.low <= min(values) <= max(values) <= chart.y.high


def test_an_epoch_at_rate_zero_is_left_off_the_logarithmic_axis(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    history = history_of(tmp_path)
    write_history(layout.artifacts("train") / "history.csv", [*history[:3], replace(history[3], learning_rate=0.0)])
    html = section(layout, tiny_parameters()).html
    assert "epoch 3, at the end of the epoch" in html
    assert "epoch 4, at the end of the epoch" not in html


def test_an_epoch_that_diverged_is_left_out_of_its_chart_and_in_the_table(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    history = history_of(tmp_path)
    diverged = replace(history[3], loss=float("nan"), val_loss=float("inf"))
    write_history(layout.artifacts("train") / "history.csv", [*history[:3], diverged])
    html = section(layout, tiny_parameters()).html
    assert "epoch 3, validation: " in html
    assert "epoch 4, validation: 0.6" in html
    assert "epoch 4, validation: inf" not in html
    assert html.count(">nan<") == html.count(">inf<") == 1


def test_without_a_history_the_command_is_named(tmp_path: Path) -> None:
    assert "<code>dvc repro</code>" in section(Layout(tmp_path), tiny_parameters()).html
