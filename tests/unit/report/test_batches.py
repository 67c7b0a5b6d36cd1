"""Figures of each batch, and what is said of one that falls behind."""

from pathlib import Path

from learning_checkouts import tiny_parameters
from measured_runs import write_measured

from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.report.batches import batch_lines, section


def test_batches_come_by_name_with_their_figures(measured: Layout) -> None:
    first, second = batch_lines(measured)
    assert (first.batch, first.n, first.num_mistakes, first.accuracy) == ("first", 4, 1, 0.75)
    assert (second.batch, second.n, second.num_mistakes, second.accuracy) == ("second", 4, 2, 0.5)
    assert first.interval[0] < 0.75 < first.interval[1]
    assert "No batch falls behind" in section(measured, tiny_parameters()).html


def test_a_batch_that_falls_behind_is_named(tmp_path: Path) -> None:
    layout = write_measured(tmp_path)
    path = layout.reports("evaluate") / "per_batch.csv"
    write_text(path, path.read_text().replace("false", "true", 1))
    html = section(layout, tiny_parameters()).html
    assert '<strong class="bad">first</strong> falls behind' in html
    assert html.count(">falls behind</td>") == 1


def test_a_lone_batch_is_compared_with_nothing(tmp_path: Path) -> None:
    layout = write_measured(tmp_path)
    path = layout.reports("evaluate") / "per_batch.csv"
    header, first, _ = path.read_text().splitlines()
    write_text(path, f"{header}\n{first}\n")
    assert "no other to compare it with" in section(layout, tiny_parameters()).html


def test_without_figures_the_command_is_named(tmp_path: Path) -> None:
    assert "<code>dvc repro</code>" in section(Layout(tmp_path), tiny_parameters()).html
