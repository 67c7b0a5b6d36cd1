"""Promotion and rollback with the embedded server and a real SavedModel."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from pipeline.core.errors import ServingError
from pipeline.release import model_server
from pipeline.release.model_server import private_server, running_server
from pipeline.release.promotion import promote
from pipeline.release.registry import register
from pipeline.release.rollback import rollback
from serving import contract
from serving.client import ModelClient, ServedModel

CLASSES = ("damaged", "sound")


def export_brightness(checkout, name: str, bias: float) -> None:
    """Export a model that calls bright photos sound, and evaluate it."""
    import tensorflow as tf

    class Brightness(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = tf.Variable(bias)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, contract.IMAGE_BYTES)])
        def predict_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
            def red(photo: tf.Tensor) -> tf.Tensor:
                return tf.reduce_mean(tf.cast(tf.io.decode_png(photo, 3)[:, :, 0], tf.float32)) / 255

            sound = tf.sigmoid(tf.map_fn(red, image_bytes, fn_output_signature=tf.float32) + self.bias)
            n = tf.shape(image_bytes)[0]
            return {
                contract.PROBABILITIES: tf.stack([1 - sound, sound], axis=1),
                contract.CLASSES: tf.tile(tf.constant([CLASSES]), [n, 1]),
                contract.THRESHOLD: tf.fill([n, 2], 0.5),
            }

    model = Brightness()
    shutil.rmtree(checkout.saved_model)
    tf.saved_model.save(model, str(checkout.saved_model), signatures={contract.PREDICT_BYTES: model.predict_bytes})
    photos = checkout.photos()
    images = tf.constant([(checkout.layout.root / photo).read_bytes() for photo in photos])
    answers = model.predict_bytes(images)[contract.PROBABILITIES].numpy().astype(float).tolist()
    checkout.evaluated(name, dict(zip(photos, answers, strict=True)))


@pytest.fixture
def address() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def at_address(checkout, address: str):
    """The checkout with its server at a free port."""
    serving = checkout.parameters.serving.model_copy(update={"grpc_address": address})
    checkout.parameters = checkout.parameters.model_copy(update={"serving": serving})
    return checkout


@pytest.fixture
def start_server(at_address, address: str) -> Iterator[object]:
    """Start the embedded server on the line's configuration file, as an operator would."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> ModelClient:
        flags = [f"--port={address.rpartition(':')[2]}", f"--model_config_file={at_address.line.server_config}"]
        flags.append("--allow_version_labels_for_unavailable_models=true")
        log = (at_address.layout.root / "server.log").open("wb")
        with log:
            started.append(subprocess.Popen([sys.executable, "-m", "serving.server", *flags], stdout=log, stderr=log))
        client = ModelClient(address)
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline and started[0].poll() is None:
            with running_server(address) as server:
                if server is not None and any(known.state == "AVAILABLE" for known in server.status("walls")):
                    return client
            time.sleep(0.1)
        raise AssertionError((at_address.layout.root / "server.log").read_text())

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=60)


def test_a_release_from_the_first_model_to_a_rollback(at_address, start_server) -> None:
    layout, parameters = at_address.layout, at_address.parameters
    photo = (layout.root / at_address.photos()[0]).read_bytes()
    export_brightness(at_address, "dark", bias=-1.0)
    register(layout, parameters)
    first = promote(layout, parameters, who="Ada")
    assert (first.version, first.private_server) == (1, True)

    with start_server() as client:
        assert client.predict([photo], "walls", label="stable")[0].version == 1
        export_brightness(at_address, "bright", bias=1.0)
        register(layout, parameters)
        second = promote(layout, parameters, who="Ada")
        assert (second.version, second.before, second.private_server, second.notes) == (2, 1, False, ())
        answer = client.predict([photo], "walls", label="stable")[0]
        assert (answer.version, answer.predicted) == (2, "sound")

        assert rollback(layout, parameters, who="Ada", reason="too bright").version == 1
        answer = client.predict([photo], "walls", label="stable")[0]
        assert (answer.version, answer.predicted) == (1, "damaged")


def test_a_private_server_that_cannot_start_shows_its_log(monkeypatch) -> None:
    monkeypatch.setattr(model_server, "_SERVER", "raise SystemExit('no TensorFlow here')")
    with pytest.raises(ServingError, match="no TensorFlow here"), private_server(ServedModel("walls", "nowhere")):
        pass


def test_nothing_answers_at_a_free_port(address: str) -> None:
    with running_server(address) as server:
        assert server is None
