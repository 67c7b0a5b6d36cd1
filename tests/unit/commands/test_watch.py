import json
from pathlib import Path

import pytest
import yaml
from watched_homes import Home, darker

from pipeline.commands.watch import watch


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    return Home(tmp_path, num_training=100)


def run(home: Home, capsys: pytest.CaptureFixture[str]) -> tuple[dict, str]:
    """What the command says: its last line on standard output, and the lines for people."""
    text = yaml.safe_dump(home.parameters.model_dump(mode="json", by_alias=True))
    (home.root / "params.yaml").write_text(text)
    watch()
    told = capsys.readouterr()
    return json.loads(told.out.splitlines()[-1]), told.err


def test_what_was_found_is_one_line_of_json(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.serve()
    home.ask(60, darker)
    told, said = run(home, capsys)
    [model] = told["models"]
    assert (model["model"], model["version"], model["photos"]) == ("walls", 1, 60)
    assert "brightness" in model["drifted"]
    assert not model["miscalibrated"]
    assert Path(model["page"]).is_file()
    assert told["retrain"] is False
    assert "walls version 1: 60 photos, past the limits: brightness" in said


def test_few_photos_are_said(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.serve()
    home.ask(3)
    told, said = run(home, capsys)
    assert told["models"][0]["photos"] == 3
    assert told["models"][0]["page"] == ""
    assert "3 photos that it was asked about are kept; with fewer than 30 nothing is said" in said


def test_no_served_version_is_said(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    told, said = run(home, capsys)
    assert told == {"models": [], "retrain": False}
    assert "no version serves yet" in said


def test_that_no_photos_are_kept_is_said(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.serve()
    home.settings["keep_photos"] = 0
    told, said = run(home, capsys)
    assert told == {"models": [], "retrain": False}
    assert "watch.keep_photos is 0" in said
