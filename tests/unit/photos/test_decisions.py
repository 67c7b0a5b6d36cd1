from pathlib import Path

import pytest

from pipeline.core.errors import DataError
from pipeline.photos.decisions import HumanDecision, read_decisions

HEADER = "sha256,decision,label,reason,by\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "decisions.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_decisions_are_read_line_by_line(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + f'{"a" * 64},relabel, arch ,"no, an arch",Ada\n{"b" * 64},drop,,,\n')
    assert read_decisions(path) == [
        HumanDecision("a" * 64, "relabel", "arch", "no, an arch", "Ada"),
        HumanDecision("b" * 64, "drop", "", "", ""),
    ]


def test_no_file_and_a_header_alone_hold_no_decision(tmp_path: Path) -> None:
    assert read_decisions(tmp_path / "none.csv") == []
    assert read_decisions(written(tmp_path, HEADER)) == []


def test_every_problem_of_the_file_is_named_at_once(tmp_path: Path) -> None:
    lines = f"{'a' * 64},maybe,,,\nxyz,keep,,,\n{'b' * 64},relabel,,,\n{'c' * 64},drop,arch,,\n{'a' * 64},keep,,,\n"
    with pytest.raises(DataError) as caught:
        read_decisions(written(tmp_path, HEADER + lines))
    words = str(caught.value)
    assert "line 2: decision is 'maybe'" in words
    assert "line 3: sha256 is 'xyz'" in words
    assert "line 4: label is given with relabel" in words
    assert "line 5: label is given with relabel" in words
    assert f"{'a' * 64} is decided 2 times" in words


def test_another_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the header is path,decision"):
        read_decisions(written(tmp_path, "path,decision\n"))
