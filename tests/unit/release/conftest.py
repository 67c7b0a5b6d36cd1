"""A checkout after `dvc repro`, a registry, and a model server that needs no TensorFlow."""

import shutil
from pathlib import Path

import pytest
import yaml
from releasable_checkouts import PARAMETERS, Checkout, FakeOutside

from pipeline.core.parameters import parse_parameters
from pipeline.core.paths import Layout


@pytest.fixture
def checkout(tmp_path: Path, empty_registry: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout with a candidate that passed the gate."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copyfile(empty_registry, tmp_path / "mlflow.db")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMETERS))
    (tmp_path / "data.dvc").write_text("outs:\n- md5: abc.dir\n  path: data\n")
    made = Checkout(Layout(tmp_path), parse_parameters(PARAMETERS, "params.yaml"))
    made.make_candidate("first")
    return made


@pytest.fixture
def fake() -> FakeOutside:
    """No server is running."""
    return FakeOutside()
