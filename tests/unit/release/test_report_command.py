"""The commands `gate` and `report`: a verdict, whichever it is, comes with its page."""

import pytest
import yaml
from typer.testing import CliRunner, Result

from pipeline.cli import app
from pipeline.commands import release
from pipeline.core.errors import GateRefused, ServingError
from pipeline.core.tables import write_rows
from pipeline.photos.records import SplitRow
from pipeline.release import tracking
from pipeline.release.tracking import track


@pytest.fixture
def here(checkout, monkeypatch):
    """The checkout is the current folder, all its photos are on the test side, and no TensorFlow is needed."""
    monkeypatch.chdir(checkout.layout.root)
    monkeypatch.setattr(release, "load_tensorflow", lambda: None)
    rows = [
        SplitRow(path, "first", path.split("/")[2], "0" * 64, "keep", "", "", "", "", "test")
        for path in checkout.photos()
    ]
    write_rows(checkout.layout.artifacts("split") / "photos.parquet", SplitRow, rows)
    return checkout


def give(checkout, command: str, **gate: float) -> Result:
    parameters = checkout.parameters.model_dump(mode="json", by_alias=True) | {"gate": gate}
    (checkout.layout.root / "params.yaml").write_text(yaml.safe_dump(parameters))
    return CliRunner().invoke(app, [command])


def logged(checkout) -> set[str]:
    return {path.name for path in (checkout.layout.root / "mlartifacts").rglob("reports/*") if path.is_file()}


def test_a_refusal_ends_with_its_exit_code_and_its_page_on_disk_and_in_mlflow(here) -> None:
    track(here.layout, here.parameters)
    here.layout.gate.unlink()
    result = give(here, "gate", min_accuracy=0.9)
    assert isinstance(result.exception, GateRefused)
    assert "refused</span> Not met: accuracy is .500" in here.layout.report.read_text()
    assert {"gate.json", "report.html"} <= logged(here)


def test_a_refusal_stands_where_mlflow_is_away(here, monkeypatch) -> None:
    def away(*arguments: object) -> None:
        raise ServingError("MLflow is away", expected="", todo="")

    monkeypatch.setattr(tracking, "log_report", away)
    result = give(here, "gate", min_accuracy=0.9)
    assert isinstance(result.exception, GateRefused)
    assert "MLflow is away" in result.output


def test_a_pass_has_its_page_and_registration_takes_it_to_mlflow(here) -> None:
    assert give(here, "gate", min_accuracy=0.4).exit_code == 0
    assert "passed</span>" in here.layout.report.read_text()
    assert logged(here) == set()
    assert give(here, "register", min_accuracy=0.4).exit_code == 0
    assert {"gate.json", "report.html"} <= logged(here)


def test_the_report_is_made_anew_and_logged_where_the_run_is(here) -> None:
    assert "has not logged this run" in give(here, "report").output
    run = track(here.layout, here.parameters)
    assert f"logged to run {run.run_id}" in give(here, "report").output
    assert "report.html" in logged(here)
