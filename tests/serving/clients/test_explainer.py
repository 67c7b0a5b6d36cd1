"""The explanation sidecar: its answers, its refusals, and its process."""

import io
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import grpc
import httpx
import numpy as np
import pytest
from PIL import Image
from sidecars import listening

from serving import contract
from serving.client import DeadlinePassed, ExplainerClient, ModelClient, RequestRefused, ServingUnavailable
from serving.errors import from_explainer_answer
from serving.sidecar.app import ExplainedModel, create_app

LIMITS = contract.PhotoLimits(max_bytes=300_000, max_pixels=1_000_000)


@pytest.fixture
def explainer(fake_server: Any) -> Iterator[httpx.Client]:
    with ModelClient(fake_server.address, deadline=10) as client:
        app = create_app(client, ExplainedModel("demo", label="stable"), LIMITS)
        with listening(app) as asking:
            yield asking


def refusal(response: httpx.Response, status: int) -> dict[str, str]:
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"came", "expected", "to_do"}
    assert all(error.values())
    return dict(error)


def oriented(photo: bytes) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.open(io.BytesIO(photo)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_an_answer_holds_class_probabilities_version_and_heat_map(explainer: httpx.Client, photo: bytes) -> None:
    answer = explainer.post("/v1/explain", content=photo, headers={"Content-Type": "image/jpeg"}).json()
    assert (answer["model"], answer["version"]) == ("demo", 7)
    assert answer["class"] == answer["explained_class"] == "Gewölbe"
    assert list(answer["probabilities"]) == ["crack", "Gewölbe", "sound"]
    assert answer["probability"] == answer["probabilities"]["Gewölbe"] == pytest.approx(0.3)
    assert answer["threshold"] == answer["thresholds"]["Gewölbe"] == pytest.approx(0.1)
    assert np.shape(answer["heatmap"]) == (4, 4)
    assert answer["heatmap"][0][1] == 1
    assert (answer["width"], answer["height"]) == (60, 40)
    assert answer["classes"] == ["crack", "Gewölbe", "sound"]
    assert answer["hottest_box"] == {"left": 15, "top": 0, "width": 15, "height": 10}
    assert "damaged" not in json.dumps(answer)


def test_a_form_and_a_body_get_the_same_answer(explainer: httpx.Client, photo: bytes) -> None:
    by_body = explainer.post("/v1/explain", content=photo)
    by_form = explainer.post("/v1/explain", files={"photo": ("wall.jpg", photo, "image/jpeg")})
    assert by_form.json() == by_body.json()


def test_a_cold_map_has_no_hottest_box(explainer: httpx.Client, fake_server: Any, photo: bytes) -> None:
    fake_server.change = lambda answer: answer.outputs["heatmap"].float_val.__setitem__(slice(None), [0.19] * 16)
    assert explainer.post("/v1/explain", content=photo).json()["hottest_box"] is None


def test_another_class_is_explained_on_request(explainer: httpx.Client, photo: bytes) -> None:
    for asked in ("sound", "2"):
        answer = explainer.post("/v1/explain", params={"class": asked}, content=photo).json()
        assert (answer["class"], answer["explained_class"]) == ("Gewölbe", "sound")
        assert answer["heatmap"][0][2] == 1


def test_a_class_that_does_not_exist_is_refused_with_the_names_of_all(explainer: httpx.Client, photo: bytes) -> None:
    error = refusal(explainer.post("/v1/explain", params={"class": "roof"}, content=photo), 400)
    assert "crack, Gewölbe, sound" in error["expected"]


def test_the_model_gets_the_photo_upright_and_by_label(explainer: httpx.Client, fake_server: Any, photo: bytes) -> None:
    turned = oriented(photo)
    answer = explainer.post("/v1/explain", content=turned).json()
    request = fake_server.requests[0]
    assert request.inputs["image_bytes"].string_val[0] == contract.upright(turned) != turned
    assert request.model_spec.version_label == "stable"
    assert (answer["width"], answer["height"]) == (40, 60)


@pytest.mark.parametrize("asked", ({"params": {"format": "overlay"}}, {"headers": {"Accept": "image/png"}}))
def test_the_overlay_has_the_upright_photos_own_resolution(explainer: httpx.Client, photo: bytes, asked: Any) -> None:
    response = explainer.post("/v1/explain", content=oriented(photo), **asked)
    image = Image.open(io.BytesIO(response.content))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (40, 60))
    assert response.headers["Content-Type"] == "image/png"
    assert unquote(response.headers["X-Class"]) == unquote(response.headers["X-Explained-Class"]) == "Gewölbe"
    assert (response.headers["X-Model"], response.headers["X-Version"]) == ("demo", "7")
    assert float(response.headers["X-Probability"]) == pytest.approx(0.3)
    assert float(response.headers["X-Threshold"]) == pytest.approx(0.1)
    pixels = np.asarray(image).astype(int)
    assert (pixels[40:] == 255).all(), "no heat, no colour"
    assert pixels[5, 12, 2] < 250, "the heat of class 1 lies at a third of the top edge"


def test_opacity_is_the_callers_choice(explainer: httpx.Client, photo: bytes) -> None:
    shown = explainer.post("/v1/explain", params={"format": "overlay", "opacity": 0}, content=photo).content
    assert (np.asarray(Image.open(io.BytesIO(shown))) == 255).all()


@pytest.mark.parametrize("query", ({"opacity": "2"}, {"opacity": "dark"}, {"format": "pdf"}))
def test_a_query_out_of_range_is_refused_by_name(explainer: httpx.Client, photo: bytes, query: dict[str, str]) -> None:
    error = refusal(explainer.post("/v1/explain", params=query, content=photo), 400)
    assert next(iter(query)) in error["came"]


@pytest.mark.parametrize(
    ("data", "words"),
    ((b"", "empty"), (b"a letter" * 50, "not a photo"), (b"\xff\xd8\xff\xe0" + bytes(80), "photo")),
    ids=("nothing", "text", "damaged"),
)
def test_what_is_no_photo_never_reaches_the_model(
    explainer: httpx.Client, fake_server: Any, data: bytes, words: str
) -> None:
    for sent in ({"content": data}, {"files": {"photo": ("wall.jpg", data)}}):
        assert words in refusal(explainer.post("/v1/explain", **sent), 400)["came"]
    assert not fake_server.requests


def test_a_form_without_the_photo_says_how_to_send_it(explainer: httpx.Client, photo: bytes) -> None:
    for sent in ({"files": {"image": ("a.jpg", photo)}}, {"files": {"other": b"1"}, "data": {"photo": "a.jpg"}}):
        assert "photo" in refusal(explainer.post("/v1/explain", **sent), 400)["came"]
    broken = {"Content-Type": "multipart/form-data"}
    refusal(explainer.post("/v1/explain", content=photo, headers=broken), 400)


def test_a_pixel_bomb_is_refused_before_it_is_decoded(fake_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[object] = []
    buffer = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(buffer, "PNG")
    with ModelClient(fake_server.address) as client, listening(create_app(client, ExplainedModel("demo"))) as explainer:
        monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decoded.append)
        error = refusal(explainer.post("/v1/explain", content=buffer.getvalue()), 413)
    assert "10000x10000" in error["came"]
    assert not decoded
    assert not fake_server.requests


def test_too_many_bytes_are_refused_while_they_come_in(explainer: httpx.Client) -> None:
    assert "300,000" in refusal(explainer.post("/v1/explain", content=bytes(300_001)), 413)["expected"]
    assert "300,000" in refusal(explainer.post("/v1/explain", content=bytes(400_000)), 413)["expected"]
    parts = (bytes(100_000) for _ in range(5))
    assert "300,000" in refusal(explainer.post("/v1/explain", content=parts), 413)["expected"]
    sent = {"files": {"photo": ("wall.jpg", bytes(400_000))}}
    assert "300,000" in refusal(explainer.post("/v1/explain", **sent), 413)["expected"]


@pytest.mark.parametrize(
    ("code", "status"),
    (
        (grpc.StatusCode.UNAVAILABLE, 503),
        (grpc.StatusCode.NOT_FOUND, 503),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504),
        (grpc.StatusCode.INVALID_ARGUMENT, 400),
    ),
)
def test_what_the_model_server_refuses_keeps_its_words(
    explainer: httpx.Client, fake_server: Any, photo: bytes, code: grpc.StatusCode, status: int
) -> None:
    fake_server.refusal = (code, "the server's words")
    assert "the server's words" in refusal(explainer.post("/v1/explain", content=photo), status)["came"]


def test_a_model_that_breaks_the_contract_is_a_bad_gateway(
    explainer: httpx.Client, fake_server: Any, photo: bytes
) -> None:
    fake_server.change = lambda answer: answer.outputs["heatmap"].float_val.__setitem__(0, float("nan"))
    assert "breaks the contract" in refusal(explainer.post("/v1/explain", content=photo), 502)["came"]


def test_a_fault_of_the_explainer_is_an_answer_too(
    explainer: httpx.Client, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "upright_bytes", lambda *_: 1 / 0)
    assert "division" not in refusal(explainer.post("/v1/explain", content=photo), 500)["came"]


def test_other_paths_and_methods_are_refused_in_the_same_words(explainer: httpx.Client) -> None:
    refusal(explainer.get("/v1/explain"), 405)
    error = refusal(explainer.post("/v1/predict"), 404)
    assert "GET / " in error["expected"]
    assert "/v1/explain" in error["expected"]


def test_readiness_needs_an_available_version(explainer: httpx.Client, fake_server: Any) -> None:
    assert explainer.get("/readyz").json() == {"status": "ready", "model": "demo", "version": 7}
    fake_server.statuses = [(7, "END", "no such file"), (8, "LOADING", "")]
    error = refusal(explainer.get("/readyz"), 503)
    assert "7 END no such file" in error["came"]
    fake_server.refusal = (grpc.StatusCode.NOT_FOUND, "no model")
    refusal(explainer.get("/readyz"), 503)
    assert explainer.get("/healthz").json() == {"status": "alive"}


def test_readiness_asks_for_the_version_that_is_explained(fake_server: Any) -> None:
    with ModelClient(fake_server.address) as client:
        for version, status in ((7, 200), (8, 503)):
            with listening(create_app(client, ExplainedModel("demo", version=version))) as explainer:
                assert explainer.get("/readyz").status_code == status


def test_readiness_asks_by_the_label_that_is_explained(explainer: httpx.Client, fake_server: Any, photo: bytes) -> None:
    assert explainer.get("/readyz").status_code == 200
    assert fake_server.status_requests[-1].model_spec.version_label == "stable"
    fake_server.refusal = (grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized servable version label: stable")
    for response in (explainer.get("/readyz"), explainer.post("/v1/explain", content=photo)):
        assert "label: stable" in refusal(response, 503)["came"]


def test_nothing_at_the_servers_address_is_503(free_address: str, photo: bytes) -> None:
    with (
        ModelClient(free_address, deadline=5) as client,
        listening(create_app(client, ExplainedModel("demo"))) as explainer,
    ):
        for response in (explainer.get("/readyz"), explainer.post("/v1/explain", content=photo)):
            assert free_address in refusal(response, 503)["came"]


class Sidecar:
    """The sidecar as a process of its own."""

    def __init__(self, server: str, address: str) -> None:
        command = [sys.executable, "-m", "serving.explainer", "--model", "demo", "--server", server]
        self.address = address
        self.process = subprocess.Popen(
            [*command, "--port", address.partition(":")[2]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def wait_until_alive(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://{self.address}/healthz", timeout=5) as response:
                    assert response.status == 200
                    return
            except OSError:
                time.sleep(0.02)
        self.process.kill()
        raise AssertionError(self.process.communicate()[0])


@pytest.fixture
def sidecar(fake_server: Any, free_address: str) -> Iterator[Sidecar]:
    sidecar = Sidecar(fake_server.address, free_address)
    yield sidecar
    sidecar.process.kill()
    sidecar.process.communicate()


def test_the_process_answers_and_leaves_on_sigterm(sidecar: Sidecar, photo: bytes) -> None:
    sidecar.wait_until_alive()
    client = ExplainerClient(sidecar.address)
    assert client.is_ready()
    assert client.explain(photo, "sound")["explained_class"] == "sound"
    assert Image.open(io.BytesIO(client.overlay(photo, opacity=0.3))).size == (60, 40)
    sidecar.process.send_signal(signal.SIGTERM)
    output, _ = sidecar.process.communicate(timeout=60)
    assert sidecar.process.returncode == 0
    assert f"http://{sidecar.address}/" in output
    assert "Traceback" not in output


def test_the_process_on_loopback_goes_by_loopback_names_alone(sidecar: Sidecar) -> None:
    sidecar.wait_until_alive()
    for host, status in (("localhost", 200), ("elsewhere.example", 421)):
        assert httpx.get(f"http://{sidecar.address}/", headers={"Host": host}, trust_env=False).status_code == status


def test_the_client_hears_the_sidecars_words(sidecar: Sidecar, fake_server: Any, photo: bytes) -> None:
    sidecar.wait_until_alive()
    client = ExplainerClient(sidecar.address)
    for data, words in ((b"a letter", "not a photo"), (bytes(30_000_000), "20,000,000 bytes")):
        with pytest.raises(RequestRefused, match=words):
            client.explain(data)
    kinds = {grpc.StatusCode.UNAVAILABLE: ServingUnavailable, grpc.StatusCode.DEADLINE_EXCEEDED: DeadlinePassed}
    for code, kind in kinds.items():
        fake_server.refusal = (code, "the server's words")
        with pytest.raises(kind, match="the server's words"):
            client.explain(photo)
    with pytest.raises(RequestRefused, match="opacity"):
        client.overlay(photo, opacity=2)


def test_the_client_takes_a_fault_of_the_sidecar_for_one_that_passes() -> None:
    assert type(from_explainer_answer(500, b"{}")) is ServingUnavailable
    assert type(from_explainer_answer(400, b"{}")) is RequestRefused


def test_a_body_that_never_ends_is_cut_off(sidecar: Sidecar) -> None:
    sidecar.wait_until_alive()
    host, _, port = sidecar.address.partition(":")
    sent = 0
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"POST /v1/explain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 1 << 30:
                connection.sendall(b"100000\r\n" + bytes(1 << 20) + b"\r\n")
                sent += 1 << 20
        except OSError:
            pass
    assert sent < 200 << 20
    assert sidecar.process.poll() is None


def test_a_taken_port_ends_with_6_and_says_so(free_address: str) -> None:
    host, _, port = free_address.partition(":")
    with socket.create_server((host, int(port))):
        second = Sidecar("127.0.0.1:1", free_address)
        output, _ = second.process.communicate(timeout=60)
    assert second.process.returncode == 6
    assert free_address in output
    assert "expected" in output
    assert "to do" in output
    assert "Traceback" not in output


def test_no_tensorflow_is_loaded() -> None:
    code = "import serving.explainer, serving.overlay, sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "grpc" in loaded
    assert not loaded & {"tensorflow", "keras", "tensorflow_serving", "matplotlib", "pipeline", "mlflow", "pandas"}
