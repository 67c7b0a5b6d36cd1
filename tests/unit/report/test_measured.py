"""What was measured, as the parts of the report read it."""

from pathlib import Path

import pytest
from measured_runs import ANSWERS, MOST_CONFIDENT_MISTAKE

from pipeline.core.paths import Layout
from pipeline.report.measured import answers_or_none, lines_or_none, number


def test_answers_come_most_confident_first_with_their_threshold(measured: Layout) -> None:
    answers = answers_or_none(measured) or []
    assert {answer.path for answer in answers} == {*ANSWERS}
    assert [answer.probability for answer in answers] == sorted((max(row) for row in ANSWERS.values()), reverse=True)
    first = next(answer for answer in answers if not answer.is_right)
    assert (first.path, first.label, first.predicted) == (MOST_CONFIDENT_MISTAKE, "arch", "dôme")
    assert (first.probability, first.threshold) == (0.94, 0.3)


def test_a_run_that_was_not_measured_has_no_answers(tmp_path: Path) -> None:
    assert answers_or_none(Layout(tmp_path)) is None


@pytest.mark.parametrize("content", (None, b"", b"class,m\n", b"class,n\n\xff\xfe,1\n"))
def test_a_table_that_is_missing_damaged_or_lacks_a_column_is_none(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    assert lines_or_none(path, "class", "n") is None


def test_an_empty_cell_is_no_number() -> None:
    assert (number(""), number("0.25"), number("0")) == (None, 0.25, 0.0)
