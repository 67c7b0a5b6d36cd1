import io
import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from pipeline.core.errors import DataError, MachineError
from pipeline.core.parameters import EmbedParameters, Parameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_rows
from pipeline.photos.listing import FoundFile
from pipeline.photos.reading import read_photo
from pipeline.photos.records import PhotoRow
from pipeline.stages import embed
from serving.contract import PhotoLimits

KERAS_HOME = Path(__file__).resolve().parents[3] / "shared" / "keras_home"
NAMES = ("a", "b", "c", "copy-of-a", "broken")


def parameters(**values: object) -> Parameters:
    needed = {"recipe": "test", "model": {"name": "test"}, "train": {"phases": [{"epochs": 1}]}}
    return parse_parameters({**needed, "embed": values}, "test")


def drawn(name: str) -> bytes:
    if name == "broken":
        return b"no photo"
    coarse = np.random.default_rng(ord(name[-1])).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((70, 50), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def checkout(tmp_path: Path) -> Layout:
    """A checkout after the stage `validate`: four photos, one of them twice, and a file that is none."""
    rows = []
    for name in NAMES:
        path = f"data/one/wall/{name}.jpg"
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(drawn(name))
        rows.append(read_photo(tmp_path, FoundFile(path, "one", "wall"), PhotoLimits()))
    write_rows(Layout(tmp_path).artifacts("validate") / "photos.parquet", PhotoRow, rows)
    return Layout(tmp_path)


@pytest.fixture
def shared_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras' cache as it lies beside the checkout."""
    if not KERAS_HOME.is_dir():
        pytest.skip("no pretrained weights beside the checkout")
    pytest.importorskip("keras")
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(KERAS_HOME))


def vectors_of(layout: Layout) -> dict[str, np.ndarray]:
    with np.load(layout.artifacts("embed") / "vectors.npz", allow_pickle=False) as stored:
        return dict(zip(stored["paths"].tolist(), stored["vectors"], strict=True))


def test_off_writes_no_vectors_and_says_so(checkout: Layout) -> None:
    result = embed.run(checkout, parameters())
    assert (result.num_vectors, result.backbone) == (0, None)
    assert vectors_of(checkout) == {}
    summary = json.loads((checkout.artifacts("embed") / "embed.json").read_text(encoding="utf-8"))
    assert summary == {"backbone": None, "photos": 0, "reason": "off: params.yaml names no embed.backbone"}


def test_on_gives_each_readable_photo_a_vector_of_unit_length(checkout: Layout, shared_weights: None) -> None:
    named = parameters(backbone="MobileNet", width=0.25, image_size=64)
    result = embed.run(checkout, named)
    vectors = vectors_of(checkout)
    assert list(vectors) == [f"data/one/wall/{name}.jpg" for name in NAMES[:-1]]
    assert result.num_vectors == 4
    matrix = np.stack(list(vectors.values()))
    assert matrix.shape == (4, 256)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-5)
    cosines = matrix @ matrix.T
    assert cosines[0, 3] == pytest.approx(1, abs=1e-5)
    assert cosines[0, 1] < 0.99
    before = (checkout.artifacts("embed") / "vectors.npz").read_bytes()
    embed.run(checkout, named)
    assert (checkout.artifacts("embed") / "vectors.npz").read_bytes() == before


def test_weights_of_another_hash_are_refused(checkout: Layout, shared_weights: None) -> None:
    with pytest.raises(MachineError, match="hash"):
        embed.run(checkout, parameters(backbone="MobileNet", width=0.25, weights_sha256="0" * 64))
    assert not (checkout.artifacts("embed") / "vectors.npz").exists()


class CountingEmbedder:
    """Stands in for the network: a vector by the bytes, and a note of what was embedded."""

    seen: ClassVar[list[bytes]] = []
    fails_after = 10**9

    def __init__(self, parameters: EmbedParameters, limits: PhotoLimits) -> None:
        self.weights_sha256 = "0" * 64

    def vectors_of(self, photos: list[bytes]) -> np.ndarray:
        if len(self.seen) + len(photos) > self.fails_after:
            raise KeyboardInterrupt
        self.seen.extend(photos)
        return np.array([[len(photo), photo[100]] for photo in photos], np.float32)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> type[CountingEmbedder]:
    monkeypatch.setattr(embed, "Embedder", CountingEmbedder)
    monkeypatch.setattr(embed, "BATCH_SIZE", 1)
    monkeypatch.setattr(embed, "_BATCHES_KEPT_AT_ONCE", 1)
    monkeypatch.setattr(CountingEmbedder, "seen", [])
    return CountingEmbedder


def test_equal_bytes_are_embedded_once_and_a_second_run_embeds_nothing(
    checkout: Layout, counting: type[CountingEmbedder]
) -> None:
    named = parameters(backbone="MobileNet", weights_sha256="0" * 64)
    assert embed.run(checkout, named).num_vectors == 4
    assert len(counting.seen) == 3
    first = (checkout.artifacts("embed") / "vectors.npz").read_bytes()
    embed.run(checkout, named)
    assert len(counting.seen) == 3
    assert (checkout.artifacts("embed") / "vectors.npz").read_bytes() == first


def test_what_a_killed_run_embedded_is_used(
    checkout: Layout, counting: type[CountingEmbedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "fails_after", 2)
    with pytest.raises(KeyboardInterrupt):
        embed.run(checkout, parameters(backbone="MobileNet"))
    monkeypatch.setattr(counting, "fails_after", 10**9)
    embed.run(checkout, parameters(backbone="MobileNet"))
    assert len(counting.seen) == 3


def test_other_settings_see_no_kept_vectors(checkout: Layout, counting: type[CountingEmbedder]) -> None:
    embed.run(checkout, parameters(backbone="MobileNet"))
    embed.run(checkout, parameters(backbone="MobileNet", image_size=96))
    assert len(counting.seen) == 6


def test_a_photo_that_changed_since_validate_is_refused(checkout: Layout, counting: type[CountingEmbedder]) -> None:
    (checkout.root / "data/one/wall/b.jpg").write_bytes(drawn("c"))
    with pytest.raises(DataError, match=r"b\.jpg has changed"):
        embed.run(checkout, parameters(backbone="MobileNet"))


def test_no_readable_photo_needs_no_weights(checkout: Layout) -> None:
    row = read_photo(checkout.root, FoundFile("data/one/wall/broken.jpg", "one", "wall"), PhotoLimits())
    write_rows(checkout.artifacts("validate") / "photos.parquet", PhotoRow, [row])
    assert embed.run(checkout, parameters(backbone="MobileNet")).num_vectors == 0


def test_a_run_before_validate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="validate"):
        embed.run(Layout(tmp_path), parameters())
