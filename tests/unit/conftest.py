from pathlib import Path

import pytest
from releasable_checkouts import PARAMETERS

from pipeline.core.parameters import parse_parameters
from pipeline.core.paths import Layout
from pipeline.release.mlflow_client import connected


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database, made once, since making one takes seconds."""
    folder = tmp_path_factory.mktemp("registry")
    with connected(Layout(folder), parse_parameters(PARAMETERS, "params.yaml")):
        return folder / "mlflow.db"
