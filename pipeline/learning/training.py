"""Training in phases: the best epoch by validation is kept, and a killed run goes on where it was."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pipeline.core.errors import ParameterError
from pipeline.core.training_parameters import AugmentParameters, PhaseParameters, TrainParameters
from pipeline.learning.augmentation import build_augmentation
from pipeline.learning.averaging import AveragedWeights
from pipeline.learning.checkpoints import Arrays, assign_values, load_checkpoint, save_checkpoint, values_of
from pipeline.learning.classifier import Classifier, open_layers
from pipeline.learning.history import EpochRow
from pipeline.learning.measures import class_weights, validation_measures
from pipeline.learning.pixels import PixelLimits
from pipeline.learning.schedules import build_optimizer, learning_rate_at
from pipeline.learning.shards import pixel_dataset, shuffled_records, stored_records


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
    """Orders photos and random changes; both go on after a resume as if there had been no break."""
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

    Raises:
        ParameterError: no epoch had a finite validation loss.
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
        self._augmentation = build_augmentation(plan.augment, plan.seed)
        self._predict = tf.function(lambda pixels: self._network(pixels, training=False))

    def run(self) -> list[EpochRow]:
        optimizer_values = self._resume()
        for phase in self._phases():
            if len(self._history) < phase.end:
                self._run_phase(phase, optimizer_values)
        if not any(row.kept for row in self._history):
            raise ParameterError(
                "training diverged: no epoch has a finite validation loss",
                expected="a loss that falls",
                todo="lower schedule.learning_rate of the phases in params.yaml",
            )
        assign_values(self._network.weights, self._best)
        return self._history

    def _resume(self) -> Arrays:
        """Take up the checkpoint, if there is one, and give the optimiser's values in it."""
        resumed = load_checkpoint(self._plan.checkpoint)
        if resumed is None:
            return []
        self._history, arrays = resumed
        self._best = arrays["best"]
        assign_values(self._moving, arrays["moving"])
        return arrays["optimizer"]

    @property
    def _moving(self) -> list[Any]:
        """What moves from step to step besides the optimiser: weights, their average, the states of random streams."""
        return [*self._network.variables, *self._average.variables, *self._augmentation.variables]

    def _phases(self) -> list[_Phase]:
        steps_per_epoch = -(-self._data.num_photos // self._plan.train.batch_size)
        phases: list[_Phase] = []
        first_epoch = 0
        for number, parameters in enumerate(self._plan.train.phases, start=1):
            phases.append(_Phase(number, parameters, first_epoch, steps_per_epoch))
            first_epoch += parameters.epochs
        return phases

    def _run_phase(self, phase: _Phase, optimizer_values: Arrays) -> None:
        open_layers(self._backbone, phase.parameters.unfreeze_from)
        optimizer = build_optimizer(phase.parameters, self._plan.train.mixed_precision)
        optimizer.build(self._network.trainable_variables)
        if len(self._history) > phase.first_epoch:
            assign_values(optimizer.variables, optimizer_values)
        else:
            assign_values(self._network.weights, self._best)
            self._average.start_from(self._best)
        step = self._training_step(optimizer)
        while len(self._history) < phase.end:
            row = self._run_epoch(phase, optimizer, step)
            self._history.append(row)
            arrays = {
                "moving": values_of(self._moving),
                "optimizer": values_of(optimizer.variables),
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
        network, average, augmentation = self._network, self._average, self._augmentation
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

        return step

    def _training_batches(self, epoch: int) -> tf.data.Dataset:
        train, data = self._plan.train, self._data
        records = shuffled_records(data.train_shards, data.num_photos, self._plan.seed + epoch)
        return pixel_dataset(records, train.image_size, train.batch_size, data.limits)

    def _validate(self) -> dict[str, float]:
        train, data = self._plan.train, self._data
        records = stored_records(data.validation_shards)
        batches = pixel_dataset(records, train.image_size, train.batch_size, data.limits)
        with self._average.in_place():
            pairs = [(self._predict(pixels).numpy(), labels.numpy()) for pixels, labels in batches]
        logits, labels = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
        return validation_measures(logits, labels)

    def _keep_if_best(self, row: EpochRow) -> EpochRow:
        kept = [earlier for earlier in self._history if earlier.kept]
        best_by = self._plan.train.best_by
        if not math.isfinite(row.val_loss) or (kept and _merit(row, best_by) <= _merit(kept[-1], best_by)):
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
