"""The same bytes give the same probabilities from the SavedModel itself, over gRPC and through the sidecar."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from serving import contract
from serving.client import ExplainerClient, ModelClient

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="module")
def sidecar_address(model_server: Any, free_port: Callable[[], int]) -> Iterator[str]:
    port = free_port()
    asked = ["--model", model_server.model_name, "--server", model_server.grpc_address, "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-m", "serving.explainer", *asked], stderr=subprocess.DEVNULL)
    explainer = ExplainerClient(f"127.0.0.1:{port}", deadline=5)
    end = time.monotonic() + 60
    while not explainer.is_ready() and time.monotonic() < end:
        time.sleep(0.05)
    yield explainer.address
    process.terminate()
    assert process.wait(60) == 0


@pytest.mark.parametrize("kind", ("PNG", "JPEG", "WEBP"))
def test_probabilities_agree_everywhere(
    model_server: Any, sidecar_address: str, make_photo: Callable[..., bytes], kind: str
) -> None:
    import tensorflow as tf

    photo = make_photo(200, 90, 30, format=kind)
    upright = contract.upright(photo)
    model = tf.saved_model.load(str(model_server.base_path / "1"))
    direct = model.signatures[contract.PREDICT_BYTES](image_bytes=tf.constant([upright]))
    with ModelClient(model_server.grpc_address) as client:
        predicted = client.predict([upright], model_server.model_name)[0]
        explained = client.explain(upright, model_server.model_name)
    answer = ExplainerClient(sidecar_address).explain(photo)
    for probabilities in (
        predicted.probabilities,
        explained.prediction.probabilities,
        list(answer["probabilities"].values()),
    ):
        assert np.abs(np.array(probabilities) - direct["probabilities"].numpy()[0]).max() <= 1e-5
    classes = [name.decode() for name in direct["classes"].numpy()[0]]
    assert list(predicted.classes) == list(answer["probabilities"]) == classes
    assert answer["class"] == predicted.predicted == explained.prediction.predicted
    assert (answer["model"], answer["version"]) == (model_server.model_name, 1)


def test_every_class_is_explained_as_the_saved_model_explains_it(
    model_server: Any, sidecar_address: str, make_photo: Callable[..., bytes]
) -> None:
    import tensorflow as tf

    photo = make_photo(20, 190, 130)
    explain = tf.saved_model.load(str(model_server.base_path / "1")).signatures[contract.EXPLAIN]
    for index in range(3):
        direct = explain(image_bytes=tf.constant([photo]), class_index=tf.constant([index]))
        name = direct["classes"].numpy()[0][index].decode()
        answer = ExplainerClient(sidecar_address).explain(photo, name)
        assert answer["explained_class"] == name
        assert np.abs(np.array(answer["heatmap"]) - direct["heatmap"].numpy()[0]).max() <= 1e-4
        with Image.open(io.BytesIO(ExplainerClient(sidecar_address).overlay(photo, index))) as overlay:
            assert overlay.size == (48, 32)


def test_the_client_reads_the_real_servers_status(model_server: Any) -> None:
    with ModelClient(model_server.grpc_address) as client:
        assert [(row.version, row.state) for row in client.status(model_server.model_name)] == [(1, "AVAILABLE")]
