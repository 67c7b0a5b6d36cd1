from pathlib import Path

import pytest
from small_homes import SmallHome, make_small_home, own_git_settings_are_hidden


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallHome:
    """A checkout without photos."""
    for name, value in own_git_settings_are_hidden().items():
        monkeypatch.setenv(name, value)
    return make_small_home(tmp_path / "home")
