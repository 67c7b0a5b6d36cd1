"""`pipeline predict` as people give it, against the embedded server."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from red_or_blue import photo_of, save_red_or_blue

from pipeline.release.model_server import free_port, private_server
from serving.client import ServedModel

PROJECT = Path(__file__).resolve().parents[2]


def predict(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", "predict", *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def write_parameters(checkout: Path, address: str) -> None:
    parameters = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    parameters["model"]["name"] = "colours"
    parameters["serving"]["grpc_address"] = address
    (checkout / "params.yaml").write_text(yaml.safe_dump(parameters), encoding="utf-8")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the model `colours`, whose version 4 is stable."""
    base = tmp_path_factory.mktemp("served") / "colours"
    save_red_or_blue(base / "4")
    with private_server(ServedModel("colours", str(base), (4,), {"stable": 4})) as server:
        yield server.address


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "façades"
    (folder / "north").mkdir(parents=True)
    (folder / "north" / "one.png").write_bytes(photo_of((220, 40, 30)))
    (folder / "one.png").write_bytes(photo_of((30, 60, 200)))
    (folder / "notes.txt").write_text("bring a ladder")
    return folder


def test_a_folder_of_photos_becomes_a_table_and_a_gallery(address: str, photos: Path, tmp_path: Path) -> None:
    write_parameters(tmp_path, address)

    done = predict(tmp_path, str(photos))

    assert done.returncode == 0, done.stderr
    page = tmp_path / "reports/predict/façades/index.html"
    assert "2 photos, colours version 4" in done.stdout
    assert "without an answer: 1" in done.stdout
    assert f"to look at: {page.relative_to(tmp_path)}" in done.stdout
    with (page.parent / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = [(row["path"], row["class"], row["version"], bool(row["error"])) for row in csv.DictReader(stream)]
    assert rows == [
        ("north/one.png", "red", "4", False),
        ("notes.txt", "", "", True),
        ("one.png", "blue", "4", False),
    ]
    assert page.is_file()


def test_without_a_server_the_command_says_how_to_start_one(photos: Path) -> None:
    write_parameters(photos.parent, f"127.0.0.1:{free_port()}")

    done = predict(photos.parent, str(photos))

    assert done.returncode == 5
    assert "make serve" in done.stderr
    assert not (photos.parent / "reports").exists()
