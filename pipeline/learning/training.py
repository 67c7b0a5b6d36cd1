"""Training in phases: the best epoch by validation is kept, and a killed run goes on where it was."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.parameters import AugmentParameters, PhaseParameters, TrainParameters
from pipeline.learning.augmentation import build_augmentation
from pipeline.learning.averaging import AveragedWeights
from pipeline.learning.checkpoints import Arrays, EpochRow, assign_values, load_checkpoint, save_checkpoint, values_of
from pipeline.learning.classifier import Classifier, open_layers
from pipeline.learning.measures import class_weights, validation_measures
from pipeline.learning.pixels import PixelLimits
from pipeline.learning.schedules import build_optimizer, learning_rate_at
from pipeline.learning.shards import pixel_dataset, shuffled_records


@dataclass(frozen=True)
class TrainingData:
    """Shards of the two sides that training sees."""

    train_shards: Sequence[Path]
    validation_shards: Sequence[Path]
    class_counts: tuple[int, ...]
    """Training photos per class, in class order."""
    limits: PixelLimits

    @property
    def num_photos(self) -> int:
        """Training photos."""
        return sum(self.class_counts)


@dataclass(frozen=True)
class TrainingPlan:
    """How to train."""

    train: TrainParameters
    augment: AugmentParameters
    seed: int
    """Orders photos and random changes; an epoch's order is the same after a resume."""
    checkpoint: Path
    """An `.npz` file that survives a kill; a run that finds it goes on from there."""


@dataclass(frozen=True)
class Observer:
    """Who is told how a run comes along."""

    on_step: Callable[[int, int], None]
    """Called after each step with the steps done and the steps of the phase."""
    on_epoch: Callable[[EpochRow], None]
    """Called after each epoch, once its checkpoint is on disk."""


@dataclass(frozen=True)
class _Phase:
    number: int
    parameters: PhaseParameters
    first_epoch: int
    steps_per_epoch: int

    @property
    def end(self) -> int:
        return self.first_epoch + self.parameters.epochs

    @property
    def num_steps(self) -> int:
        return self.steps_per_epoch * self.parameters.epochs


def train_classifier(
    classifier: Classifier, data: TrainingData, plan: TrainingPlan, observer: Observer
) -> list[EpochRow]:
    """Train all phases and leave the best epoch's weights in the network.

    Args:
        classifier: with its starting weights; changed in place.
        data: shards of training and validation photos.
        plan: phases, random changes, seed and checkpoint.
        observer: told of each step and epoch.

    Returns:
        A row per epoch, those before a resume included.
    """
    return _Training(classifier, data, plan, observer).run()


class _Training:
    def __init__(self, classifier: Classifier, data: TrainingData, plan: TrainingPlan, observer: Observer) -> None:
        self._network = classifier.network
        self._backbone = classifier.backbone
        self._data = data
        self._plan = plan
        self._observer = observer
        self._history: list[EpochRow] = []
        self._best: Arrays = values_of(self._network.weights)
        self._average = AveragedWeights(self._network.weights, plan.train.weight_average)
        self._predict = tf.function(lambda pixels: self._network(pixels, training=False))

    def run(self) -> list[EpochRow]:
        resumed = load_checkpoint(self._plan.checkpoint)
        arrays: dict[str, Arrays] | None = None
        if resumed is not None:
            self._history, arrays = list(resumed[0]), resumed[1]
            self._best = arrays["best"]
        for phase in self._phases():
            if len(self._history) < phase.end:
                self._run_phase(phase, arrays)
                arrays = None
        assign_values(self._network.weights, self._best)
        return self._history

    def _phases(self) -> list[_Phase]:
        steps_per_epoch = -(-self._data.num_photos // self._plan.train.batch_size)
        phases: list[_Phase] = []
        first_epoch = 0
        for number, parameters in enumerate(self._plan.train.phases, start=1):
            phases.append(_Phase(number, parameters, first_epoch, steps_per_epoch))
            first_epoch += parameters.epochs
        return phases

    def _run_phase(self, phase: _Phase, resumed: dict[str, Arrays] | None) -> None:
        open_layers(self._backbone, phase.parameters.unfreeze_from)
        optimizer = build_optimizer(phase.parameters)
        optimizer.build(self._network.trainable_variables)
        if resumed is not None and len(self._history) > phase.first_epoch:
            assign_values(self._network.weights, resumed["network"])
            assign_values(optimizer.variables, resumed["optimizer"])
            self._average.restore(resumed["average"])
        else:
            assign_values(self._network.weights, self._best)
            self._average.restore(self._best)
        step = self._training_step(optimizer)
        while len(self._history) < phase.end:
            row = self._run_epoch(phase, optimizer, step)
            self._history.append(row)
            arrays = {
                "network": values_of(self._network.weights),
                "optimizer": values_of(optimizer.variables),
                "average": self._average.values(),
                "best": self._best,
            }
            save_checkpoint(self._plan.checkpoint, self._history, arrays)
            self._observer.on_epoch(row)

    def _run_epoch(self, phase: _Phase, optimizer: keras.optimizers.Optimizer, step: Callable[..., Any]) -> EpochRow:
        epoch, num_photos = len(self._history), self._data.num_photos
        done = (epoch - phase.first_epoch) * phase.steps_per_epoch
        started, loss_sum, num_right, rate = time.perf_counter(), 0.0, 0, 0.0
        for pixels, labels in self._training_batches(epoch):
            rate = learning_rate_at(done, phase.num_steps, phase.parameters.schedule)
            optimizer.learning_rate.assign(rate)
            loss, right = step(pixels, labels)
            loss_sum, num_right, done = loss_sum + float(loss) * len(labels), num_right + int(right), done + 1
            self._observer.on_step(done, phase.num_steps)
        seconds = time.perf_counter() - started
        row = EpochRow(
            epoch=epoch + 1,
            phase=phase.number,
            learning_rate=rate,
            loss=loss_sum / num_photos,
            accuracy=num_right / num_photos,
            **self._validate(),
            seconds=seconds,
            images_per_second=num_photos / seconds,
            kept=False,
        )
        return self._keep_if_best(row)

    def _training_step(self, optimizer: keras.optimizers.Optimizer) -> Callable[..., Any]:
        network, average = self._network, self._average
        augmentation = build_augmentation(self._plan.augment, self._plan.seed)
        num_classes, smoothing = len(self._data.class_counts), self._plan.train.label_smoothing
        weights = tf.constant(class_weights(self._data.class_counts, self._plan.train.class_weights), tf.float32)

        @tf.function
        def step(pixels: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            pixels = augmentation(pixels, training=True)
            with tf.GradientTape() as tape:
                logits = network(pixels, training=True)
                losses = keras.losses.categorical_crossentropy(
                    tf.one_hot(labels, num_classes), logits, from_logits=True, label_smoothing=smoothing
                )
                loss = tf.reduce_mean(losses * tf.gather(weights, labels))
                total = optimizer.scale_loss(tf.add_n([loss, *network.losses]))
            optimizer.apply(tape.gradient(total, network.trainable_variables), network.trainable_variables)
            average.update()
            predicted = tf.argmax(logits, axis=1, output_type=tf.int32)
            return loss, tf.reduce_sum(tf.cast(predicted == labels, tf.int32))

        return step  # type: ignore[no-any-return]

    def _training_batches(self, epoch: int) -> tf.data.Dataset:
        train, data = self._plan.train, self._data
        records = shuffled_records(data.train_shards, data.num_photos, self._plan.seed + epoch)
        return pixel_dataset(records, train.image_size, train.batch_size, data.limits)

    def _validate(self) -> dict[str, float]:
        train, data = self._plan.train, self._data
        records = tf.data.TFRecordDataset([str(shard) for shard in data.validation_shards])
        batches = pixel_dataset(records, train.image_size, train.batch_size, data.limits)
        with self._average.in_place():
            pairs = [(self._predict(pixels).numpy(), labels.numpy()) for pixels, labels in batches]
        logits, labels = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
        return validation_measures(logits, labels)

    def _keep_if_best(self, row: EpochRow) -> EpochRow:
        kept = [earlier for earlier in self._history if earlier.kept]
        best_by = self._plan.train.best_by
        if kept and _merit(row, best_by) <= _merit(kept[-1], best_by):
            return row
        self._best = self._average.values()
        return replace(row, kept=True)


def _merit(row: EpochRow, best_by: str) -> float:
    match best_by:
        case "loss":
            return -row.val_loss
        case "accuracy":
            return row.val_accuracy
        case _:
            return row.val_balanced_accuracy
