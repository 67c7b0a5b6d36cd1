"""A released model, a server that keeps what it is asked, and a watch that notices other photos."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkouts import Checkout
from PIL import Image

from pipeline.photos.drawing.batches import draw_planned, plan_batch
from pipeline.photos.drawing.spoils import Kind
from pipeline.release.model_server import free_port, stop_process
from serving.asked import read_asked
from serving.client import ModelClient, ModelServerError

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def asking(checkout: Checkout) -> Iterator[ModelClient]:
    """A client of the server over what was released, which keeps photos as `make up` has it do."""
    port = free_port()
    checkout.set_parameters(
        watch={"min_photos": 10, "label_next": 5}, serving={"folder": "served", "grpc_address": f"127.0.0.1:{port}"}
    )
    checkout.run("dvc", "repro")
    for command in ("gate", "register", "promote"):
        checkout.pipeline(command)
    flags = (
        f"--port={port}",
        f"--model_config_file={checkout.root / 'served/models.config'}",
        f"--kept_photos_folder={checkout.root / '.heritage/asked'}",
        "--kept_photos=500",
    )
    server = subprocess.Popen(
        [sys.executable, "-m", "serving.server", *flags], cwd=checkout.root, env=checkout.environment
    )
    try:
        with ModelClient(f"127.0.0.1:{port}") as client:
            wait_until_served(client)
            yield client
    finally:
        stop_process(server)


def wait_until_served(client: ModelClient) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if client.status("tiny", label="stable")[0].state == "AVAILABLE":
                return
        except ModelServerError:
            time.sleep(0.2)
    pytest.fail("the server did not start")


def ask_about_dark_walls(client: ModelClient, number: int) -> None:
    """Ask about walls that no batch holds, darkened, and wait until they are kept."""
    for photo in plan_batch("asked", number, 11):
        if photo.kind is Kind.ORIGINAL:
            image = Image.open(io.BytesIO(draw_planned(photo, "asked", 11)[0].content))
            buffer = io.BytesIO()
            image.convert("RGB").point(lambda value: int(0.4 * value)).save(buffer, "PNG")
            client.predict([buffer.getvalue()], "tiny", label="stable")
            time.sleep(0.1)
    time.sleep(1)


def watched(checkout: Checkout) -> dict:
    lines = checkout.pipeline("watch").splitlines()
    found: dict = json.loads(next(line for line in lines if line.startswith('{"models"')))
    return found


def test_a_release_and_a_look_at_the_server_leave_no_photo(asking: ModelClient, checkout: Checkout) -> None:
    checkout.pipeline("register")
    checkout.pipeline("rollback", expect=5)
    checkout.pipeline("promote", "--version", "1")
    time.sleep(1)
    assert read_asked(checkout.root / ".heritage/asked", "tiny") == []
    assert (checkout.root / "served/tiny/.profiles/1.npz").is_file()
    assert watched(checkout)["models"][0]["page"] == ""


def test_darkened_photos_are_noticed_and_listed(asking: ModelClient, checkout: Checkout) -> None:
    ask_about_dark_walls(asking, 60)
    told = watched(checkout)
    [model] = told["models"]
    assert 25 < model["photos"] <= 60
    assert "brightness" in model["drifted"]
    assert not told["retrain"]
    place = (checkout.root / Path(model["page"])).parent
    assert len(list((place / "label_next" / "_unlabelled").iterdir())) == 5
    [alert] = map(json.loads, (checkout.root / ".heritage/alerts.jsonl").read_text().splitlines())
    assert alert["kind"] == "drift"


def test_sorted_photos_come_back_as_a_batch_from_which_it_can_learn(asking: ModelClient, checkout: Checkout) -> None:
    place = checkout.root / "reports/watch/tiny/label_next"
    for photo in (place / "_unlabelled").iterdir():
        photo.rename(place / "crack" / photo.name)
    checkout.pipeline("intake", str(place), "--batch", "demo-labelled")
    assert watched(checkout)["retrain"]
