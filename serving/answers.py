"""What a model answers about a photo, read from the tensors of the contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving import contract
from serving.errors import RequestRefused
from serving.wire import predict_pb2 as wire
from serving.wire.tensors import to_array


@dataclass(frozen=True)
class Prediction:
    """What a model says about one photo."""

    model: str
    version: int
    """The version that answered, also where a label or none was asked for."""
    classes: tuple[str, ...]
    """Names in class order."""
    probabilities: tuple[float, ...]
    """By class, each in [0, 1]."""
    threshold: tuple[float, ...]
    """By class, each in [0, 1]."""
    predicted: str
    """The class with the largest probability minus threshold."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a model says about one photo, and where on the photo the grounds for one class lie."""

    prediction: Prediction
    explained_class: str
    map: NDArray[np.float32]
    """(rows, columns) over the whole photo, in logit units."""
    heatmap: NDArray[np.float32]
    """The same on the model's fixed scale, [0, 1]."""


def predictions(answer: wire.PredictResponse, num_photos: int) -> list[Prediction]:
    """Predictions of an answer, photo by photo.

    Raises:
        ValueError: the answer lacks an output, or one has another shape or dtype than the contract says.
    """
    classes = _output(answer.outputs, contract.CLASSES)
    probabilities = _output(answer.outputs, contract.PROBABILITIES)
    threshold = _output(answer.outputs, contract.THRESHOLD)
    for name, values in ((contract.PROBABILITIES, probabilities), (contract.THRESHOLD, threshold)):
        if values.shape != classes.shape or values.dtype != np.float32 or not np.isfinite(values).all():
            raise ValueError(f"`{name}` is {values.dtype} {values.shape}, not a finite float32 for each class")
    if classes.ndim != 2 or len(classes) != num_photos or not classes.shape[1] or classes.dtype != object:
        raise ValueError(
            f"`{contract.CLASSES}` is {classes.dtype} {classes.shape}, not the names for {num_photos} photos"
        )
    predicted = np.argmax(probabilities - threshold, axis=1)
    names = [tuple(name.decode() for name in row) for row in classes]
    return [
        Prediction(
            model=answer.model_spec.name,
            version=answer.model_spec.version.value,
            classes=names[photo],
            probabilities=tuple(probabilities[photo].tolist()),
            threshold=tuple(threshold[photo].tolist()),
            predicted=names[photo][predicted[photo]],
        )
        for photo in range(num_photos)
    ]


def explanation(answer: wire.PredictResponse) -> Explanation:
    """The explanation of one photo in an answer.

    Raises:
        ValueError: as for `predictions`.
    """
    prediction = predictions(answer, 1)[0]
    index = _output(answer.outputs, contract.CLASS_INDEX)
    if index.shape != (1,) or not 0 <= int(index[0]) < len(prediction.classes):
        raise ValueError(f"`{contract.CLASS_INDEX}` is {index.tolist()}, not the index of a class")
    return Explanation(
        prediction=prediction,
        explained_class=prediction.classes[int(index[0])],
        map=_one_map(answer.outputs, contract.MAP),
        heatmap=_one_map(answer.outputs, contract.HEATMAP),
    )


def class_position(asked: str | int, classes: tuple[str, ...]) -> int:
    """Position of a class that is asked for by name or, where no class has that name, by index.

    Raises:
        RequestRefused: there is no such class.
    """
    for names in (classes, tuple(str(index) for index in range(len(classes)))):
        if str(asked) in names:
            return names.index(str(asked))
    raise RequestRefused(
        f"there is no class {asked!r}",
        expected=f"one of {', '.join(classes)}, or an index from 0 to {len(classes) - 1}",
        to_do="ask for one of these, or for none to explain the predicted class",
    )


def _output(outputs: Mapping[str, wire.TensorProto], name: str) -> NDArray[Any]:
    if name not in outputs:
        raise ValueError(f"the output `{name}` is missing; there are {', '.join(sorted(outputs)) or 'none'}")
    return to_array(outputs[name])


def _one_map(outputs: Mapping[str, wire.TensorProto], name: str) -> NDArray[np.float32]:
    values = _output(outputs, name)
    if (
        values.ndim != 3
        or len(values) != 1
        or not values.size
        or values.dtype != np.float32
        or not np.isfinite(values).all()
    ):
        raise ValueError(f"`{name}` is {values.dtype} {values.shape}, not one finite float32 map")
    one: NDArray[np.float32] = values[0]
    return one
