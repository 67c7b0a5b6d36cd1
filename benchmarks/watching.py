"""How often a watch cries wolf and how often it notices, on drawn photos; what keeping photos costs the model server.

    python benchmarks/watching.py rates [photos]
    python benchmarks/watching.py server

Photos of one wall stand on one side together. Predicted classes are the true ones, and certainties are drawn by chance.
"""

import io
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from pipeline.core.parameters import EmbedParameters, PhotosParameters
from pipeline.photos.drawing.batches import PlannedPhoto, draw_planned, plan_batch
from pipeline.photos.drawing.spoils import Kind
from pipeline.photos.listing import FoundFile
from pipeline.photos.measures import measure
from pipeline.photos.reading import row_of
from pipeline.photos.records import PhotoRow
from pipeline.release.model_server import free_port, stop_process
from pipeline.release.profile import Profile, ProfileFacts, measures_of
from pipeline.watch.findings import AskedSide, all_compared
from serving.client import ModelClient, ModelServerError
from serving.contract import PhotoLimits

SEED = 7
MAX_DRIFT = 0.25
DRAWS, FEW_DRAWS = 200, 40
"""Of photos like those of training, and of changed ones."""
ASKED = (50, 100, 200)
ROUNDS, REQUESTS, CLIENTS = 40, 50, 8


@dataclass(frozen=True)
class Drawn:
    """A drawn photo, measured as it is and after each change."""

    wall: str
    label: str
    rows: dict[str, PhotoRow]


def _resized(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as drawn": lambda image: image,
    "15 % darker": lambda image: image.point(lambda value: int(0.85 * value)),
    "30 % darker": lambda image: image.point(lambda value: int(0.7 * value)),
    "a little blurred": lambda image: image.filter(ImageFilter.GaussianBlur(0.7)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "half the size": _resized,
}


def main() -> None:
    """Measure and print."""
    match sys.argv[1:]:
        case ["rates", *number]:
            rates(int(number[0]) if number else 900)
        case ["server"]:
            server()
        case _:
            sys.exit(__doc__)


def rates(num_files: int) -> None:
    """False alarms among photos like those of training, and alarms among changed ones."""
    plan = [photo for photo in plan_batch("watched", num_files, SEED) if photo.kind is Kind.ORIGINAL]
    with ProcessPoolExecutor(2) as workers:
        drawn = list(workers.map(_drawn, plan, chunksize=8))
    print(f"{len(drawn)} photos of {len({one.wall for one in drawn})} walls, {DRAWS} draws", flush=True)
    for num_asked in ASKED:
        for change in CHANGES:
            draws = DRAWS if change == "as drawn" else FEW_DRAWS
            _print_rate(f"{num_asked} photos, {change}", [_alarms(drawn, num_asked, change, d) for d in range(draws)])
        for share in (0.3, 0.6):
            label = "growth"
            what = f"{num_asked} photos, {share:.0%} of them {label}"
            _print_rate(what, [_alarms(drawn, num_asked, "as drawn", d, (label, share)) for d in range(FEW_DRAWS)])


def _drawn(photo: PlannedPhoto) -> Drawn:
    image = Image.open(io.BytesIO(draw_planned(photo, "watched", SEED)[0].content)).convert("RGB")
    rows = {}
    for name, change in CHANGES.items():
        data = _jpeg(change(image))
        rows[name] = row_of(FoundFile(photo.path, "watched", photo.label), measure(data, PhotoLimits()))
    return Drawn(photo.group, photo.label, rows)


def _alarms(drawn: Sequence[Drawn], num_asked: int, change: str, draw: int, more: tuple[str, float] = ("", 0)) -> set:
    """Names of the measures that drift, for one division of the walls into two sides."""
    dice = random.Random(draw)
    by_wall = defaultdict(list)
    for one in drawn:
        by_wall[one.wall].append(one)
    walls = list(by_wall)
    dice.shuffle(walls)
    photos = [one for wall in walls for one in by_wall[wall]]
    label, share = more
    wanted = [one for one in photos if one.label == label][: round(share * num_asked)]
    others = [one for one in photos if one not in wanted]
    asked = sorted([*wanted, *others[: num_asked - len(wanted)]], key=photos.index)
    gone = {one.wall for one in asked}
    trained = [one for one in photos if one.wall not in gone]
    classes = sorted({one.label for one in drawn})
    certainty = np.random.default_rng(draw).beta(5, 2, len(trained) + num_asked)
    profile = Profile(
        measures=measures_of([one.rows["as drawn"] for one in trained]),
        classes=tuple(classes),
        predicted=np.array([classes.index(one.label) for one in trained]),
        certainty=certainty[num_asked:],
        vectors=np.zeros((0, 0), np.float32),
        distances=np.zeros(0),
        facts=ProfileFacts("test", (), PhotosParameters(), EmbedParameters()),
    )
    side = AskedSide([one.rows[change] for one in asked], [one.label for one in asked], certainty[:num_asked], None)
    return {one.name for one in all_compared(profile, side, draw) if one.has_drifted(MAX_DRIFT)}


def _print_rate(what: str, alarms: Sequence[set]) -> None:
    names = defaultdict(int)
    for found in alarms:
        for name in found:
            names[name] += 1
    often = ", ".join(f"{name} {count}" for name, count in sorted(names.items(), key=lambda item: -item[1])[:4])
    print(f"{what}: {sum(map(bool, alarms)) / len(alarms):.1%} alarms ({often})", flush=True)


def server() -> None:
    """Time to an answer and photos a second, of a server that keeps photos and of one that does not, in turns."""
    with tempfile.TemporaryDirectory(prefix="watching-") as folder:
        base = Path(folder) / "net"
        _export(base / "1")
        photos = _photos(ROUNDS * REQUESTS)
        kept = (f"--kept_photos_folder={folder}/asked", "--kept_photos=500")
        with _running(base) as plain, _running(base, *kept) as keeping:
            sides = {"without": plain, "keeping": keeping}
            for client in sides.values():
                _times(client, photos[:20])
            # Short turns, so that a busy moment of the machine does not fall on one side alone.
            alone, together = defaultdict(list), defaultdict(list)
            for turn in range(ROUNDS):
                part = photos[turn * REQUESTS : (turn + 1) * REQUESTS]
                for name in sorted(sides, reverse=bool(turn % 2)):
                    alone[name] += _times(sides[name], part)
                    together[name].append(_photos_per_second(sides[name], part))
        halves = [np.median(np.reshape(alone[name], (ROUNDS, REQUESTS)), axis=1) for name in sides]
        print(f"median of the differences of the turns' p50: {1000 * np.median(halves[1] - halves[0]):+.2f} ms")
        for name in sides:
            p50, p99 = (1000 * np.percentile(alone[name], level) for level in (50, 99))
            speed = statistics.median(together[name])
            print(f"{name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, {CLIENTS} clients {speed:.0f} photos/s")
        print(f"kept {len(list(Path(folder, 'asked', 'net').glob('*.jpg')))} of {len(photos)} photos")


def _export(folder: Path) -> None:
    """A network of usual size, untrained, with the signature `predict_bytes`."""
    import keras
    import tensorflow as tf

    network = keras.applications.MobileNet((112, 112, 3), 0.25, weights=None, classes=3)

    class Net(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
        def predict_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
            def one(data: tf.Tensor) -> tf.Tensor:
                image = tf.image.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
                return tf.image.resize(tf.cast(image, tf.float32) / 255, [112, 112], antialias=True)

            pixels = tf.map_fn(one, image_bytes, fn_output_signature=tf.TensorSpec([112, 112, 3], tf.float32))
            answers = self.network(pixels, training=False)
            names = tf.tile([["a", "b", "c"]], [tf.shape(answers)[0], 1])
            return {"probabilities": answers, "classes": names, "threshold": tf.fill(tf.shape(answers), 1 / 3)}

    net = Net()
    tf.saved_model.save(net, str(folder), signatures={"predict_bytes": net.predict_bytes})


def _photos(number: int) -> list[bytes]:
    """Different photos of 1024x768 with the detail of a real one, about 300 kB."""
    dice = np.random.default_rng(SEED)
    coarse = Image.fromarray(dice.integers(0, 256, (96, 128, 3), dtype=np.uint8)).resize((1024, 768))
    pixels = np.asarray(coarse, np.int16)
    noise = dice.normal(0, 18, (768, 1024, 1))
    image = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    photos = []
    for index in range(number):
        image.putpixel((index % 1024, index // 1024), (index % 256, 255, 0))
        photos.append(_jpeg(image))
    return photos


@contextmanager
def _running(base: Path, *flags: str) -> Iterator[ModelClient]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "serving.server",
        f"--port={port}",
        "--model_name=net",
        f"--model_base_path={base}",
    ]
    process = subprocess.Popen([*command, *flags], stderr=subprocess.DEVNULL)
    try:
        with ModelClient(f"127.0.0.1:{port}") as client:
            _wait_for(client)
            yield client
    finally:
        stop_process(process)


def _wait_for(client: ModelClient) -> None:
    for _ in range(600):
        try:
            if any(one.state == "AVAILABLE" for one in client.status("net")):
                return
        except ModelServerError:
            pass
        time.sleep(0.1)
    sys.exit("the server does not start")


def _times(client: ModelClient, photos: Sequence[bytes]) -> list[float]:
    times = []
    for photo in photos:
        started = time.perf_counter()
        client.predict([photo], "net")
        times.append(time.perf_counter() - started)
    return times


def _photos_per_second(client: ModelClient, photos: Sequence[bytes]) -> float:
    ready = threading.Barrier(CLIENTS + 1)

    def ask(part: Sequence[bytes]) -> None:
        ready.wait()
        for photo in part:
            client.predict([photo], "net")

    with ThreadPoolExecutor(CLIENTS) as clients:
        waiting = [clients.submit(ask, photos[start::CLIENTS]) for start in range(CLIENTS)]
        ready.wait()
        started = time.perf_counter()
        for one in waiting:
            one.result()
    return len(photos) / (time.perf_counter() - started)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
