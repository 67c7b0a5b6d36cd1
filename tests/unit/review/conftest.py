import shutil
from pathlib import Path

import pytest
from reviewed_runs import write_reviewed_run

from pipeline.core.paths import Layout


@pytest.fixture(scope="session")
def cleaned_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cleaned") / "checkout"
    write_reviewed_run(root)
    return root


@pytest.fixture
def layout(cleaned_once: Path, tmp_path: Path) -> Layout:
    """A cleaned checkout of its own for each test."""
    return Layout(shutil.copytree(cleaned_once, tmp_path / "checkout"))
