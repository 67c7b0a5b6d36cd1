import json

import numpy as np
import tensorflow as tf
from exported_models import CLASSES, Exported
from tensorflow_serving.apis import prediction_log_pb2

from pipeline.export.extras import FOLDER, WARM_UP


def test_labels_and_thresholds_lie_in_the_extra_assets(exported: Exported) -> None:
    folder = exported.folder / FOLDER
    assert FOLDER == "assets.extra"
    assert json.loads((folder / "labels.json").read_text(encoding="utf-8")) == list(CLASSES)
    assert json.loads((folder / "thresholds.json").read_text(encoding="utf-8")) == list(exported.facts.thresholds)
    assert "dôme" in (folder / "labels.json").read_text(encoding="utf-8")


def test_every_warm_up_request_runs(exported: Exported) -> None:
    records = list(tf.data.TFRecordDataset(str(exported.folder / FOLDER / WARM_UP)))
    asked = set()
    for record in records:
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        assert request.model_spec.name == "tiny"
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        answer = exported.ask(request.model_spec.signature_name, **inputs)
        batch_size = len(next(iter(inputs.values())))
        assert answer["probabilities"].shape == (batch_size, 3)
        assert np.isfinite(answer["probabilities"]).all()
        asked.add((request.model_spec.signature_name, batch_size))
    assert asked == {(name, size) for name in ("serving_default", "predict_bytes", "explain") for size in (1, 4)}
