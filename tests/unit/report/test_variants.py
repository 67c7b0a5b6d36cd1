"""The sheet of random variants, and the changes in words."""

from pathlib import Path

from learning_checkouts import tiny_parameters
from PIL import Image

from pipeline.core.paths import Layout
from pipeline.report.variants import changes, section


def test_the_changes_of_an_epoch_are_said_in_words() -> None:
    given = {"horizontal_flip": True, "vertical_flip": False, "brightness": 0.15, "rotation_degrees": 10}
    augment = tiny_parameters(augment={**given, "min_crop_area": 0.7}).augment
    assert changes(augment) == [
        "mirrored",
        "turned by up to 10 degrees",
        "cropped to no less than 70 % of the area",
        "brightness by up to 15 %",
    ]


def test_the_sheet_travels_inside_the_page(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.reports("augment").mkdir(parents=True)
    Image.new("RGB", (200, 50), "red").save(layout.reports("augment") / "variants.png")
    assert '<img src="data:image/jpeg;base64,' in section(layout, tiny_parameters()).html


def test_without_a_sheet_the_command_is_named(tmp_path: Path) -> None:
    off = tiny_parameters(augment={"horizontal_flip": False, "brightness": 0.0})
    html = section(Layout(tmp_path), off).html
    assert "<code>dvc repro</code>" in html
    assert "shown as they are" in html
