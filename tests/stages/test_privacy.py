"""Where a photo was taken stays in `data/`: no file that a run makes tells it, and nothing that is sent over a wire."""

import base64
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
import telling_photos
import tensorflow as tf
from containers import contents_of, unpacked
from fake_model_server import FakeModelServer, running_fake
from learning_checkouts import COLOURS, tiny_parameters
from PIL import Image
from red_or_blue import save_red_or_blue
from sidecars import listening

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows
from pipeline.export.manifest import manifest_of, write_manifest
from pipeline.intake.taking import take_in
from pipeline.learning.history import EpochRow, write_history
from pipeline.photos.records import ShardRow, SplitRow
from pipeline.predict.run import predict_folder
from pipeline.release.gate_run import run_gate
from pipeline.release.golden import golden_photos, write_golden
from pipeline.report.page import run as make_report
from pipeline.review.page import run as write_review
from pipeline.stages import augment, clean, embed, evaluate, split, validate
from serving.client import ModelClient
from serving.contract import PhotoLimits
from serving.sidecar.app import ExplainedModel, create_app

KINDS = {"jpg": telling_photos.jpeg, "png": telling_photos.png, "webp": telling_photos.webp}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """What left the machine's `data/` over a wire."""

    to_model_server: list[bytes]
    answers: list[bytes]


def noisy(colour: str, seed: int) -> Image.Image:
    """Coarse patches, so that no photo is like another, under a fine grain, so that none is blurred."""
    generator = np.random.default_rng(seed)
    patches = generator.integers(-60, 61, (9, 11, 3)).repeat(4, axis=0).repeat(4, axis=1)
    grain = generator.integers(-30, 31, (36, 44, 1))
    return Image.fromarray((np.array(COLOURS[colour]) + patches + grain).clip(0, 255).astype(np.uint8))


def telling(number: int, colour: str) -> tuple[str, bytes]:
    """Ending and bytes of a photo that tells its place, of all formats in turn, some to be turned upright."""
    made = list(KINDS.items())[number % 3]
    if number % 4 == 3:
        return "jpg", telling_photos.multi_picture(noisy(colour, number))
    image = noisy(colour, number).convert("L") if number % 7 == 5 else noisy(colour, number)
    return made[0], made[1](image, 6 if number % 5 == 4 else 1)


def write_source(folder: Path) -> None:
    """A folder of photos as somebody brings it: a copy, a broken file, a wrong label and a mask among them."""
    table = ["path,mask,licence,author"]
    for colour, label, numbers in (("red", "red", 24), ("blue", "blue", 24), ("blue", "red", 12)):
        first = {"red": 0, "blue": 100}[colour] + 50 * (colour != label)
        for number in range(first, first + numbers):
            ending, data = telling(number, colour)
            name = f"{label}/{colour}-{number}.{ending}"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
            table.append(f"{name},_masks/one.png,CC BY-NC 2.0,Ada")
    (folder / "_masks").mkdir()
    (folder / "_masks/one.png").write_bytes(telling_photos.png(Image.new("L", (44, 36), 255)))
    (folder / "red/copy.jpg").write_bytes(telling_photos.jpeg(noisy("red", 0), quality=60))
    (folder / "red/broken.jpg").write_bytes(telling_photos.jpeg(noisy("red", 99))[:-300])
    (folder / "photos.csv").write_text("\n".join(table) + "\n")


def release(layout: Layout, parameters: Parameters) -> None:
    """What follows on the shards, with a model that needs no training."""
    history = [EpochRow(1, 1, 0.01, 0.9, 0.5, 0.8, 0.6, 0.6, 1.0, 9.0, kept=True)]
    write_history(layout.artifacts("train") / "history.csv", history)
    saved_model = save_red_or_blue(layout.artifacts("export") / "saved_model")
    write_manifest(layout.artifacts("export") / "manifest.json", manifest_of(saved_model))
    evaluate.run(layout, parameters)
    run_gate(layout, parameters)
    make_report(layout, parameters)
    write_review(layout, parameters)
    write_golden(layout.root / "served" / "golden.json", golden_photos(layout, PhotoLimits()))


def ask(layout: Layout, parameters: Parameters, fake: FakeModelServer, photos: Path) -> list[bytes]:
    """Ask about the photos by command and through the explainer; give the explainer's answers."""
    predict_folder(layout, parameters, photos, None, "tiny", NOW)
    with ModelClient(fake.address) as client, listening(create_app(client, ExplainedModel("tiny"))) as asking:
        return [
            answer
            for photo in sorted(photos.rglob("*.*"))
            if photo.suffix != ".csv"
            for kind in ("json", "overlay")
            for answer in _answer(asking, photo.read_bytes(), kind)
        ]


def _answer(asking: httpx.Client, photo: bytes, kind: str) -> list[bytes]:
    response = asking.post("/v1/explain", params={"format": kind}, content=photo)
    return [response.content, repr(response.headers).encode()]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Layout, Sent]:
    """A checkout after a whole run over photos that tell their place, and what was sent on the way."""
    root, source = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("brought") / "walls"
    write_source(source)
    with running_fake() as fake:
        layout = Layout(root)
        parameters = tiny_parameters(
            split={"validation": 0.2, "test": 0.3},
            evaluate={"side": "test", "bootstrap_samples": 200},
            augment={"materialised_copies": 1},
            serving={"grpc_address": fake.address},
            validate={"workers": 1},
        )
        take_in(layout, source, "walls")
        for stage in (validate, embed, clean, split, augment):
            stage.run(layout, parameters)
        release(layout, parameters)
        answers = ask(layout, parameters, fake, source)
        asked = [photo for request in fake.requests for photo in request.inputs["image_bytes"].string_val]
    return layout, Sent(asked, answers)


def test_no_file_outside_the_data_tells_where_a_photo_was_taken(sent: tuple[Layout, Sent]) -> None:
    layout, _ = sent
    made = [path for path in layout.root.rglob("*") if path.is_file() and not path.is_relative_to(layout.data)]
    for what in (
        layout.review.parent,
        "artifacts/augment",
        "artifacts/evaluate",
        "reports/evaluate",
        "reports/predict/walls/overlays",
    ):
        assert any(path.is_relative_to(layout.root / what) for path in made), what
    assert {"report.html", "golden.json", "variants.png", "mistakes.png"} <= {path.name for path in made}
    assert '<article aria-labelledby="mistake-1' in layout.report.read_text(encoding="utf-8")
    telling = {
        path.relative_to(layout.root).as_posix()
        for path in made
        if any(telling_photos.secrets_in(content) for content in contents_of(path))
    }
    assert telling == set()


def test_nothing_that_is_sent_tells_where_a_photo_was_taken(sent: tuple[Layout, Sent]) -> None:
    _, over_wires = sent
    assert len(over_wires.to_model_server) > 100
    assert len(over_wires.answers) > 100
    for data in (*over_wires.to_model_server, *over_wires.answers):
        assert not [content for content in unpacked(data) if telling_photos.secrets_in(content)]


def test_the_data_keep_their_photos_as_they_came(sent: tuple[Layout, Sent]) -> None:
    layout, _ = sent
    photos = [path for path in (layout.data / "walls").rglob("*.*") if path.suffix in (".jpg", ".png", ".webp")]
    assert len(photos) > 50
    assert all(telling_photos.secrets_in(path.read_bytes()) for path in photos if "broken" not in path.name)


def test_licence_author_and_date_reach_the_tables_the_summary_and_the_report(sent: tuple[Layout, Sent]) -> None:
    layout, _ = sent
    rows = read_rows(layout.artifacts("split") / "photos.parquet", SplitRow)
    [row] = [row for row in rows if row.path.endswith("red/red-0.jpg")]
    assert (row.licence, row.author, row.taken_at) == ("CC BY-NC 2.0", "Ada", "2019-05-03T14:22:10")
    summary = json.loads((layout.reports("clean") / "summary.json").read_text())
    assert summary["provenance"]["by_licence"]["CC BY-NC 2.0"] > 20
    assert any("forbid commercial use: CC BY-NC 2.0" in warning for warning in summary["warnings"])
    assert "by Ada, CC BY-NC 2.0" in layout.report.read_text(encoding="utf-8")


def test_the_search_finds_places_in_tables_shards_pages_archives_and_pictures(tmp_path: Path) -> None:
    photo = telling_photos.jpeg(noisy("red", 0))
    texts = io.BytesIO()
    said = telling_photos.png(noisy("red", 0))
    Image.open(io.BytesIO(said)).save(texts, "PNG", exif=Image.open(io.BytesIO(said)).getexif())
    write_rows(
        tmp_path / "a.parquet", ShardRow, [ShardRow("59.437222", "red", "", "", "", number, 0) for number in range(9)]
    )
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        writer.write(photo)
    (tmp_path / "a.html").write_text(f"<img src='data:image/jpeg;base64,{base64.b64encode(photo).decode()}'>")
    np.savez_compressed(tmp_path / "a.npz", photo=np.frombuffer(photo, np.uint8))
    (tmp_path / "a.png").write_bytes(telling_photos.png(noisy("red", 0)))
    (tmp_path / "b.png").write_bytes(texts.getvalue())
    for path in tmp_path.iterdir():
        assert any(telling_photos.secrets_in(content) for content in contents_of(path)), path.name
