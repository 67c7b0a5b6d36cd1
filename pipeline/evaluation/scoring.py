"""Scoring: the answers of the SavedModel that ships, by the path that a server takes."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from pipeline.core.errors import DataError, ServingError
from pipeline.core.progress import with_progress
from serving import contract
from serving.contract import PhotoLimits, UnreadablePhoto, upright

BATCH_SIZE = 32


def predicted_classes(probabilities: ArrayLike, thresholds: ArrayLike) -> NDArray[np.int64]:
    """Class index of each photo: the largest probability minus threshold, the first of equals.

    The difference is taken in float32, as the served graph takes it.

    Args:
        probabilities: `(n, classes)` in [0, 1].
        thresholds: `(classes,)` in [0, 1].

    Returns:
        `(n,)` class indices.
    """
    lead = np.asarray(probabilities, np.float32) - np.asarray(thresholds, np.float32)
    indices: NDArray[np.int64] = lead.argmax(axis=1)
    return indices


class Scorer:
    """A loaded SavedModel that classifies and explains photos; made by `load_scorer`.

    Args:
        model: what `tf.saved_model.load` gave; kept, because its signatures hold its variables weakly.
        classes: class names in class order.
        thresholds: per class, in [0, 1].
        limits: of a photo, checked before it is decoded.
    """

    def __init__(self, model: Any, classes: Sequence[str], thresholds: Sequence[float], limits: PhotoLimits) -> None:
        self.classes = tuple(classes)
        self.thresholds = tuple(thresholds)
        self._model = model
        self._limits = limits

    def predict(self, photos: Sequence[bytes]) -> NDArray[np.float32]:
        """Classify photos as they lie on disk, of any accepted format and orientation.

        Photos are asked in batches of 32 in their order, so that equal sequences give equal bits.

        Returns:
            Probabilities `(n, classes) float32`, rows sum to 1.

        Raises:
            DataError: a photo cannot be read.
            ServingError: the model refuses the photos, or answers about other classes than it was exported with.
        """
        named = ((f"photo {number} of {len(photos)}", data) for number, data in enumerate(photos, start=1))
        return self._predict(with_progress(named, "scoring", len(photos)))

    def predict_files(self, paths: Sequence[Path]) -> NDArray[np.float32]:
        """As `predict`, for files, of which no more than a batch is in memory at a time.

        Raises:
            DataError: a file is missing or no photo.
            ServingError: see `predict`.
        """
        return self._predict((str(path), _bytes_of(path)) for path in with_progress(paths, "scoring", len(paths)))

    def explain_files(self, paths: Sequence[Path], class_indices: Sequence[int]) -> NDArray[np.float32]:
        """Class activation maps of files.

        Args:
            paths: photos, at least one.
            class_indices: the class to explain for each.

        Returns:
            `(n, height, width) float32` in logit units, at the resolution of the network's feature map.

        Raises:
            DataError: a file is missing or no photo.
            ServingError: the model refuses the photos.
        """
        return self._explain(paths, class_indices, contract.MAP)

    def heatmaps_of_files(self, paths: Sequence[Path], class_indices: Sequence[int]) -> NDArray[np.float32]:
        """As `explain_files`, on the fixed scale [0, 1] that the model carries, as its clients see it."""
        return self._explain(paths, class_indices, contract.HEATMAP)

    def _explain(self, paths: Sequence[Path], class_indices: Sequence[int], output: str) -> NDArray[np.float32]:
        maps = []
        pairs = zip(paths, class_indices, strict=True)
        for batch in _batches(with_progress(pairs, "explaining", len(paths))):
            photos = [self._upright(str(path), _bytes_of(path)) for path, _ in batch]
            indices = tf.constant([index for _, index in batch], tf.int32)
            answer = self._ask(contract.EXPLAIN, {contract.IMAGE_BYTES: photos, contract.CLASS_INDEX: indices})
            maps.append(answer[output].numpy())
        return np.concatenate(maps)

    def _predict(self, named_photos: Iterable[tuple[str, bytes]]) -> NDArray[np.float32]:
        answers = [np.zeros((0, len(self.classes)), np.float32)]
        for batch in _batches(named_photos):
            photos = [self._upright(name, data) for name, data in batch]
            answer = self._ask(contract.PREDICT_BYTES, {contract.IMAGE_BYTES: photos})
            self._check_classes(answer[contract.CLASSES][0].numpy())
            answers.append(answer[contract.PROBABILITIES].numpy())
        return np.concatenate(answers)

    def _upright(self, name: str, data: bytes) -> bytes:
        try:
            return upright(data, self._limits)
        except UnreadablePhoto as error:
            raise DataError(
                f"{name}: {error}",
                expected="a photo that `validate` accepted",
                todo="run `dvc repro`, which looks at every photo again",
            ) from None

    def _ask(self, signature: str, inputs: Mapping[str, Any]) -> Mapping[str, tf.Tensor]:
        function: Callable[..., Mapping[str, tf.Tensor]] = self._model.signatures[signature]
        try:
            return function(**{name: tf.convert_to_tensor(values) for name, values in inputs.items()})
        except tf.errors.OpError as error:
            raise ServingError(
                f"the model refuses a photo: {str(error).splitlines()[0]}",
                expected="photos within the limits that the model was exported with",
                todo="set export.max_bytes and export.max_pixels no lower than those of validate, then `dvc repro`",
            ) from None

    def _check_classes(self, answered: NDArray[np.object_]) -> None:
        names = tuple(name.decode() for name in answered)
        if names != self.classes:
            raise ServingError(
                f"the model answers about {', '.join(names)}",
                expected=f"the classes of its labels.json: {', '.join(self.classes)}",
                todo="delete artifacts/export and run `dvc repro`",
            )


def load_scorer(saved_model: Path, limits: PhotoLimits = PhotoLimits()) -> Scorer:
    """Load a SavedModel with TensorFlow alone.

    Args:
        saved_model: folder of the SavedModel, with `assets.extra/labels.json` and `thresholds.json`.
        limits: of a photo, checked before it is decoded.

    Raises:
        ServingError: the folder is missing, damaged, or lacks a signature or its labels.
    """
    try:
        extra = saved_model / "assets.extra"
        classes = json.loads((extra / "labels.json").read_text(encoding="utf-8"))
        thresholds = json.loads((extra / "thresholds.json").read_text(encoding="utf-8"))
        model = tf.saved_model.load(str(saved_model))
        missing = {contract.PREDICT_BYTES, contract.EXPLAIN} - set(model.signatures)
    except Exception as error:  # damaged files come out of the loader as nearly any kind
        raise _damaged(saved_model, f"{type(error).__name__}: {_first_line(error)}") from None
    if missing or len(classes) != len(thresholds):
        raise _damaged(
            saved_model, f"no signature {', '.join(sorted(missing))}" if missing else "labels unlike thresholds"
        )
    return Scorer(model, classes, thresholds, limits)


def _damaged(saved_model: Path, what: str) -> ServingError:
    return ServingError(
        f"{saved_model} is no usable SavedModel: {what}",
        expected="the folder that `export` writes, with every file of its manifest",
        todo="delete the folder and run `dvc repro` (or `dvc checkout`); the trained model is kept",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0]


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}",
            expected="every photo of the split in its place",
            todo="run `dvc checkout data.dvc` to bring the photos back, or `dvc repro` after a change",
        ) from None


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH_SIZE)):
        yield batch
