"""Checkouts of their own for the end-to-end tests."""

from pathlib import Path

import pytest
from checkouts import PHOTOS_PER_BATCH, Checkout, make_checkout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with a first batch of drawn photos."""
    made = make_checkout(tmp_path_factory.mktemp("checkout"))
    made.pipeline("sample", "--batches", "demo-1", "--photos", str(PHOTOS_PER_BATCH))
    return made


@pytest.fixture
def empty_checkout(tmp_path: Path) -> Checkout:
    """A checkout without photos."""
    return make_checkout(tmp_path)
