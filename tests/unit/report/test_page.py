"""The page: all sections in one file that needs nothing beside it, and says what is missing."""

import re
import subprocess
import sys
from pathlib import Path

from learning_checkouts import tiny_parameters
from reported_runs import write_run

from pipeline.core.paths import Layout
from pipeline.report.page import run


def test_equal_files_give_equal_bytes(tmp_path: Path) -> None:
    layout, parameters = write_run(tmp_path)
    first = run(layout, parameters).read_bytes()
    assert run(layout, parameters).read_bytes() == first


def test_every_section_is_listed_on_top_under_its_own_address(tmp_path: Path) -> None:
    text = run(*write_run(tmp_path)).read_text()
    addresses = re.findall(r'<section id="([a-z]+)"', text)
    assert addresses == re.findall(r'<li><a href="#([a-z]+)">', text)
    assert len(set(addresses)) == len(addresses) > 4
    assert text.count("<h1>") == 1


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    text = run(*write_run(tmp_path)).read_text()
    assert re.findall(r'(?:src|href)="(?!data:|#|[a-z_]+/)([^"]*)"', text) == []
    assert "<script" not in text
    assert "url(" not in text


def test_an_empty_checkout_has_a_page_that_names_the_next_commands(tmp_path: Path) -> None:
    text = run(Layout(tmp_path), tiny_parameters()).read_text()
    assert "<code>dvc repro</code>" in text
    assert "<code>pipeline gate</code>" in text


def test_a_page_is_made_without_tensorflow() -> None:
    script = "import pipeline.report.page, sys; sys.exit('tensorflow' in sys.modules or 'mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
