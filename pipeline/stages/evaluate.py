"""Stage `evaluate`: measure the SavedModel that ships, on CPU, beside baselines and with intervals."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from PIL import Image

from pipeline.core.errors import DataError, MachineError
from pipeline.core.parameters import EvaluateParameters, Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows, write_rows, write_text
from pipeline.evaluation.batches import BatchFigures, batch_table
from pipeline.evaluation.figures import learning_figure
from pipeline.evaluation.gallery import MAX_PHOTOS, Mistake
from pipeline.evaluation.heatmaps import HEATMAPS, HeatMapRow, heatmap_row
from pipeline.evaluation.intervals import wilson_interval
from pipeline.evaluation.localisation import MIN_PHOTOS, Localisation, localise, read_mask
from pipeline.evaluation.measurement import Answers, Measurement, mean_over_classes, measure
from pipeline.evaluation.openings import log_opening
from pipeline.evaluation.predictions import PREDICTED_BY, check_class_names, write_predictions
from pipeline.evaluation.reports import save_figure, write_batch_table, write_figures, write_tables
from pipeline.evaluation.scoring import Scorer, load_scorer
from pipeline.export.manifest import manifest_of, manifest_sha256
from pipeline.learning.history import read_history
from pipeline.photos.records import Side, SplitRow
from serving.contract import PhotoLimits, read_upright

_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class EvaluateResult:
    """What the stage measured."""

    metrics: dict[str, Any]
    """What `metrics.json` holds."""
    measurement: Measurement
    batches: list[BatchFigures]
    """Figures of each batch, by name."""


def run(layout: Layout, parameters: Parameters) -> EvaluateResult:
    """Score the side that the parameters name with the exported SavedModel, and write tables and figures.

    Each measurement of the test side is logged in `.heritage/test_openings.jsonl`.

    Raises:
        DataError: there is no split or history, the side holds no photo of the model's classes, or a photo is gone.
        ServingError: there is no usable SavedModel.
        MachineError: TensorFlow holds a GPU in this process already.
    """
    _use_cpu_alone()
    side = Side(parameters.evaluate.side)
    limits = PhotoLimits(max_bytes=parameters.validate_.max_bytes, max_pixels=parameters.validate_.max_pixels)
    split = read_rows(layout.artifacts("split") / "photos.parquet", SplitRow)
    scorer = load_scorer(layout.artifacts("export") / "saved_model", limits)
    check_class_names(scorer.classes)
    rows = rows_of_side(split, side, scorer.classes)
    probabilities = scorer.predict_files([layout.root / row.path for row in rows])
    result = evaluate_predictions(
        rows, probabilities, scorer.classes, scorer.thresholds, parameters.evaluate, parameters.seed
    )
    localisation = _localisation(layout, scorer, rows)
    if localisation is not None:
        figures = _rounded(dataclasses.asdict(localisation))
        result = dataclasses.replace(result, metrics={**result.metrics, "localisation": figures})
    if side is Side.TEST:
        log_opening(layout, parameters, rows, result.metrics["accuracy"], datetime.now(UTC))
    heatmaps = _heatmaps(layout, scorer, result.measurement.mistakes)
    write_rows(layout.artifacts("evaluate") / HEATMAPS, HeatMapRow, heatmaps)
    _write(layout, result, f"{side} side, {len(rows):,} photos", limits)
    return result


def rows_of_side(split: Sequence[SplitRow], side: str, classes: Sequence[str]) -> list[SplitRow]:
    """The photos of a side that bear one of the model's classes, by path.

    Raises:
        DataError: there are none.
    """
    rows = sorted((row for row in split if row.side == side and row.label in classes), key=lambda row: row.path)
    if not rows:
        raise DataError(
            f"no photo of {', '.join(classes)} on the {side} side",
            expected="at least one photo to measure",
            todo=f"raise split.{side}, pin a batch with SIDE=test, or evaluate the other side",
        )
    return rows


def evaluate_predictions(
    rows: Sequence[SplitRow],
    probabilities: ArrayLike,
    classes: Sequence[str],
    thresholds: Sequence[float],
    parameters: EvaluateParameters,
    seed: int,
) -> EvaluateResult:
    """Measure a model's answers to labelled photos.

    Args:
        rows: the photos, each of one of the classes.
        probabilities: `(n, classes)` in [0, 1], in the order of the rows.
        classes: names in class order.
        thresholds: per class; predicted is the largest probability minus threshold.
        parameters: side, bins and draws.
        seed: of the bootstrap.
    """
    index_of = {name: index for index, name in enumerate(classes)}
    answers = Answers(
        paths=tuple(row.path for row in rows),
        labels=np.array([index_of[str(row.label)] for row in rows], np.int64),
        probabilities=np.asarray(probabilities, np.float64),
        classes=tuple(classes),
        thresholds=tuple(thresholds),
    )
    measurement = measure(answers, parameters, seed)
    values = {"side": parameters.side, **_figures(measurement), **_without_copies(rows, measurement)}
    batches = batch_table([row.batch for row in rows], answers.labels, answers.predicted == answers.labels)
    return EvaluateResult(_rounded(values), measurement, batches)


def _figures(measurement: Measurement) -> dict[str, Any]:
    table = measurement.class_table
    figures: dict[str, Any] = {"n": len(measurement.answers.paths), "num_classes": len(table)}
    for name, value in measurement.figures.items():
        figures[name] = value
        figures[f"{name}_interval"] = list(measurement.intervals[name])
        figures[f"majority_{name}"] = measurement.majority[name]
    return {
        **figures,
        "majority_class": max(table, key=lambda row: row.n).label,
        "roc_auc": mean_over_classes([row.roc_auc for row in table]),
        "pr_auc": mean_over_classes([row.pr_auc for row in table]),
        "calibration_error": measurement.calibration_error,
        "brier_score": measurement.brier_score,
        "negative_log_likelihood": measurement.negative_log_likelihood,
        "num_mistakes": len(measurement.mistakes),
        "classes_without_photos": [row.label for row in table if row.n == 0],
    }


def _without_copies(rows: Sequence[SplitRow], measurement: Measurement) -> dict[str, Any]:
    """Accuracy over the photos of which no copy exists anywhere, where some have copies."""
    single = np.array([not row.cluster for row in rows])
    if single.all() or not single.any():
        return {}
    correct = (measurement.answers.predicted == measurement.answers.labels)[single]
    interval = wilson_interval(int(correct.sum()), len(correct))
    figures = {"n": len(correct), "accuracy": float(correct.mean()), "accuracy_interval": list(interval)}
    return {"without_copies": figures}


def _localisation(layout: Layout, scorer: Scorer, rows: Sequence[SplitRow]) -> Localisation | None:
    marked = [row for row in rows if row.mask]
    if len(marked) < MIN_PHOTOS:
        return None
    masks = [read_mask(layout.root / row.mask) for row in marked]
    indices = [scorer.classes.index(str(row.label)) for row in marked]
    maps = scorer.explain_files([layout.root / row.path for row in marked], indices)
    return localise(list(maps), masks)


def _heatmaps(layout: Layout, scorer: Scorer, mistakes: Sequence[Mistake]) -> list[HeatMapRow]:
    """The grounds of every mistake, and beside them those of the class that the photo bears."""
    asked = [(mistake.path, name) for mistake in mistakes for name in (mistake.predicted, mistake.label)]
    if not asked:
        return []
    indices = [scorer.classes.index(name) for _, name in asked]
    maps = scorer.heatmaps_of_files([layout.root / path for path, _ in asked], indices)
    return [heatmap_row(path, name, heatmap) for (path, name), heatmap in zip(asked, maps, strict=True)]


def _write(layout: Layout, result: EvaluateResult, subject: str, limits: PhotoLimits) -> None:
    answers = result.measurement.answers
    named = zip(answers.paths, answers.labels, answers.predicted, strict=True)
    names = [(path, answers.classes[label], answers.classes[predicted]) for path, label, predicted in named]
    folder = layout.artifacts("evaluate")
    write_predictions(folder / "predictions.parquet", names, answers.probabilities, answers.classes)
    manifest = manifest_of(layout.artifacts("export") / "saved_model")
    write_text(folder / PREDICTED_BY, manifest_sha256(manifest) + "\n")
    reports = layout.reports("evaluate")
    write_text(reports / "metrics.json", json.dumps(result.metrics, indent=2, ensure_ascii=False) + "\n")
    write_tables(reports, result.measurement)
    write_batch_table(reports / "per_batch.csv", result.batches)
    photos = [_photo(layout, mistake.path, limits) for mistake in result.measurement.mistakes[:MAX_PHOTOS]]
    write_figures(reports, result.measurement, subject, photos)
    history = read_history(layout.artifacts("train") / "history.csv")
    save_figure(reports / "learning.png", learning_figure(history, "Training"))


def _photo(layout: Layout, path: str, limits: PhotoLimits) -> Image.Image:
    return read_upright((layout.root / path).read_bytes(), limits).image


def _use_cpu_alone() -> None:
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        raise MachineError(
            "TensorFlow holds a GPU in this process already",
            expected="a process of its own, because what ships is measured on CPU",
            todo="run `python -m pipeline evaluate`, or `dvc repro`",
        ) from None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
