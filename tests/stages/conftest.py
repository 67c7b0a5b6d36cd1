from dataclasses import dataclass
from pathlib import Path

import pytest
from learning_checkouts import tiny_parameters, write_split

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout


@dataclass(frozen=True)
class Trained:
    """A checkout after the stages `augment`, `train` and `export`; tests only read it."""

    layout: Layout
    parameters: Parameters
    training: object
    export: object


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Reddish and bluish photos, learnt and exported."""
    from pipeline.stages import augment, export, train

    layout = write_split(tmp_path_factory.mktemp("trained"))
    parameters = tiny_parameters()
    augment.run(layout, parameters)
    return Trained(layout, parameters, train.run(layout, parameters), export.run(layout, parameters))


@pytest.fixture
def split_checkout(tmp_path: Path) -> Layout:
    """A checkout after the stage `split`."""
    return write_split(tmp_path)
