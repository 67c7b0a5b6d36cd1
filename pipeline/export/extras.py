"""What lies in a SavedModel's `assets.extra`: labels, thresholds and the warm-up requests of TensorFlow Serving."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import model_pb2, predict_pb2, prediction_log_pb2

from pipeline.core.tables import write_text
from pipeline.export.servable import ServableFacts
from serving import contract

FOLDER = "assets.extra"
WARM_UP = "tf_serving_warmup_requests"

_WARM_UP_BATCHES = (1, 4)


def write_extras(saved_model: Path, facts: ServableFacts, model_name: str) -> None:
    """Write the extra assets into an exported SavedModel.

    The warm-up photo is drawn here, so that no photo of anybody's travels with the model.

    Args:
        saved_model: an exported SavedModel.
        facts: class names and thresholds.
        model_name: name under which the warm-up requests ask.
    """
    folder = saved_model / FOLDER
    folder.mkdir(exist_ok=True)
    write_text(folder / "labels.json", json.dumps(list(facts.classes), ensure_ascii=False) + "\n")
    write_text(folder / "thresholds.json", json.dumps(list(facts.thresholds)) + "\n")
    with tf.io.TFRecordWriter(str(folder / WARM_UP)) as writer:
        for batch_size in _WARM_UP_BATCHES:
            for request in _requests(facts, model_name, batch_size):
                log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
                writer.write(log.SerializeToString())


def _requests(facts: ServableFacts, model_name: str, batch_size: int) -> list[predict_pb2.PredictRequest]:
    ramp = np.arange(facts.image_size, dtype=np.int64) * 255 // facts.image_size
    image = np.broadcast_to(ramp[:, None, None], (facts.image_size, facts.image_size, 3)).astype(np.uint8)
    images = np.repeat(image[None], batch_size, axis=0)
    photos = np.array([tf.io.encode_jpeg(image).numpy()] * batch_size, dtype=object)
    indices = np.full(batch_size, contract.PREDICTED_CLASS, np.int32)
    return [
        _request(model_name, contract.PREDICT_ARRAYS, {contract.IMAGES: images}),
        _request(model_name, contract.PREDICT_BYTES, {contract.IMAGE_BYTES: photos}),
        _request(model_name, contract.EXPLAIN, {contract.IMAGE_BYTES: photos, contract.CLASS_INDEX: indices}),
    ]


def _request(model_name: str, signature: str, inputs: dict[str, np.ndarray]) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest(model_spec=model_pb2.ModelSpec(name=model_name, signature_name=signature))
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return request
