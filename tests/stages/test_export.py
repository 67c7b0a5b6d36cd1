import errno
import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from learning_checkouts import tiny_parameters

from pipeline.core.errors import DataError, MachineError
from pipeline.core.hashing import sha256_by_file
from pipeline.core.paths import Layout
from pipeline.export.manifest import manifest_of, read_manifest
from pipeline.export.servable import Servable, write_saved_model
from pipeline.stages import export

FULL = OSError(errno.ENOSPC, "No space left on device")
TENSORFLOW_FULL = tf.errors.ResourceExhaustedError(None, None, "saved_model.pb; No space left on device")


@pytest.fixture
def checkout(trained: Any, tmp_path: Path) -> Layout:
    """A copy of the trained checkout, its export included."""
    layout = Layout(tmp_path)
    shutil.copytree(trained.layout.root / "artifacts", tmp_path / "artifacts")
    return layout


def test_the_export_tells_the_classes_apart_by_name(trained: Any) -> None:
    loaded = tf.saved_model.load(str(trained.layout.artifacts("export") / "saved_model"))
    paths = [trained.layout.root / f"data/one/{label}/test-0.jpg" for label in ("red", "blue")]
    answer = loaded.signatures["predict_bytes"](image_bytes=tf.constant([path.read_bytes() for path in paths]))
    classes = [name.decode() for name in answer["classes"].numpy()[0]]
    assert classes == ["blue", "red"]
    red, blue = answer["probabilities"].numpy()
    assert red[classes.index("red")] > blue[classes.index("red")]
    np.testing.assert_allclose(answer["threshold"], [[0.5, 0.5]] * 2)


def test_the_manifest_lists_every_file_beside_the_model(trained: Any) -> None:
    folder = trained.layout.artifacts("export")
    manifest = read_manifest(folder / "manifest.json")
    assert manifest == manifest_of(folder / "saved_model")
    assert "assets.extra/tf_serving_warmup_requests" in manifest
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "saved_model"]
    assert trained.export.num_files == len(manifest)
    assert trained.export.num_bytes == sum((folder / "saved_model" / name).stat().st_size for name in manifest)
    assert trained.export.map_scale > 0
    labels = json.loads((folder / "saved_model/assets.extra/labels.json").read_text(encoding="utf-8"))
    assert labels == ["blue", "red"]


def test_a_model_of_other_parameters_is_refused(checkout: Layout) -> None:
    with pytest.raises(DataError, match=r"model\.keras"):
        export.run(checkout, tiny_parameters(train={"width": 0.75}))


@pytest.mark.parametrize("data", (None, b"", b"no archive"), ids=("missing", "empty", "damaged"))
def test_a_model_that_cannot_be_read_is_refused(checkout: Layout, data: bytes | None) -> None:
    path = checkout.artifacts("train") / "model.keras"
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(DataError, match=r"model\.keras"):
        export.run(checkout, tiny_parameters())


@pytest.mark.parametrize(
    ("step", "error"),
    (("write_saved_model", TENSORFLOW_FULL), ("write_extras", FULL), ("manifest_of", FULL), ("write_manifest", FULL)),
)
def test_a_full_disk_leaves_the_export_before_and_nothing_else(
    checkout: Layout, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception
) -> None:
    folder = checkout.artifacts("export")
    before = sha256_by_file(folder)
    done = getattr(export, step)

    def fail_halfway(*arguments: Any) -> None:
        done(*arguments)
        raise error

    monkeypatch.setattr(export, step, fail_halfway)
    with pytest.raises(MachineError, match="No space left") as caught:
        export.run(checkout, tiny_parameters())
    assert caught.value.exit_code == 6
    assert sha256_by_file(folder) == before
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "saved_model"]


def test_what_serves_computes_in_32_bits_after_a_training_in_16(
    checkout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported: list[Servable] = []

    def remember(servable: Servable, folder: Path) -> None:
        exported.append(servable)
        write_saved_model(servable, folder)

    monkeypatch.setattr(export, "write_saved_model", remember)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        export.run(checkout, tiny_parameters(train={"mixed_precision": True}))
    finally:
        keras.config.set_dtype_policy("float32")
    assert exported[0].features.compute_dtype == "float32"
    assert exported[0].head.compute_dtype == "float32"


def test_a_new_export_takes_the_place_of_the_one_before(checkout: Layout) -> None:
    folder = checkout.artifacts("export")
    (folder / "saved_model" / "left-over").write_text("of an earlier export", encoding="utf-8")
    export.run(checkout, tiny_parameters(export={"heatmap_quantile": 0.6}))
    assert not (folder / "saved_model" / "left-over").exists()
    assert read_manifest(folder / "manifest.json") == manifest_of(folder / "saved_model")
