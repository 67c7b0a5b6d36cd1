"""What the tests of the room share: a fake model server, and the command's work with that server."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_model_server import FakeModelServer, running_fake
from learning_checkouts import tiny_parameters
from PIL import Image

from pipeline.core.paths import Layout
from pipeline.predict.run import Predicted, predict_folder

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def fake_server() -> Iterator[FakeModelServer]:
    """A fake model server on a loopback port."""
    with running_fake() as fake:
        yield fake


@pytest.fixture
def put_photos() -> Callable[..., Path]:
    """`put_photos(folder, "a.jpg", "sub/b.png", size=(30, 20))`: write photos that differ; returns the folder."""

    def put(folder: Path, *names: str, size: tuple[int, int] = (30, 20)) -> Path:
        for number, name in enumerate(names):
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            picture = io.BytesIO()
            kind = "PNG" if name.endswith(".png") else "JPEG"
            Image.new("RGB", size, (40 * number % 256, 90, 120)).save(picture, kind)
            place.write_bytes(picture.getvalue())
        return folder

    return put


@pytest.fixture
def predict(fake_server: FakeModelServer, tmp_path: Path) -> Callable[..., Predicted]:
    """`predict(source, out=None, model="")`: what the command does, in the checkout `tmp_path / "checkout"`."""
    layout = Layout(tmp_path / "checkout")
    parameters = tiny_parameters(model={"name": "walls"}, serving={"grpc_address": fake_server.address})

    def run(source: Path, out: Path | None = None, model: str = "") -> Predicted:
        return predict_folder(layout, parameters, source, out, model, NOON)

    return run
