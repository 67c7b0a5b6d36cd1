"""Answers as tables: a CSV file for spreadsheets and programs, and a summary for the terminal."""

import csv
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from pipeline.predict.answers import CLOSE_MARGIN, Answered, ClassCount, Unanswered

_COLUMNS = ("path", "class", "probability", "threshold", "margin")
_LAST_COLUMNS = ("model", "version", "error")
_STARTS_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # the last four are the full-width forms


def write_csv(path: Path, answers: Sequence[Answered | Unanswered]) -> None:
    """Write a line per file, in UTF-8: answer, a `probability of <class>` for each class, and error.

    Cells that a spreadsheet would take for a formula begin with an apostrophe.

    Args:
        path: the file.
        answers: of one model version, or none of them an answer.
    """
    classes = next((answer.prediction.classes for answer in answers if isinstance(answer, Answered)), ())
    header = [*_COLUMNS, *(f"probability of {name}" for name in classes), *_LAST_COLUMNS]
    with path.open("w", encoding="utf-8", newline="") as stream:
        # The default ends of lines, or a name with a carriage return would not be quoted.
        writer = csv.writer(stream)
        writer.writerow(header)
        for answer in answers:
            if isinstance(answer, Answered):
                writer.writerow(_answered_cells(answer))
            else:
                empty = [""] * (len(header) - 2)
                writer.writerow([_text(answer.path), *empty, _text(answer.error)])


def counts_table(counts: Sequence[ClassCount], title: str) -> Table:
    """How often each class was predicted, for the terminal.

    Args:
        counts: in class order.
        title: what was asked.
    """
    table = Table(title=Text(title), title_justify="left")
    table.add_column("class")
    for heading in ("photos", "threshold", f"margin below {CLOSE_MARGIN:g}"):
        table.add_column(heading, justify="right")
    for count in counts:
        table.add_row(Text(count.name), str(count.num_photos), f"{count.threshold:.3f}", str(count.num_close))
    return table


def _answered_cells(answer: Answered) -> list[str]:
    figures = (answer.probability, answer.threshold, answer.margin, *answer.prediction.probabilities)
    first, *others = [f"{value:.6f}" for value in figures]
    model = (_text(answer.prediction.model), str(answer.prediction.version))
    return [_text(answer.path), _text(answer.prediction.predicted), first, *others, *model, ""]


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_STARTS_FORMULA) else value
