"""Releases on a running server, over the wire: hot swap, damaged versions, reload, labels, config file."""

import threading
import time
from collections.abc import Callable

import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

PIXELS = tf.make_tensor_proto(np.full((1, 4, 4, 3), 90, np.uint8))
POLLING = "--file_system_poll_wait_seconds=0.05"


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> object:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not condition():
        time.sleep(0.02)
    return condition()


def predict(channel: grpc.Channel, name: str = "toy", label: str = "") -> tuple[int, list[float]]:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    if label:
        request.model_spec.version_label = label
    request.inputs["images"].CopyFrom(PIXELS)
    answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=20)
    return answer.model_spec.version.value, list(answer.outputs["probabilities"].float_val)


def states(channel: grpc.Channel) -> dict[int, tuple[str, str]]:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "toy"
    answer = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=20)
    name = get_model_status_pb2.ModelVersionStatus.State.Name
    return {s.version: (name(s.state), s.status.error_message) for s in answer.model_version_status}


def reload(channel: grpc.Channel, *models: dict) -> None:
    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.SetInParent()
    for model in models:
        config = request.config.model_config_list.config.add(name="toy", base_path=str(model["base_path"]))
        config.model_version_policy.specific.versions.extend(model["versions"])
        for label, number in model.get("labels", {}).items():
            config.version_labels[label] = number
    model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest(request, timeout=30)


def test_a_hot_swap_under_load_fails_no_call_and_never_mixes_versions(
    start_model_server, toy_model_base, publish_toy_version
):
    base = toy_model_base("toy", versions=(1,))
    server = start_model_server(f"--model_base_path={base}", "--model_name=toy", POLLING)
    answers: list[tuple[int, list[float]]] = []
    failures: list[Exception] = []
    stop = threading.Event()

    def client() -> None:
        with grpc.insecure_channel(server.grpc_address) as own_channel:
            while not stop.is_set():
                try:
                    answers.append(predict(own_channel))
                except grpc.RpcError as error:
                    failures.append(error)

    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    with grpc.insecure_channel(server.grpc_address) as channel:
        publish_toy_version(base, 2)
        assert eventually(lambda: states(channel).get(1, ("",))[0] == "END")
        assert predict(channel)[0] == 2
        publish_toy_version(base, 3)
        assert eventually(lambda: states(channel).get(2, ("",))[0] == "END")
    stop.set()
    for thread in clients:
        thread.join()
    assert not failures
    assert {number for number, _ in answers} == {1, 2, 3}
    assert len({(number, tuple(values)) for number, values in answers}) == 3


def test_a_damaged_version_is_shown_as_refused_while_the_old_one_answers(
    start_model_server, toy_model_base, publish_toy_version
):
    base = toy_model_base("toy", versions=(1,))
    server = start_model_server(f"--model_base_path={base}", "--model_name=toy", POLLING)
    staging = publish_toy_version(base, 2).rename(base / "damaged")
    (staging / "saved_model.pb").write_bytes(b"damaged")
    staging.rename(base / "2")
    with grpc.insecure_channel(server.grpc_address) as channel:
        assert eventually(lambda: states(channel).get(2, ("",))[0] == "END")
        assert "load failed" in states(channel)[2][1]
        assert predict(channel)[0] == 1
    assert httpx.get(f"{server.rest_url}/v1/models/toy/versions/2").json()["model_version_status"][0]["state"] == "END"


def test_a_server_with_nothing_but_a_damaged_version_says_so(start_model_server, toy_model_base):
    base = toy_model_base("toy", versions=(1,))
    (base / "1" / "saved_model.pb").write_bytes(b"damaged")
    server = start_model_server(f"--model_base_path={base}", "--model_name=toy")
    with grpc.insecure_channel(server.grpc_address) as channel:
        assert states(channel)[1][0] == "END"
    assert httpx.get(f"{server.rest_url}/v2/health/ready").status_code == 503


def test_promotion_by_two_reloads_and_back_by_one(start_model_server, toy_model_base, tmp_path):
    base = toy_model_base("toy", versions=(1, 2))
    config = tmp_path / "models.config"
    config.write_text("model_config_list {}")
    server = start_model_server(f"--model_config_file={config}", POLLING)
    with grpc.insecure_channel(server.grpc_address) as channel:
        reload(channel, {"base_path": base, "versions": [1], "labels": {"stable": 1}})
        assert predict(channel, label="stable")[0] == 1
        reload(channel, {"base_path": base, "versions": [1, 2], "labels": {"stable": 1}})
        assert eventually(lambda: states(channel).get(2, ("",))[0] == "AVAILABLE")
        assert predict(channel, label="stable")[0] == 1
        reload(channel, {"base_path": base, "versions": [1, 2], "labels": {"stable": 2}})
        assert predict(channel, label="stable")[0] == 2
        reload(channel, {"base_path": base, "versions": [1, 2], "labels": {"stable": 1}})
        assert predict(channel, label="stable")[0] == 1


def test_a_refused_reload_says_why_and_changes_nothing(start_model_server, toy_model_base):
    base = toy_model_base("toy", versions=(1,))
    server = start_model_server(f"--model_base_path={base}", "--model_name=toy")
    with grpc.insecure_channel(server.grpc_address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            reload(channel, {"base_path": base, "versions": [1], "labels": {"canary": 9}})
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert "version 9, which is not AVAILABLE" in caught.value.details()
        assert predict(channel)[0] == 1


def test_a_release_that_is_known_from_the_config_file_alone_is_followed(start_model_server, toy_model_base, tmp_path):
    base = toy_model_base("toy", versions=(1, 2))
    config = tmp_path / "models.config"

    def release(number: int) -> None:
        versions = " ".join(f"versions: {held}" for held in range(1, number + 1))
        (tmp_path / "written").write_text(
            f'model_config_list {{ config {{ name: "toy" base_path: "{base}" '
            f"model_version_policy {{ specific {{ {versions} }} }} "
            f'version_labels {{ key: "stable" value: {number} }} }} }}'
        )
        (tmp_path / "written").rename(config)

    release(1)
    flags = (f"--model_config_file={config}", "--model_config_file_poll_wait_seconds=0.05", POLLING)
    server = start_model_server(*flags)
    with grpc.insecure_channel(server.grpc_address) as channel:
        assert predict(channel, label="stable")[0] == 1
        release(2)
        assert eventually(lambda: predict(channel, label="stable")[0] == 2)


def test_a_changed_config_file_is_followed_and_a_broken_one_is_not(start_model_server, toy_model_base, tmp_path):
    base = toy_model_base("toy", versions=(1,))
    config = tmp_path / "models.config"
    config.write_text("model_config_list {}")
    server = start_model_server(f"--model_config_file={config}", "--model_config_file_poll_wait_seconds=0.05")

    def replace(text: str) -> None:
        (tmp_path / "written").write_text(text)
        (tmp_path / "written").rename(config)

    with grpc.insecure_channel(server.grpc_address) as channel:
        replace(f'model_config_list {{ config {{ name: "toy" base_path: "{base}" }} }}')
        assert eventually(lambda: httpx.get(f"{server.rest_url}/v1/models/toy", timeout=20).status_code == 200)
        replace("model_config_list {{{")
        time.sleep(0.2)
        assert predict(channel)[0] == 1
