from pathlib import Path

import pytest
from reviewed_runs import write_reviewed_run

from pipeline.core.paths import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return write_reviewed_run(tmp_path)
