"""The page reads, writes and judges decisions as the pipeline does: both sides are given the same cells."""

from collections.abc import Iterator
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from browser import needs_chromium, open_browser, open_page
from playwright.sync_api import Page

from pipeline.photos.decisions import HumanDecision, is_name, read_decisions, write_decisions

pytestmark = needs_chromium

SCRIPT = (files("pipeline.review") / "templates" / "decisions.js").read_text(encoding="utf-8")
CELLS = (
    "",
    "plain",
    "=1+1",
    "'=1",
    "''-x",
    "'quoted'",
    'with "quotes", and commas',
    "two\nlines",
    "Çini",
    "a;b",
    "#",
    "-",
)
DECISIONS = [HumanDecision(f"{number:064x}", "drop", reason=cell, by=cell[:3]) for number, cell in enumerate(CELLS)]
NAMES = (
    *("arch", "bell tower", "a\u200cb", "Çinili", "</script>", "a,b", "'", "🏛", "x" * 100, "🏛" * 100),
    *("", " a", "a ", "=a", "+a", "-a", "@a", "a\nb", "a\tb", "a\u2028b", "a\u202eb", "a\xadb", "\ufeffa", "x" * 101),
)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with open_browser() as browser, open_page(browser) as watched:
        yield watched.page


def answer(page: Page, expression: str, value: object) -> Any:
    return page.evaluate(f"value => {{ {SCRIPT}\nreturn {expression}; }}", value)


def test_what_the_page_writes_the_pipeline_reads(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text(answer(page, "csvOf(value)", [asdict(one) for one in DECISIONS]), encoding="utf-8")
    assert read_decisions(path) == DECISIONS


def test_what_the_pipeline_writes_the_page_reads(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    write_decisions(path, DECISIONS)
    for text in (path.read_text(encoding="utf-8"), "\ufeff" + path.read_text(encoding="utf-8").replace(",\n", ",\r\n")):
        assert [HumanDecision(**line) for line in answer(page, "decisionsOf(value)", text)] == DECISIONS


def test_both_write_the_same_bytes(page: Page, tmp_path: Path) -> None:
    write_decisions(tmp_path / "decisions.csv", DECISIONS)
    theirs = answer(page, "csvOf(value)", [asdict(one) for one in DECISIONS])
    assert theirs.encode() == (tmp_path / "decisions.csv").read_bytes()


@pytest.mark.parametrize("text", ("", "path,decision\n", "sha256,decision,label,group,reason,by\na,b\n", 'sha256,"x\n'))
def test_a_file_that_is_none_is_refused(page: Page, text: str) -> None:
    told = "(() => { try { decisionsOf(value); return ''; } catch (error) { return error.message; } })()"
    assert answer(page, told, text)


def test_both_accept_the_same_names(page: Page) -> None:
    assert answer(page, "value.map(isName)", list(NAMES)) == [is_name(name) for name in NAMES]
