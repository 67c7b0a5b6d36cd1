"""Stage `export`: the SavedModel that will be measured and served."""

import shutil
import warnings
import zipfile
from dataclasses import dataclass

import keras
import tensorflow as tf

from pipeline.core.errors import DataError, MachineError, first_line
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import read_rows
from pipeline.export.extras import write_extras
from pipeline.export.manifest import FILE_NAME, manifest_of, manifest_sha256, write_manifest
from pipeline.export.servable import (
    Servable,
    ServableFacts,
    equal_thresholds,
    measure_map_scale,
    write_saved_model,
)
from pipeline.learning.classifier import Classifier, build_classifier
from pipeline.learning.handover import MODEL, SHARD_TABLE, pixel_limits, read_classes
from pipeline.learning.shards import pixel_dataset, stored_records
from pipeline.photos.records import ShardRow, Side

SAVED_MODEL = "saved_model"


@dataclass(frozen=True)
class ExportResult:
    """What the stage made."""

    manifest_sha256: str
    num_files: int
    num_bytes: int
    map_scale: float


def run(layout: Layout, parameters: Parameters) -> ExportResult:
    """Export the trained classifier in `layout` as a SavedModel with its extras and manifest.

    Raises:
        DataError: there is no trained model for these parameters.
        MachineError: the disk is full; nothing half-written is left behind.
    """
    # Trained in mixed precision or not: what serves computes in 32 bits.
    keras.config.set_dtype_policy("float32")
    classes = read_classes(layout)
    classifier = _trained(layout, parameters, len(classes))
    facts = ServableFacts(
        classes=classes,
        thresholds=equal_thresholds(classes),
        map_scale=_map_scale(layout, parameters, classifier),
        image_size=parameters.train.image_size,
        limits=pixel_limits(parameters),
    )
    folder = layout.artifacts("export")
    staged = folder / ".staged"
    try:
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        write_saved_model(Servable(classifier, facts), staged / SAVED_MODEL)
        write_extras(staged / SAVED_MODEL, facts, parameters.model.name)
        manifest = manifest_of(staged / SAVED_MODEL)
        write_manifest(staged / FILE_NAME, manifest)
        shutil.rmtree(folder / SAVED_MODEL, ignore_errors=True)
        for name in (SAVED_MODEL, FILE_NAME):
            (staged / name).replace(folder / name)
    except (OSError, tf.errors.OpError) as error:
        raise _not_written(str(folder), error) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    num_bytes = sum((folder / SAVED_MODEL / name).stat().st_size for name in manifest)
    return ExportResult(manifest_sha256(manifest), len(manifest), num_bytes, facts.map_scale)


def _trained(layout: Layout, parameters: Parameters, num_classes: int) -> Classifier:
    classifier = build_classifier(parameters.train, num_classes)
    path = layout.artifacts("train") / MODEL
    try:
        with warnings.catch_warnings():
            # Keras only warns where it leaves layers as they were.
            warnings.simplefilter("error", UserWarning)
            classifier.network.load_weights(path)
    except (OSError, ValueError, UserWarning, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} does not hold weights for these parameters: {first_line(error)}",
            expected=f"the model that `train` made with {parameters.train.backbone} and {num_classes} classes",
            todo="run `dvc repro`, which trains and exports with the same parameters",
        ) from None
    return classifier


def _map_scale(layout: Layout, parameters: Parameters, classifier: Classifier) -> float:
    folder = layout.artifacts("augment")
    rows = read_rows(folder / SHARD_TABLE, ShardRow)
    shards = sorted({row.shard for row in rows if row.side == Side.VALIDATION})
    records = stored_records([folder / shard for shard in shards])
    train = parameters.train
    batches = pixel_dataset(records, train.image_size, train.batch_size, pixel_limits(parameters))
    return measure_map_scale(classifier, batches, parameters.export.heatmap_quantile)


def _not_written(folder: str, error: Exception) -> MachineError:
    return MachineError(
        f"the SavedModel cannot be written to {folder}: {first_line(error)}",
        expected="room on the disk and the right to write",
        todo="free some space, then run `dvc repro`; the trained model is kept",
    )
