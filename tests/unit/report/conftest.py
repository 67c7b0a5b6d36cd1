"""A measured checkout; tests that change it make one of their own."""

import pytest
from measured_runs import write_measured

from pipeline.core.paths import Layout


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return write_measured(tmp_path_factory.mktemp("measured"))
