from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import DataError
from pipeline.photos.decisions import (
    HumanDecision,
    Verdict,
    groups_of,
    is_name,
    merged,
    read_decisions,
    verdicts_of,
    write_decisions,
)

HEADER = "sha256,decision,label,group,reason,by\n"
A, B, C = "a" * 64, "b" * 64, "c" * 64


def written(folder: Path, text: str) -> Path:
    path = folder / "decisions.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_decisions_are_read_line_by_line(tmp_path: Path) -> None:
    path = written(
        tmp_path, HEADER + f'{A},relabel, arch ,,"no, an arch",Ada\n{B},drop,,,,\n{B},together,,north wall,,\n'
    )
    assert read_decisions(path) == [
        HumanDecision(A, "relabel", "arch", "", "no, an arch", "Ada"),
        HumanDecision(B, "drop"),
        HumanDecision(B, "together", group="north wall"),
    ]


def test_a_file_from_before_there_were_groups_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, f"sha256,decision,label,reason,by\n{A},relabel,arch,seen,Ada\n")
    assert read_decisions(path) == [HumanDecision(A, "relabel", "arch", "", "seen", "Ada")]


def test_no_file_and_a_header_alone_hold_no_decision(tmp_path: Path) -> None:
    assert read_decisions(tmp_path / "none.csv") == []
    assert read_decisions(written(tmp_path, HEADER)) == []


def test_every_problem_of_the_file_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    lines = f'{A},maybe,,,,\nxyz,keep,,,,\n{B},relabel,,,"two\nlines",\n{C},drop,arch,,,\n{A},keep,,,,\n{A},drop,,,,\n'
    more = f"{C},together,,,,\n{C},keep,,,with, a comma,Ada\n{B},together,,=1+1,,\n"
    with pytest.raises(DataError) as caught:
        read_decisions(written(tmp_path, HEADER + lines + more))
    words = str(caught.value)
    assert "line 2: decision is 'maybe'" in words
    assert "line 3: sha256 is 'xyz'" in words
    assert "line 5: label is given with relabel" in words
    assert "line 6: label is given with relabel" in words
    assert "line 9: group is given with together" in words
    assert "line 10: it has more cells than the header" in words
    assert "line 11: group is '=1+1', not a name" in words
    assert f"{A} is decided 3 times" in words


def test_another_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the header is path,decision"):
        read_decisions(written(tmp_path, "path,decision\n"))


def test_a_quote_that_is_never_closed_is_refused_rather_than_read_as_a_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_decisions(written(tmp_path, HEADER + f'{A},drop,,,"half,Ada\n{B},drop,,,,\n'))


def test_a_photo_has_one_verdict_and_one_group() -> None:
    decisions = [HumanDecision(A, "drop"), HumanDecision(A, "together", group="one"), HumanDecision(B, "withdraw")]
    assert verdicts_of(decisions) == {A: decisions[0]}
    assert groups_of(decisions) == {A: "one"}


def test_of_two_decisions_on_a_photo_the_newer_wins_in_the_place_of_the_older() -> None:
    present = [HumanDecision(A, "keep", by="Ben"), HumanDecision(B, "drop"), HumanDecision(A, "together", group="one")]
    newer = [HumanDecision(C, "drop"), HumanDecision(A, "relabel", "arch"), HumanDecision(B, "drop")]
    merge = merged(present, newer)
    assert merge.decisions == [newer[1], newer[2], present[2], newer[0]]
    assert merge.added == [newer[0]]
    assert merge.replaced == [(present[0], newer[1])]
    assert merge.withdrawn == []


def test_a_withdrawal_takes_back_what_the_same_file_does_not_give_again() -> None:
    present = [HumanDecision(A, "keep"), HumanDecision(A, "together", group="one"), HumanDecision(B, "drop")]
    merge = merged(present, [HumanDecision(A, "withdraw"), HumanDecision(A, "together", group="two")])
    assert merge.decisions == [HumanDecision(A, "together", group="two"), present[2]]
    assert merge.withdrawn == [present[0]]


def test_a_spreadsheet_sees_no_formula_and_we_read_what_was_written(tmp_path: Path) -> None:
    decisions = [HumanDecision(A, "drop", reason='=HYPERLINK("x")', by="-Ada"), HumanDecision(B, "drop", reason="'=1")]
    path = tmp_path / "decisions.csv"
    write_decisions(path, decisions)
    cells = path.read_text().splitlines()[1:]
    assert cells == [f'{A},drop,,,"\'=HYPERLINK(""x"")",\'-Ada', f"{B},drop,,,''=1,"]
    assert read_decisions(path) == decisions


@pytest.mark.parametrize("name", ["bell_tower", "Kız Kulesi", "#galata", "برج\u200cها", "it's", '"x", y', "<script>"])
def test_names_of_classes_and_groups_may_be_any_words(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", " a", "=a", "-a", "a\nb", "a\x00", "a\u202eb", "x" * 101])
def test_names_that_deceive_or_compute_are_none(name: str) -> None:
    assert not is_name(name)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=20).map(str.strip)
single = st.tuples(st.sampled_from("abcd"), st.sampled_from([Verdict.KEEP, Verdict.DROP]), texts, texts)
lists = st.lists(single, unique_by=lambda one: one[0]).map(
    lambda drawn: [HumanDecision(letter * 64, verdict, "", "", reason, by) for letter, verdict, reason, by in drawn]
)


@given(lists)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[HumanDecision]
) -> None:
    path = tmp_path_factory.mktemp("decisions") / "decisions.csv"
    write_decisions(path, decisions)
    assert read_decisions(path) == decisions


@given(lists, lists)
def test_merging_twice_changes_nothing_more(present: list[HumanDecision], newer: list[HumanDecision]) -> None:
    once = merged(present, newer).decisions
    again = merged(once, newer)
    assert again.decisions == once
    assert not again.added and not again.replaced and not again.withdrawn
    assert verdicts_of(once) == {**verdicts_of(present), **verdicts_of(newer)}
