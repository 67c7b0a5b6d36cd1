import io
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from exported_models import CLASSES, Exported
from PIL import Image
from scipy.special import softmax

from pipeline.export.servable import equal_thresholds, measure_map_scale
from pipeline.learning.pixels import photos_to_pixels

ANSWER = {
    "probabilities": ("float32", [None, 3]),
    "classes": ("string", [None, 3]),
    "threshold": ("float32", [None, 3]),
}
BYTES = {"image_bytes": ("string", [None])}
FRESH = """
import json, sys
sys.modules["keras"] = None
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
photo = open(sys.argv[2], "rb").read()
answer = loaded.signatures["explain"](image_bytes=tf.constant([photo]), class_index=tf.constant([-1]))
others = sorted(name for name in sys.modules if name.split(".")[0] in ("pipeline", "serving", "tensorflow_serving"))
print(json.dumps([answer["probabilities"].numpy()[0].tolist(), others]))
"""


def described(specs: dict[str, tf.TensorSpec]) -> dict[str, tuple[str, list[int | None]]]:
    return {name: (spec.dtype.name, spec.shape.as_list()) for name, spec in specs.items()}


@pytest.mark.parametrize(
    ("signature", "inputs", "outputs"),
    (
        ("serving_default", {"images": ("uint8", [None, None, None, 3])}, ANSWER),
        ("predict_bytes", BYTES, ANSWER),
        (
            "explain",
            {**BYTES, "class_index": ("int32", [None])},
            {
                **ANSWER,
                "class_index": ("int32", [None]),
                "map": ("float32", [None, 4, 4]),
                "heatmap": ("float32", [None, 4, 4]),
            },
        ),
    ),
)
def test_signatures_are_those_of_the_contract(
    exported: Exported, signature: str, inputs: dict[str, object], outputs: dict[str, object]
) -> None:
    function = exported.loaded.signatures[signature]
    assert described(function.structured_input_signature[1]) == inputs
    assert described(function.structured_outputs) == outputs
    assert set(exported.loaded.signatures) == {"serving_default", "predict_bytes", "explain"}


def test_a_process_with_tensorflow_and_no_keras_answers_the_same(exported: Exported, photos: list[bytes]) -> None:
    file = exported.folder.parent / "photo.jpg"
    file.write_bytes(photos[0])
    command = [sys.executable, "-I", "-c", FRESH, str(exported.folder), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/", timeout=120)
    probabilities, project = json.loads(done.stdout)
    assert project == []
    expected = exported.ask("predict_bytes", image_bytes=photos[:1])["probabilities"][0]
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)


def test_the_export_answers_as_the_trained_network(exported: Exported, photos: list[bytes]) -> None:
    pixels = photos_to_pixels(tf.constant(photos), 32, exported.facts.limits)
    expected = softmax(exported.classifier.network(pixels, training=False).numpy(), axis=1)
    answer = exported.ask("predict_bytes", image_bytes=photos)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    assert expected.std(axis=0).max() > 0.01
    assert [[name.decode() for name in row] for row in answer["classes"]] == [list(CLASSES)] * 4
    np.testing.assert_allclose(answer["threshold"], [exported.facts.thresholds] * 4)


def test_decoded_photos_are_answered_as_encoded_ones(exported: Exported, photos: list[bytes]) -> None:
    for photo in photos:
        image = np.asarray(Image.open(io.BytesIO(photo)))
        of_array = exported.ask("serving_default", images=image[None])
        of_bytes = exported.ask("predict_bytes", image_bytes=[photo])
        np.testing.assert_allclose(of_array["probabilities"], of_bytes["probabilities"], atol=1e-6)


def test_minus_one_explains_the_class_with_the_largest_probability_minus_threshold(
    exported: Exported, photos: list[bytes]
) -> None:
    explained = exported.ask("explain", image_bytes=photos, class_index=np.full(4, -1, np.int32))
    predicted = (explained["probabilities"] - explained["threshold"]).argmax(axis=1)
    assert explained["class_index"].tolist() == predicted.tolist()
    assert predicted.tolist() != explained["probabilities"].argmax(axis=1).tolist()
    named = exported.ask("explain", image_bytes=photos, class_index=predicted.astype(np.int32))
    np.testing.assert_allclose(explained["map"], named["map"], atol=1e-5)
    plain = exported.ask("predict_bytes", image_bytes=photos)
    np.testing.assert_allclose(explained["probabilities"], plain["probabilities"], atol=1e-6)


def test_heat_is_the_map_on_the_fixed_scale(exported: Exported, photos: list[bytes]) -> None:
    maps = []
    for class_index in range(3):
        answer = exported.ask("explain", image_bytes=photos, class_index=np.full(4, class_index, np.int32))
        np.testing.assert_allclose(answer["heatmap"], (answer["map"] / 0.5).clip(0, 1), atol=1e-6)
        maps.append(answer["map"])
    np.testing.assert_allclose(sum(maps), 0, atol=1e-3 * np.abs(maps).max())
    assert np.min(maps) < 0 < np.max(maps)


@pytest.mark.parametrize("class_index", (-2, 3, 2**31 - 1))
def test_a_class_that_is_none_is_refused(exported: Exported, photos: list[bytes], class_index: int) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="class_index"):
        exported.ask("explain", image_bytes=photos[:1], class_index=np.array([class_index], np.int32))


def test_a_class_for_each_photo_is_asked_for(exported: Exported, photos: list[bytes]) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="one class_index per photo"):
        exported.ask("explain", image_bytes=photos, class_index=np.zeros(1, np.int32))


@pytest.mark.parametrize("data", (b"", b"a text", b"\xff\xd8\xff"))
def test_what_is_no_photo_is_refused(exported: Exported, photos: list[bytes], data: bytes) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        exported.ask("predict_bytes", image_bytes=[photos[0], data])


def test_a_photo_beyond_the_limits_is_refused(exported: Exported) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (400, 251)).save(buffer, "PNG")
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        exported.ask("predict_bytes", image_bytes=[buffer.getvalue()])


def test_a_request_without_photos_is_refused(exported: Exported) -> None:
    no_bytes = tf.constant([], tf.string)
    with pytest.raises(tf.errors.InvalidArgumentError, match="no photos"):
        exported.ask("predict_bytes", image_bytes=no_bytes)
    with pytest.raises(tf.errors.InvalidArgumentError, match="no photos"):
        exported.ask("explain", image_bytes=no_bytes, class_index=np.zeros(0, np.int32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="no photos"):
        exported.ask("serving_default", images=np.zeros((0, 9, 9, 3), np.uint8))


@pytest.mark.parametrize("colour", ("black", "white", "grey"))
def test_a_plain_photo_has_a_finite_map(exported: Exported, colour: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (50, 20), colour).save(buffer, "PNG")
    answer = exported.ask("explain", image_bytes=[buffer.getvalue()], class_index=np.array([0], np.int32))
    assert np.isfinite(answer["map"]).all()
    assert answer["probabilities"].sum() == pytest.approx(1, abs=1e-5)


def test_the_scale_is_a_quantile_of_the_positive_map_of_the_photos_own_classes(
    exported: Exported, photos: list[bytes]
) -> None:
    labels = np.array([0, 1, 2, 0], np.int32)
    pixels = photos_to_pixels(tf.constant(photos), 32, exported.facts.limits)
    batches = tf.data.Dataset.from_tensor_slices((pixels, labels)).batch(3)
    maps = exported.ask("explain", image_bytes=photos, class_index=labels)["map"]
    expected = np.quantile(maps[maps > 0], 0.9)
    assert measure_map_scale(exported.classifier, batches, 0.9) == pytest.approx(expected, rel=1e-4)


def test_equal_thresholds_predict_the_most_probable_class() -> None:
    assert equal_thresholds(("a", "b", "c", "d")) == (0.25,) * 4
