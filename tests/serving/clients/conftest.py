"""What the tests of clients share: a fake model server, a photo, and an address without a server."""

import io
import socket
from collections.abc import Iterator

import pytest
from fake_model_server import FakeModelServer, running_fake
from PIL import Image


@pytest.fixture
def fake_server() -> Iterator[FakeModelServer]:
    """A fake model server on a loopback port."""
    with running_fake() as fake:
        yield fake


@pytest.fixture
def photo() -> bytes:
    """An upright JPEG, 60 pixels wide and 40 high."""
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def free_address() -> str:
    """A loopback address on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"
