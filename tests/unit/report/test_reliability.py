"""The reliability plot: filled bins alone, with whiskers, and in words."""

from pathlib import Path

from learning_checkouts import tiny_parameters
from measured_runs import ANSWERS

from pipeline.core.paths import Layout
from pipeline.report.reliability import charts, filled_bins, section


def test_bins_hold_all_photos_and_none_is_empty(measured: Layout) -> None:
    bins = filled_bins(measured)
    assert sum(row.n for row in bins) == len(ANSWERS)
    assert all(row.low < row.mean_probability <= row.high for row in bins)


def test_points_stand_at_probability_and_share_with_their_interval(measured: Layout) -> None:
    bins = filled_bins(measured)
    points = charts(bins)[0].lines[0].points
    assert [(point.x, point.y, point.interval) for point in points] == [
        (row.mean_probability, row.accuracy, row.interval) for row in bins
    ]
    assert all(point.interval[0] <= point.y <= point.interval[1] for point in points if point.interval)


def test_the_plot_is_said_in_words(measured: Layout) -> None:
    html = section(measured, tiny_parameters()).html
    assert 'aria-label="Share that is right. By probability of the predicted class, with 95 % intervals: ' in html
    assert "the calibration error" in html


def test_without_bins_the_command_is_named(tmp_path: Path) -> None:
    assert "<code>dvc repro</code>" in section(Layout(tmp_path), tiny_parameters()).html
