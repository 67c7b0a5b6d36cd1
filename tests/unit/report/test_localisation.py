"""Whether heat maps point at what people marked: beside the middle of the photo, and only where masks are known."""

import json
from pathlib import Path

from learning_checkouts import tiny_parameters
from measured_runs import write_measured

from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.report.localisation import section


def test_figures_stand_beside_those_of_the_middle(tmp_path: Path) -> None:
    layout = write_measured(tmp_path)
    path = layout.reports("evaluate") / "metrics.json"
    figures = {"n": 12, "pixel_auroc": 0.87, "centre_pixel_auroc": 0.63, "pointing_hits": 0.95}
    figures |= {"pointing_hits_interval": [0.8, 0.99], "centre_pointing_hits": 0.28}
    write_text(path, json.dumps({**json.loads(path.read_text()), "localisation": figures}))
    html = section(layout, tiny_parameters()).html
    assert all(text in html for text in (".950", ".280", ".870", ".630", ".800 to .990", "On 12 photos"))


def test_without_masks_the_reader_learns_how_to_bring_them(measured: Layout) -> None:
    assert "photos.csv" in section(measured, tiny_parameters()).html


def test_without_figures_the_command_is_named(tmp_path: Path) -> None:
    assert "<code>dvc repro</code>" in section(Layout(tmp_path), tiny_parameters()).html
