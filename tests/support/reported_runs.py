"""The files of a small run, as the stages and the gate leave them, for tests of its report."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from learning_checkouts import photo, tiny_parameters

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_rows, write_text
from pipeline.export.manifest import manifest_sha256, write_manifest
from pipeline.photos.batches import write_batches
from pipeline.photos.records import Batch, DuplicateRow, PhotoRow, SplitRow
from pipeline.release.gate import Rule, Verdict
from pipeline.release.gate_report import GateReport, write_gate
from pipeline.release.journal import Action, Entry, State, append_entry
from pipeline.release.lines import line_of
from pipeline.release.predictions import ANSWERS, GateAnswer

MANIFEST = {"saved_model.pb": "5" * 64}
HOSTILE = "<img src=x onerror=alert(1)>.jpg"
"""A file name that would be markup."""

_READABLE = PhotoRow(
    path="", batch="one", label=None, sha256="", num_bytes=900, error="", format="JPEG", mode="RGB", orientation=1,
    width=44, height=36, phash=0, mirrored_phash=0, dhash=0, thumbnail=b"", brightness_low=0.2, brightness_high=0.8,
    entropy=6.0, sharpness=0.5, colourfulness=0.3, group="", mask="", url="", licence="CC0-1.0", author="Ada",
    taken_at="2026-05-01",
)  # fmt: skip


def split_row(path: str, label: str | None, side: str, reasons: str = "", decision: str = "keep") -> SplitRow:
    """A row of `split`; the batch is that of the path."""
    sha256 = hashlib.sha256(path.encode()).hexdigest()
    return SplitRow(path, path.split("/")[1], label, sha256, decision, reasons, "", "", "", side)


def photo_row(path: str, label: str | None, **values: object) -> PhotoRow:
    """A row of `validate` of a photo without fault, but for the given values."""
    return replace(_READABLE, path=path, label=label, batch=path.split("/")[1], **values)


def rules(*, met: bool = True) -> tuple[Rule, ...]:
    """Rules of a gate that compared with a champion."""
    return (
        Rule("accuracy", 0.75, 0.5 if met else 0.8, None, 4, met, "95 % Wilson interval .301 to .954"),
        Rule("change against the champion", -0.05, -0.1, 0.5, 4, True, "the margin needs 3 photos"),
    )


def write_verdict(layout: Layout, verdict: Verdict, champion: int | None = 3) -> None:
    """Write the gate's verdict on the exported model."""
    met = verdict is Verdict.PASSED
    write_gate(layout, GateReport(verdict, rules(met=met), manifest_sha256(MANIFEST), champion, "abc", 7, 4))


def write_run(root: Path) -> tuple[Layout, Parameters]:
    """Two batches of red and blue photos: trained, tested, quarantined for several reasons, compared and served."""
    layout, parameters = Layout(root), tiny_parameters(model={"name": "tiny", "purpose": "Tells red from blue."})
    kept = [(f"data/one/{label}/{number}.jpg", label) for label in ("red", "blue") for number in range(3)]
    tested = [(f"data/two/{label}/{number}.jpg", label) for label in ("red", "blue") for number in range(2)]
    gone = {
        "data/one/red/dark.jpg": ("red", "dark"),
        "data/one/red/darker.jpg": ("red", "colourless,dark"),
        "data/one/blue/copy.jpg": ("blue", "copy_of_kept"),
        f"data/one/blue/{HOSTILE}": ("blue", "unreadable"),
    }
    for number, (path, label) in enumerate([*kept, *tested, *((path, label) for path, (label, _) in gone.items())]):
        photo(root / path, label, number)
    (root / f"data/one/blue/{HOSTILE}").write_bytes(b"no photo")
    rows = [
        *(split_row(path, label, "train" if number % 3 else "validation") for number, (path, label) in enumerate(kept)),
        *(split_row(path, label, "test") for path, label in tested),
        *(split_row(path, label, "none", reasons, "quarantine") for path, (label, reasons) in gone.items()),
        split_row("data/two/_unlabelled/a.jpg", None, "none", "colourless"),
    ]
    bright = {"data/one/red/dark.jpg": 0.14, "data/one/red/darker.jpg": 0.02}
    photos = [
        photo_row(row.path, row.label, brightness_high=bright.get(row.path, 0.8), error=_error_of(row)) for row in rows
    ]
    write_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow, photos)
    pair = DuplicateRow("data/one/blue/0.jpg", "data/one/blue/copy.jpg", 1, 2, 0.987, "blue", "blue")
    write_rows(layout.artifacts("clean") / "duplicates.parquet", DuplicateRow, [pair])
    write_rows(layout.artifacts("split") / "photos.parquet", SplitRow, rows)
    write_batches(layout.batches, [Batch("one", "", "2" * 64, 10), Batch("two", "test", "3" * 64, 5)])
    _write_reports(layout)
    _write_release(layout, parameters, tested)
    return layout, parameters


def _error_of(row: SplitRow) -> str:
    return "not a photo" if row.reasons == "unreadable" else ""


def _write_reports(layout: Layout) -> None:
    outcomes = [
        {"expectation": "unique", "column": "path", "note": "A file has one row.", "success": True, "unexpected": 0},
        {"expectation": "set", "column": "error", "note": "Most can be read.", "success": False, "unexpected": 1},
    ]
    metrics = {
        "side": "test", "n": 4, "accuracy": 0.75, "accuracy_interval": [0.3, 0.95], "majority_accuracy": 0.5,
        "balanced_accuracy": 0.75, "calibration_error": 0.125, "num_mistakes": 1,
    }  # fmt: skip
    for path, value in (
        (layout.reports("validate") / "summary.json", {"warnings": ["data/three is left out"]}),
        (layout.reports("validate") / "expectations.json", outcomes),
        (layout.reports("clean") / "summary.json", {"warnings": [], "unmatched_decisions": [{"sha256": "0"}]}),
        (layout.reports("split") / "summary.json", {"bridges": 2, "groups_across": 0}),
        (layout.reports("evaluate") / "metrics.json", metrics),
    ):
        write_text(path, json.dumps(value))


def _write_release(layout: Layout, parameters: Parameters, tested: list[tuple[str, str]]) -> None:
    extra = layout.artifacts("export") / "saved_model" / "assets.extra"
    write_text(extra / "labels.json", '["red", "blue"]')
    write_text(extra / "thresholds.json", "[0.5, 0.5]")
    write_manifest(layout.artifacts("export") / "manifest.json", MANIFEST)
    write_verdict(layout, Verdict.PASSED)
    said = (("red", "blue"), ("red", "red"), ("red", "blue"), ("blue", "red"))
    answers = [GateAnswer(path, label, *both) for (path, label), both in zip(tested, said, strict=True)]
    write_rows(layout.artifacts("gate") / ANSWERS, GateAnswer, answers)
    served = Entry(Action.PROMOTE, 3, 2, "4" * 64, "run3", "passed", "Ada", "", "2026-05-01T09:30:00+00:00", State.DONE)
    append_entry(line_of(layout, parameters).journal, served)
