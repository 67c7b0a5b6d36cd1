"""Checkouts whose candidate can be released, and a model server that needs no TensorFlow."""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from PIL import Image

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.export.manifest import manifest_of, manifest_sha256, write_manifest
from pipeline.release.gate import Rule, Verdict
from pipeline.release.gate_report import GateReport, write_gate
from pipeline.release.lines import ModelLine, line_of
from pipeline.release.model_server import Outside
from serving.client import NotServed, Prediction, RequestRefused, ServedModel, VersionStatus

CLASSES = ("damaged", "sound")
PARAMETERS = {
    "recipe": "walls",
    "model": {"name": "walls"},
    "train": {"phases": [{"epochs": 1}]},
}


@dataclass
class Checkout:
    """A checkout whose candidate can be made anew."""

    layout: Layout
    parameters: Parameters

    @property
    def line(self) -> ModelLine:
        return line_of(self.layout, self.parameters)

    @property
    def saved_model(self) -> Path:
        return self.layout.artifacts("export") / "saved_model"

    def make_candidate(self, name: str, *, answers_differ: bool = False) -> None:
        """Write what `dvc repro` and the gate leave; the fake SavedModel holds the server's answers as JSON."""
        photos = self.photos()
        answers = {photo: (0.25 + 0.5 * (index % 2), 0.75 - 0.5 * (index % 2)) for index, photo in enumerate(photos)}
        served = {self._sha256(photo): [p + 0.01 * answers_differ for p in answer] for photo, answer in answers.items()}
        shutil.rmtree(self.saved_model, ignore_errors=True)
        (self.saved_model / "variables").mkdir(parents=True)
        (self.saved_model / "assets.extra").mkdir()
        (self.saved_model / "assets.extra" / "labels.json").write_text(json.dumps(CLASSES))
        (self.saved_model / "saved_model.pb").write_text(json.dumps({"name": name, "answers": served}))
        (self.saved_model / "variables" / "variables.index").write_bytes(name.encode())
        self.evaluated(name, answers)

    def evaluated(self, name: str, answers: dict[str, tuple[float, float]]) -> None:
        """Write manifest, predictions, `dvc.lock` and a passed gate for the model that is in its place."""
        write_manifest(self.layout.artifacts("export") / "manifest.json", manifest_of(self.saved_model))
        self._write_predictions(answers)
        self._write_lock(name)
        self.write_verdict(Verdict.PASSED)

    def write_verdict(self, verdict: Verdict) -> None:
        manifest = manifest_sha256(manifest_of(self.saved_model))
        rules = (Rule("accuracy", 0.9, 0.5, None, 8, verdict is Verdict.PASSED),)
        write_gate(self.layout, GateReport(verdict, rules, manifest, None, "abc", 7, 8))

    def photos(self) -> list[str]:
        paths = [f"data/first/{label}/{index}.png" for label in CLASSES for index in range(4)]
        for number, path in enumerate(paths):
            file = self.layout.root / path
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                buffer = io.BytesIO()
                Image.new("RGB", (8, 8), (number * 20, 0, 0)).save(buffer, "PNG")
                file.write_bytes(buffer.getvalue())
        return paths

    def _sha256(self, photo: str) -> str:
        return hashlib.sha256((self.layout.root / photo).read_bytes()).hexdigest()

    def _write_predictions(self, answers: dict[str, tuple[float, float]]) -> None:
        rows = [
            {"path": path, "label": path.split("/")[2], "predicted": CLASSES[p[1] > p[0]]}
            | dict(zip(CLASSES, p, strict=True))
            for path, p in answers.items()
        ]
        folder = self.layout.artifacts("evaluate")
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), folder / "predictions.parquet")
        (folder / "model.txt").write_text(manifest_sha256(manifest_of(self.saved_model)) + "\n")
        reports = self.layout.reports("evaluate")
        reports.mkdir(parents=True, exist_ok=True)
        (reports / "metrics.json").write_text(
            json.dumps({"accuracy": 0.9, "n": 8, "side": "test", "classes": {"a b": 1}})
        )
        train = self.layout.artifacts("train")
        train.mkdir(parents=True, exist_ok=True)
        (train / "history.csv").write_text("epoch,phase,loss,kept\n1,head,0.7,false\n2,all,0.5,true\n")

    def _write_lock(self, name: str) -> None:
        model = {"path": "artifacts/export/saved_model", "md5": hashlib.md5(name.encode()).hexdigest()}
        stages = {
            "export": {"cmd": "pipeline export", "deps": [{"path": "data", "md5": "d" * 32}], "outs": [model]},
            "evaluate": {"cmd": "pipeline evaluate", "deps": [dict(model)], "params": {"params.yaml": {"seed": 7}}},
        }
        (self.layout.root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


@dataclass
class FakeServer:
    """Serves what it is told to, as the contract of a model server says."""

    models: dict[str, ServedModel] = field(default_factory=dict)
    reloads: list[dict[str, ServedModel]] = field(default_factory=list)

    def status(self, model: str) -> list[VersionStatus]:
        known = self._known(model)
        return [
            VersionStatus(v, "AVAILABLE" if self._folder(known, v).is_dir() else "START", "") for v in known.versions
        ]

    def reload(self, models: list[ServedModel]) -> None:
        for model in models:
            loaded = self.models[model.name].versions if model.name in self.models else ()
            if not set(model.labels.values()) <= {*loaded}:
                raise RequestRefused("a label names a version that is not AVAILABLE", expected="", to_do="")
        self.models = {model.name: model for model in models}
        self.reloads.append(self.models)

    def predict(
        self, photos: list[bytes], model: str, *, version: int | None = None, label: str | None = None
    ) -> list[Prediction]:
        known = self._known(model)
        number = version or known.labels[str(label)]
        answers = json.loads((self._folder(known, number) / "saved_model.pb").read_text())["answers"]
        found = [tuple(answers[hashlib.sha256(photo).hexdigest()]) for photo in photos]
        return [Prediction(model, number, CLASSES, answer, (0.5, 0.5), CLASSES[0]) for answer in found]

    def stable(self, model: str) -> int:
        return self.models[model].labels["stable"]

    def _known(self, model: str) -> ServedModel:
        if model not in self.models:
            raise NotServed(f"Servable not found for request: Latest({model})", expected="", to_do="")
        return self.models[model]

    def _folder(self, model: ServedModel, version: int) -> Path:
        return Path(model.base_path) / str(version)


@dataclass
class FakeOutside:
    """The outside of a release, with a server that can be running or not."""

    running: FakeServer | None = None
    private_starts: int = 0

    @property
    def outside(self) -> Outside:
        return Outside(self._running, self._private, lambda: datetime(2026, 5, 1, tzinfo=UTC))

    @contextmanager
    def _running(self, address: str) -> Iterator[FakeServer | None]:
        yield self.running

    @contextmanager
    def _private(self, model: ServedModel) -> Iterator[FakeServer]:
        self.private_starts += 1
        yield FakeServer({model.name: model})

    def start(self, line: ModelLine) -> FakeServer:
        """Start a server on the configuration file, as an operator would."""
        from pipeline.release.server_config import served_models

        self.running = FakeServer(served_models(line.served))
        return self.running
