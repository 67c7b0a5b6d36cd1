import shutil
from pathlib import Path

import pytest
from small_homes import SmallHome, make_small_home, own_git_settings_are_hidden

from pipeline.automation import quarantine
from pipeline.core.paths import Layout
from pipeline.intake import inspection
from pipeline.photos.readers import Readers, in_this_process


@pytest.fixture(autouse=True)
def own_settings_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of whoever runs the tests."""
    for name, value in own_git_settings_are_hidden().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def photos_are_read_at_once(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Read photos in this process, which takes no time to start; `processes` asks for the real ones."""
    if "processes" in request.fixturenames:
        return

    def here(_: int) -> Readers:
        return in_this_process()

    for module in (inspection, quarantine):
        monkeypatch.setattr(module, "in_processes", here)


@pytest.fixture
def processes() -> None:
    """Asks for processes of their own, as outside tests."""


@pytest.fixture(scope="session")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkouts to copy, since DVC takes its time: `home` without photos, `fed` with the batch `first` in its clone."""
    folder = tmp_path_factory.mktemp("patterns")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own_git_settings_are_hidden().items():
            patch.setenv(name, value)
        home = make_small_home(folder / "home")
        shutil.copytree(home.root, folder / "fed")
        SmallHome(Layout(folder / "fed")).take("first", 1)
    return folder


@pytest.fixture
def home(tmp_path: Path, patterns: Path) -> SmallHome:
    """A checkout without photos."""
    shutil.copytree(patterns / "home", tmp_path / "home")
    return SmallHome(Layout(tmp_path / "home"))


@pytest.fixture
def fed(tmp_path: Path, patterns: Path) -> SmallHome:
    """A checkout whose photos clone has the batch `first`."""
    shutil.copytree(patterns / "fed", tmp_path / "home")
    return SmallHome(Layout(tmp_path / "home"))
