from pathlib import Path

import pytest

from pipeline.commands.review import decide
from pipeline.core.errors import DataError, ParameterError
from pipeline.core.paths import Layout
from pipeline.photos.decisions import HumanDecision, read_decisions, write_decisions

A, B = "a" * 64, "b" * 64


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.chdir(tmp_path)
    return Layout(tmp_path)


def test_what_is_added_replaced_and_withdrawn_is_told(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    write_decisions(layout.decisions, [HumanDecision(A, "keep", by="Ben"), HumanDecision(B, "drop")])
    newer = [HumanDecision(A, "relabel", "arch", by="Ada"), HumanDecision(B, "withdraw")]
    write_decisions(layout.root / "new.csv", newer)
    decide("new.csv")
    assert read_decisions(layout.decisions) == newer[:1]
    told = capsys.readouterr().err
    assert "replaced: aaaaaaaaaaaa keep by Ben  ->  aaaaaaaaaaaa relabel arch by Ada" in told
    assert "withdrawn: bbbbbbbbbbbb drop" in told
    assert "0 added, 1 replaced, 1 withdrawn, 1 in all" in told


def test_a_file_with_problems_changes_nothing(layout: Layout) -> None:
    write_decisions(layout.decisions, [HumanDecision(A, "keep")])
    before = layout.decisions.read_bytes()
    (layout.root / "new.csv").write_text(f"sha256,decision,label,group,reason,by\n{B},drop,,,,\nx,perhaps,,,,\n")
    with pytest.raises(DataError, match=r"line 3: sha256(.|\n)*line 3: decision"):
        decide("new.csv")
    assert layout.decisions.read_bytes() == before


def test_a_file_that_is_not_there_is_named(layout: Layout) -> None:
    with pytest.raises(ParameterError, match=r"make decide FROM"):
        decide("nowhere.csv")
