"""Toy SavedModels that keep the contract, and model servers that serve them.

Session-wide: `toy_model_base(name, versions=(1,))` writes a base path with version folders and returns it,
`publish_toy_version(base, number)` adds one as a release does (written aside, then renamed), `model_server` is a
running server with model "toy", version 1, on free loopback ports. `start_model_server(*flags)` starts one for a single
test. `make_photo(red, green, blue)` draws a small photo. TensorFlow is imported only where a fixture needs it.
"""

import functools
import io
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

TOY_CLASSES = ("cracked", "intact", "stained")


@dataclass(frozen=True)
class RunningServer:
    """Where a server listens and what it serves."""

    grpc_address: str
    rest_url: str
    base_path: Path | None = None
    model_name: str = "toy"


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A function that finds a free loopback port."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture(scope="session")
def make_photo() -> Callable[..., bytes]:
    """`make_photo(red, green, blue, size=(48, 32), format="PNG")`: bytes of a one-coloured photo with a dark corner."""

    def draw(red: int, green: int, blue: int, size: tuple[int, int] = (48, 32), format: str = "PNG") -> bytes:
        image = Image.new("RGB", size, (red, green, blue))
        image.paste((0, 0, 0), (0, 0, size[0] // 4, size[1] // 4))
        buffer = io.BytesIO()
        image.save(buffer, format)
        return buffer.getvalue()

    return draw


@pytest.fixture(scope="session")
def export_toy_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """`export_toy_model(number)`: folder of a SavedModel whose answers depend on the number; made once."""

    @functools.cache
    def export(number: int) -> Path:
        folder = tmp_path_factory.mktemp("exports") / str(number)
        _export_toy(number, folder)
        return folder

    return export


@pytest.fixture(scope="session")
def publish_toy_version(export_toy_model: Callable[[int], Path]) -> Callable[..., Path]:
    """`publish_toy_version(base, number, model=None)`: add a version that holds toy model `model` (or `number`)."""

    def publish(base: Path, number: int, model: int | None = None) -> Path:
        staging = base / f".stage-{number}"
        shutil.copytree(export_toy_model(number if model is None else model), staging)
        return staging.rename(base / str(number))

    return publish


@pytest.fixture(scope="session")
def toy_model_base(
    tmp_path_factory: pytest.TempPathFactory, publish_toy_version: Callable[..., Path]
) -> Callable[..., Path]:
    """`toy_model_base(name="toy", versions=(1,))`: a fresh `<tmp>/<name>/<version>` tree; returns `<tmp>/<name>`."""

    def write(name: str = "toy", versions: Sequence[int] = (1,)) -> Path:
        base = tmp_path_factory.mktemp("models") / name
        base.mkdir()
        for number in versions:
            publish_toy_version(base, number)
        return base

    return write


@pytest.fixture(scope="session")
def model_server(toy_model_base: Callable[..., Path], free_port: Callable[[], int]) -> Iterator[RunningServer]:
    """A server with model "toy", version 1; shared by the session, so leave it as it is."""
    base = toy_model_base("toy", versions=(1,))
    server, running = _start([f"--model_base_path={base}", "--model_name=toy"], free_port)
    yield running
    server.stop()


@pytest.fixture
def start_model_server(free_port: Callable[[], int]) -> Iterator[Callable[..., RunningServer]]:
    """`start_model_server("--flag=value", ...)`: a server of the test's own on free ports, stopped after the test."""
    servers = []

    def start(*flags: str) -> RunningServer:
        server, running = _start(flags, free_port)
        servers.append(server)
        return running

    yield start
    for server in servers:
        server.stop()


def _start(flags: Sequence[str], free_port: Callable[[], int]):
    from serving.modelserver.application import ModelServer
    from serving.modelserver.configuration import settings_from_flags
    from serving.modelserver.flags import parse_flags

    port, rest_port = free_port(), free_port()
    parsed = parse_flags([f"--port={port}", f"--rest_api_port={rest_port}", *flags])
    server = ModelServer(parsed, settings_from_flags(parsed))
    server.start()
    return server, RunningServer(
        f"127.0.0.1:{port}", f"http://127.0.0.1:{rest_port}", parsed.model_base_path, parsed.model_name
    )


def _export_toy(number: int, folder: Path) -> None:
    import tensorflow as tf

    size, cells = 32, 8

    class Toy(tf.Module):
        """Linear in the mean colour; the version number shifts the first class."""

        def __init__(self) -> None:
            super().__init__()
            self.weights = tf.Variable([[4.0, -2.0, 0.5], [-1.0, 3.0, 0.0], [0.5, -1.0, 4.0]])
            self.bias = tf.Variable([0.25 * number, 0.0, 0.0])

        def answer(self, pixels):
            logits = tf.reduce_mean(pixels, axis=[1, 2]) @ self.weights + self.bias
            rows = tf.shape(logits)[0]
            return logits, {
                "probabilities": tf.nn.softmax(logits),
                "classes": tf.tile([TOY_CLASSES], [rows, 1]),
                "threshold": tf.fill(tf.shape(logits), 1 / len(TOY_CLASSES)),
            }

        def decode(self, image_bytes):
            def one(data):
                magic = tf.strings.substr(data, 0, 2)
                is_photo = tf.logical_or(tf.equal(magic, b"\xff\xd8"), tf.equal(magic, b"\x89P"))
                # The decoder waits for the check, or either might be the one that refuses.
                with tf.control_dependencies([tf.debugging.assert_equal(is_photo, True, "not a JPEG or PNG photo")]):
                    image = tf.image.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
                return tf.image.resize(tf.cast(image, tf.float32) / 255, [size, size], antialias=True)

            spec = tf.TensorSpec([size, size, 3], tf.float32)
            return tf.map_fn(one, image_bytes, fn_output_signature=spec)

        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, "images")])
        def serving_default(self, images):
            return self.answer(tf.cast(images, tf.float32) / 255)[1]

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
        def predict_bytes(self, image_bytes):
            return self.answer(self.decode(image_bytes))[1]

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.string, "image_bytes"),
                tf.TensorSpec([None], tf.int32, "class_index"),
            ]
        )
        def explain(self, image_bytes, class_index):
            tf.debugging.assert_less(class_index, len(TOY_CLASSES), "class_index is beyond the last class")
            pixels = self.decode(image_bytes)
            logits, answer = self.answer(pixels)
            chosen = tf.where(class_index < 0, tf.argmax(logits, axis=1, output_type=tf.int32), class_index)
            columns = tf.gather(tf.transpose(self.weights), chosen)
            pooled = tf.nn.avg_pool2d(pixels, size // cells, size // cells, "VALID")
            evidence = tf.einsum("nhwc,nc->nhw", pooled, columns)
            return answer | {
                "class_index": chosen,
                "map": evidence,
                "heatmap": tf.clip_by_value(evidence / 4.0, 0.0, 1.0),
            }

    toy = Toy()
    signatures = {name: getattr(toy, name) for name in ("serving_default", "predict_bytes", "explain")}
    tf.saved_model.save(toy, str(folder), signatures=signatures)
