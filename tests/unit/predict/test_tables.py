"""The table of answers, for programs and for spreadsheets."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from folder_answers import answered
from rich.console import Console

from pipeline.predict.answers import Unanswered, class_counts
from pipeline.predict.tables import counts_table, write_csv


def cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_there_is_a_line_per_file_with_a_column_per_class(tmp_path: Path) -> None:
    write_csv(tmp_path / "p.csv", [answered("a.jpg", 0.75), Unanswered("b.txt", "not a photo")])

    of_classes = ["probability of cracked", "probability of intact"]
    assert cells(tmp_path / "p.csv") == [
        ["path", "class", "probability", "threshold", "margin", *of_classes, "model", "version", "error"],
        ["a.jpg", "cracked", "0.750000", "0.600000", "0.150000", "0.750000", "0.250000", "walls", "3", ""],
        ["b.txt", "", "", "", "", "", "", "", "", "not a photo"],
    ]


@pytest.mark.parametrize("start", ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
def test_no_name_becomes_a_formula(start: str, tmp_path: Path) -> None:
    answer = answered(f"{start}cmd.jpg", 0.9, (f"{start}class", "intact"))
    write_csv(tmp_path / "p.csv", [answer, Unanswered(f"{start}b", f"{start}error")])

    header, first, second = cells(tmp_path / "p.csv")
    assert (first[0], first[1], second[0], second[-1]) == (
        f"'{start}cmd.jpg",
        f"'{start}class",
        f"'{start}b",
        f"'{start}error",
    )
    assert all(cell[:1].isalpha() for cell in header)


def test_odd_names_come_back_as_they_were(tmp_path: Path) -> None:
    names = ['a "b", c;d.jpg', "two\nlines.jpg", "Fassade süd/ж.jpg"]
    write_csv(tmp_path / "p.csv", [answered(name, 0.9) for name in names])

    assert pd.read_csv(tmp_path / "p.csv")["path"].tolist() == names


def test_the_summary_shows_class_names_as_they_are() -> None:
    shown = Console(file=io.StringIO(), width=100, record=True)
    shown.print(counts_table(class_counts([answered("a.jpg", 0.9, ("[red]wall", "intact"))]), "1 photo [b]"))

    assert "[red]wall" in shown.export_text(clear=False)
    assert "1 photo [b]" in shown.export_text()
