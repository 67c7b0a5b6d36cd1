"""From a version folder to a model that may serve: verified, loaded and warm."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.modelserver.errors import RequestError, invalid
from serving.modelserver.manifest import verify_manifest
from serving.modelserver.prediction import predict
from serving.modelserver.savedmodel import SavedModel, as_request_error, load_saved_model

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
MAX_WARMUP_RECORDS = 1000

log = logging.getLogger(__name__)


def load_version(version: Path, warm_up: bool) -> SavedModel:
    """Verify a version folder, load it, and replay its warm-up records.

    Args:
        version: folder of a SavedModel.
        warm_up: whether to replay `assets.extra/tf_serving_warmup_requests`, where it exists.

    Raises:
        RequestError: whatever kept the version from serving, with the step that failed.
    """
    with _step("manifest"):
        verified = verify_manifest(version)
    with _step("load"):
        model = load_saved_model(version)
    records = version / WARMUP_FILE
    num_replayed = 0
    if warm_up and records.is_file():
        with _step("warm-up"):
            num_replayed = replay_warmup(model, records)
    log.info(
        "%s loaded: signatures %s; %s; %d warm-up records",
        version,
        ", ".join(model.signatures),
        "manifest verified" if verified else "no manifest",
        num_replayed,
    )
    return model


def replay_warmup(model: SavedModel, records: Path) -> int:
    """Send a model the requests that were recorded for it, so that the first client meets no cold graph.

    Args:
        model: loaded, not yet serving.
        records: TFRecord file of PredictionLog with a predict_log each.

    Returns:
        The number of records.

    Raises:
        RequestError: INVALID_ARGUMENT for more than 1,000 records or another kind of record, else what the call raises.
        Exception: of many kinds for a damaged file.
    """
    num_replayed = 0
    for record in tf.data.TFRecordDataset(str(records)).as_numpy_iterator():
        if num_replayed == MAX_WARMUP_RECORDS:
            raise invalid(f"more than {MAX_WARMUP_RECORDS:,} warm-up records")
        entry = prediction_log_pb2.PredictionLog.FromString(record)
        if entry.WhichOneof("log_type") != "predict_log":
            raise invalid(f"warm-up record {num_replayed + 1} is {entry.WhichOneof('log_type')}, not predict_log")
        predict(model, entry.predict_log.request)
        num_replayed += 1
    return num_replayed


@contextmanager
def _step(name: str) -> Iterator[None]:
    # Damaged files make TensorFlow raise exceptions of many unrelated kinds, so every kind refuses the version.
    try:
        yield
    except Exception as error:
        cause = as_request_error(error)
        raise RequestError(cause.code, f"{name} failed: {cause.message}") from error
