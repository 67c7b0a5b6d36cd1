"""A checkout in which a version serves, and photos that it was asked about; no model server and no TensorFlow."""

import functools
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from pipeline.core.parameters import EmbedParameters, Parameters, PhotosParameters, parse_parameters
from pipeline.core.paths import Layout
from pipeline.photos.batches import read_batches, write_batches
from pipeline.photos.listing import FoundFile
from pipeline.photos.measures import measure
from pipeline.photos.reading import row_of
from pipeline.photos.records import Batch, PhotoRow
from pipeline.release.journal import Action, Entry, State, append_entry
from pipeline.release.lines import ModelLine, line_of
from pipeline.release.profile import Profile, ProfileFacts, measures_of, write_profile
from serving.asked import AskedPhoto, folder_of, note_text
from serving.contract import PhotoLimits

CLASSES = ("cracked", "sound", "stained")
SINCE = "2026-05-01T08:00:00+00:00"

Change = Callable[[Image.Image], Image.Image]


@functools.cache
def wall(seed: int) -> Image.Image:
    """A small picture of its own light, colour and grain."""
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 216, (6, 8, 3)) + random.normal(0, 12, 3)
    large = Image.fromarray(np.clip(coarse, 0, 255).astype(np.uint8)).resize((96, 72), Image.Resampling.BICUBIC)
    grain = np.asarray(large, np.float64) + random.normal(0, random.uniform(6, 14), (72, 96, 3))
    return Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8))


def darker(image: Image.Image) -> Image.Image:
    return image.point(lambda value: value // 2)


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(2))


def encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def photo_rows(photos: Sequence[bytes]) -> list[PhotoRow]:
    file = FoundFile("data/first/sound/a.png", "first", "sound")
    return [row_of(file, measure(photo, PhotoLimits())) for photo in photos]


@functools.cache
def _training_measures(number: int) -> dict[str, np.ndarray]:
    return measures_of(photo_rows([encoded(wall(seed)) for seed in range(number)]))


def answers(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model that leans to no class, and what it predicts."""
    probabilities = np.random.default_rng(seed).dirichlet((1.0, 1.0, 1.0), number)
    return probabilities, probabilities.argmax(axis=1)


@dataclass
class Home:
    """A checkout whose model `walls` serves version 1."""

    root: Path
    num_training: int = 300
    settings: dict[str, Any] = field(default_factory=dict)
    server: str = "127.0.0.1:9"
    """Address of the model server; nothing answers there unless a test names another."""

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    @property
    def parameters(self) -> Parameters:
        values = {
            "recipe": "walls",
            "model": {"name": "walls"},
            "train": {"phases": [{"epochs": 1}]},
            "serving": {"grpc_address": self.server},
            "watch": {"min_photos": 30, "label_next": 8, **self.settings},
        }
        return parse_parameters(values, "the test")

    @property
    def line(self) -> ModelLine:
        return line_of(self.layout, self.parameters)

    def serve(self, version: int = 1) -> None:
        """Let a version serve, with the profile of its training photos."""
        self.write_batches("first")
        probabilities, predicted = answers(self.num_training, 99)
        profile = Profile(
            measures=_training_measures(self.num_training),
            classes=CLASSES,
            predicted=predicted,
            certainty=probabilities.max(axis=1),
            vectors=np.zeros((0, 0), np.float32),
            distances=np.zeros(0),
            facts=ProfileFacts("validation", ("first",), PhotosParameters(), EmbedParameters()),
        )
        write_profile(self.line.profile(version), profile)
        entry = Entry(Action.PROMOTE, version, None, "m", "r", "passed", "somebody", "", SINCE, State.DONE)
        append_entry(self.line.journal, entry)

    def ask(self, number: int, change: Change = lambda image: image, first_seed: int = 10_000, **answer: Any) -> None:
        """Let the server have kept photos of walls, each changed in some way."""
        folder = folder_of(self.layout.asked, "walls")
        folder.mkdir(parents=True, exist_ok=True)
        probabilities, predicted = answers(number, first_seed)
        for place in range(number):
            data = encoded(change(wall(first_seed + place)))
            sha256 = hashlib.sha256(data).hexdigest()
            (folder / f"{sha256}.png").write_bytes(data)
            note = {
                "version": 1,
                "time": SINCE,
                "predicted": CLASSES[predicted[place]],
                "probabilities": dict(zip(CLASSES, probabilities[place].tolist(), strict=True)),
            } | answer
            photo = AskedPhoto(sha256, ".png", "walls", times=1, thresholds=dict.fromkeys(CLASSES, 1 / 3), **note)
            (folder / f"{sha256}.json").write_text(note_text(photo), encoding="utf-8")

    def write_batches(self, *names: str) -> None:
        known = read_batches(self.layout.batches)
        write_batches(self.layout.batches, [*known, *(Batch(name, "", name, 1) for name in names)])
        for name in names:
            (self.layout.data / name).mkdir(parents=True, exist_ok=True)

    def bring(self, batch: str, photos: Sequence[tuple[str, bytes]]) -> None:
        """Take a batch in: folder and bytes of each photo."""
        self.write_batches(batch)
        for number, (label, data) in enumerate(photos):
            place = self.layout.data / batch / label / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
