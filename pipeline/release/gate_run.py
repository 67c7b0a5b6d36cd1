"""The gate at work: scores candidate and champion on today's test photos and writes the verdict."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError, ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows
from pipeline.evaluation.calibration import expected_calibration_error, reliability_table
from pipeline.evaluation.openings import log_opening
from pipeline.evaluation.predictions import PREDICTED_BY
from pipeline.export.manifest import manifest_sha256
from pipeline.photos.records import Side, SplitRow
from pipeline.release.facts import data_hash
from pipeline.release.gate import Scored, judge
from pipeline.release.gate_report import GateReport, write_gate
from pipeline.release.journal import Entry, current, read_journal
from pipeline.release.lines import line_of
from pipeline.release.manifest import candidate_manifest
from pipeline.release.predictions import ANSWERS, GateAnswer, PhotoPrediction, read_predictions
from pipeline.release.publishing import check_published
from pipeline.release.tracking import read_lock
from serving.contract import PhotoLimits


def run_gate(layout: Layout, parameters: Parameters) -> GateReport:
    """Judge the exported candidate; write `reports/gate.json` and, photo by photo, `artifacts/gate/answers.parquet`.

    An override of an earlier verdict ends with it.

    Evaluation's predictions are taken where it measured the test side; otherwise the gate scores the test photos
    itself and logs that it opened the test side.

    Raises:
        DataError: there is no split, or a photo is gone.
        ServingError: the candidate or the champion is damaged.
    """
    manifest = candidate_manifest(layout)
    line = line_of(layout, parameters)
    serving = current(read_journal(line.journal))
    if serving is not None:
        check_published(line, serving.version, serving.manifest)
    candidate = _candidate(layout, parameters)
    rows = _test_rows(layout, candidate.classes)
    champion = None
    if serving is not None and parameters.gate.margin is not None:
        champion = _scored_by(line.version(serving.version), rows, layout, parameters)
    result = judge(candidate, champion, parameters.gate, parameters.seed, parameters.evaluate.bootstrap_samples)
    report = GateReport(
        verdict=result.verdict,
        rules=result.rules,
        manifest=manifest_sha256(manifest),
        champion_version=_version(serving),
        data_hash=data_hash(layout),
        seed=parameters.seed,
        n=len(candidate.labels),
    )
    write_rows(layout.artifacts("gate") / ANSWERS, GateAnswer, _answers(rows, candidate, champion))
    write_gate(layout, report)
    return report


def _answers(rows: list[SplitRow], candidate: Scored, champion: Scored | None) -> list[GateAnswer]:
    ours = candidate.predicted.tolist()
    theirs = champion.predicted.tolist() if champion is not None else [None] * len(rows)
    return [GateAnswer(row.path, str(row.label), *answers) for row, *answers in zip(rows, ours, theirs, strict=True)]


def _version(serving: Entry | None) -> int | None:
    return serving.version if serving else None


def _candidate(layout: Layout, parameters: Parameters) -> Scored:
    saved_model = layout.artifacts("export") / "saved_model"
    classes = _classes_of(saved_model)
    rows = _test_rows(layout, classes)
    known = _evaluated(layout, rows)
    if known is not None:
        probabilities = np.array([[row.probabilities[name] for name in classes] for row in known])
        predicted = [row.predicted for row in known]
        return _scored(classes, rows, predicted, probabilities.reshape(len(rows), len(classes)), parameters)
    scored = _scored_by(saved_model, rows, layout, parameters)
    accuracy = float(np.mean(scored.predicted == scored.labels)) if rows else None
    log_opening(layout, parameters, rows, accuracy, datetime.now(UTC))
    return scored


def _classes_of(saved_model: Path) -> tuple[str, ...]:
    path = saved_model / "assets.extra" / "labels.json"
    try:
        return tuple(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ServingError(
            f"{path} cannot be read: {error}", expected="the class names in class order", todo="run `dvc repro`"
        ) from None


def _test_rows(layout: Layout, classes: tuple[str, ...]) -> list[SplitRow]:
    rows = read_rows(layout.artifacts("split") / "photos.parquet", SplitRow)
    return sorted((row for row in rows if row.side == Side.TEST and row.label in classes), key=lambda row: row.path)


def _evaluated(layout: Layout, rows: list[SplitRow]) -> list[PhotoPrediction] | None:
    """Evaluation's predictions of just these photos by just this candidate, or None."""
    folder = layout.artifacts("evaluate")
    try:
        read_lock(layout.root / "dvc.lock")
        if (folder / PREDICTED_BY).read_text().strip() != manifest_sha256(candidate_manifest(layout)):
            return None
        known = {row.path: row for row in read_predictions(folder / "predictions.parquet")}
    except (DataError, FileNotFoundError):
        return None
    return [known[row.path] for row in rows] if known.keys() == {row.path for row in rows} else None


def _scored_by(saved_model: Path, rows: list[SplitRow], layout: Layout, parameters: Parameters) -> Scored:
    from pipeline.evaluation.scoring import load_scorer, predicted_classes

    limits = PhotoLimits(max_bytes=parameters.validate_.max_bytes, max_pixels=parameters.validate_.max_pixels)
    scorer = load_scorer(saved_model, limits)
    probabilities = scorer.predict_files([layout.root / row.path for row in rows])
    indices = predicted_classes(probabilities, scorer.thresholds)
    predicted = [scorer.classes[index] for index in indices]
    return _scored(scorer.classes, rows, predicted, probabilities, parameters)


def _scored(
    classes: tuple[str, ...],
    rows: list[SplitRow],
    predicted: list[str],
    probabilities: NDArray[np.floating[Any]],
    parameters: Parameters,
) -> Scored:
    labels = np.array([row.label for row in rows], np.str_)
    answers = np.array(predicted, np.str_)
    columns = [classes.index(name) for name in predicted]
    sure = probabilities[np.arange(len(rows)), columns].astype(np.float64) if rows else np.zeros(0)
    table = reliability_table(sure, answers == labels, parameters.evaluate.calibration_bins)
    return Scored(classes, labels, answers, expected_calibration_error(table) if rows else 0.0)
