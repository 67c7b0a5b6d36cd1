"""A web of our own for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from web_hosts import Web, make_certificates, web_of_hosts


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def web(certificates: Path) -> Iterator[Web]:
    with web_of_hosts(certificates) as web:
        yield web
