"""SavedModels of two trivially separable classes."""

from pathlib import Path

import pytest
from red_or_blue import save_red_or_blue


@pytest.fixture(scope="session")
def red_or_blue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_red_or_blue(tmp_path_factory.mktemp("export") / "saved_model")
