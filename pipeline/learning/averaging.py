"""Exponential moving average of a network's weights (Polyak averaging), updated inside the training step."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from pipeline.learning.checkpoints import Arrays, assign_values, values_of

_RAMP = 10.0


class AveragedWeights:
    """The average of a network's weights, or simply the weights where averaging is off.

    Args:
        weights: the network's variables.
        momentum: share of the average that each step keeps, in [0, 1); 0 = off. It ramps up over the first steps, so
            that the starting weights are soon forgotten.
    """

    def __init__(self, weights: list[keras.Variable], momentum: float) -> None:
        self._weights = weights
        self._momentum = momentum
        self._average = [tf.Variable(weight.value, trainable=False) for weight in weights] if momentum else []
        self._num_updates = tf.Variable(0.0, trainable=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """All that averaging remembers."""
        return [self._num_updates, *self._average]

    def update(self) -> None:
        """Take one step's weights into the average; graph code."""
        if not self._momentum:
            return
        count = self._num_updates.assign_add(1.0)
        share = 1.0 - tf.minimum(self._momentum, count / (_RAMP + count))
        for average, weight in zip(self._average, self._weights, strict=True):
            value = tf.cast(weight.value, average.dtype)
            average.assign_add(tf.cast(share, average.dtype) * (value - average))

    def values(self) -> Arrays:
        """Copies of the averaged values, in the order of the weights."""
        if not self._momentum:
            return values_of(self._weights)
        return [average.numpy().copy() for average in self._average]

    def start_from(self, values: Arrays) -> None:
        """Make values of the weights the average, if there is one."""
        if self._momentum:
            assign_values(self._average, values)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put the averaged values into the network for the length of a block."""
        moving = values_of(self._weights)
        assign_values(self._weights, self.values())
        try:
            yield
        finally:
            assign_values(self._weights, moving)
