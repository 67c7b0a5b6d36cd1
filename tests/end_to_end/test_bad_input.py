"""What a person sees whose input cannot be used: three plain lines, the exit code of the design, no traceback."""

import shutil
import zipfile
from pathlib import Path

import pytest
from checkouts import TINY, Checkout, make_checkout
from PIL import Image

from pipeline.core.tables import read_rows
from pipeline.photos.records import PhotoRow

PARAMETERS, REFUSED, DATA, SERVING, MACHINE = 2, 3, 4, 5, 6


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout without photos for all whose command is refused and leaves nothing."""
    return make_checkout(tmp_path_factory.mktemp("untouched"))


def refused(checkout: Checkout, exit_code: int, *command: str) -> str:
    printed = checkout.pipeline(*command, expect=exit_code)
    assert "Traceback" not in printed
    assert "expected:" in printed
    assert "to do:" in printed
    return printed


def photo(path: Path, colour: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.effect_noise((48, 48), 60).point(lambda value: (value + colour) % 256)
    image.convert("RGB").save(path, quality=90)


def test_an_empty_folder_is_refused(untouched: Checkout, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    refused(untouched, DATA, "intake", str(source), "--batch", "one")


def test_a_folder_without_labels_is_refused(untouched: Checkout, tmp_path: Path) -> None:
    photo(tmp_path / "source/a.jpg", 0)
    printed = refused(untouched, DATA, "intake", str(tmp_path / "source"), "--batch", "one")
    assert "label" in printed


def test_intake_without_a_source_does_not_read_the_checkout(untouched: Checkout) -> None:
    assert "FROM=" in refused(untouched, PARAMETERS, "intake", "", "--batch", "one")


def test_photos_of_hosts_that_nobody_named_are_not_fetched(untouched: Checkout, tmp_path: Path) -> None:
    table = tmp_path / "urls.csv"
    table.write_text("url,label,licence\nhttps://photos.example/a.jpg,dome,CC0\n")
    printed = refused(untouched, DATA, "intake", str(table), "--batch", "one")
    assert "host not named in intake.hosts: photos.example" in printed
    assert not (untouched.root / "data" / "one").exists()


def test_a_run_without_photos_is_refused(untouched: Checkout) -> None:
    printed = refused(untouched, DATA, "validate")
    assert "make" in printed


def test_a_class_with_one_photo_is_refused(empty_checkout: Checkout, tmp_path: Path) -> None:
    for number in range(6):
        photo(tmp_path / f"source/many/{number}.jpg", number * 30)
    photo(tmp_path / "source/lonely/0.jpg", 200)
    empty_checkout.pipeline("intake", str(tmp_path / "source"), "--batch", "demo-1")
    assert "lonely" in refused(empty_checkout, DATA, "validate")


def test_a_run_with_all_photos_quarantined_is_refused(empty_checkout: Checkout, tmp_path: Path) -> None:
    for label in ("black", "dark"):
        for number in range(3):
            path = tmp_path / f"source/{label}/{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (48 + number, 48), (number, 0, 0)).save(path)
    empty_checkout.pipeline("intake", str(tmp_path / "source"), "--batch", "demo-1")
    for stage in ("validate", "embed"):
        empty_checkout.pipeline(stage)
    assert "dark 6" in refused(empty_checkout, DATA, "clean")


def test_all_parameter_problems_are_told_at_once(empty_checkout: Checkout) -> None:
    train = {**TINY["train"], "batchsize": 3, "image_size": -1}
    empty_checkout.set_parameters(train=train, splitt={})
    printed = refused(empty_checkout, PARAMETERS, "validate")
    assert "did you mean batch_size?" in printed
    assert "did you mean split?" in printed
    assert "train.image_size" in printed


@pytest.mark.parametrize(
    ("command", "exit_code"),
    (
        ("train", DATA),
        ("track", DATA),
        ("gate", SERVING),
        ("register", SERVING),
        ("promote", SERVING),
        ("rollback", SERVING),
    ),
)
def test_a_command_before_its_time_says_what_is_missing(untouched: Checkout, command: str, exit_code: int) -> None:
    refused(untouched, exit_code, command)


def test_an_unknown_recipe_is_refused(untouched: Checkout) -> None:
    assert "demo" in refused(untouched, PARAMETERS, "recipe", "elemnts")


@pytest.mark.parametrize("own", ({"recipe": "elements"}, {"photos": {"batches": ["survey-*"]}}))
def test_the_demo_keeps_a_params_file_of_other_work(empty_checkout: Checkout, own: dict[str, object]) -> None:
    empty_checkout.set_parameters(**own)
    before = (empty_checkout.root / "params.yaml").read_bytes()
    refused(empty_checkout, PARAMETERS, "demo")
    assert (empty_checkout.root / "params.yaml").read_bytes() == before


def test_a_100_megapixel_bomb_and_a_text_cost_only_themselves(empty_checkout: Checkout, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number in range(12):
        photo(source / f"{'ab'[number % 2]}/{number}.jpg", number * 20)
    Image.new("1", (10_000, 10_001)).save(source / "a/bomb.png")
    (source / "b/text.jpg").write_text("not a photo")
    with zipfile.ZipFile(tmp_path / "batch.zip", "w") as archive:
        for path in sorted(source.rglob("*.*")):
            archive.write(path, path.relative_to(source))
    shutil.rmtree(source)
    empty_checkout.pipeline("intake", str(tmp_path / "batch.zip"), "--batch", "demo-1")
    empty_checkout.pipeline("validate")
    rows = read_rows(empty_checkout.root / "artifacts/validate/photos.parquet", PhotoRow)
    errors = {Path(row.path).name: row.error for row in rows if row.error}
    assert set(errors) == {"bomb.png", "text.jpg"}
    assert "pixels" in errors["bomb.png"]


def test_mlflow_that_does_not_answer_is_named(empty_checkout: Checkout) -> None:
    empty_checkout.set_parameters(tracking={"uri": "http://127.0.0.1:9"})
    printed = empty_checkout.pipeline("promote", expect=SERVING)
    assert "127.0.0.1:9" in printed
    assert "Traceback" not in printed
