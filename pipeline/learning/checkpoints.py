"""Checkpoints of a training run: plain arrays and a JSON record, written in one step and never unpickled."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pipeline.core.tables import replacing
from pipeline.learning.history import EpochRow

Arrays = list[np.ndarray[Any, Any]]

_RECORD = "record"


def save_checkpoint(path: Path, history: Sequence[EpochRow], arrays: dict[str, Arrays]) -> None:
    """Write a checkpoint, replacing the one before in one step.

    Args:
        path: an `.npz` file.
        history: the epochs that are done.
        arrays: named lists of tensors (network, optimiser, averaged weights, best weights).
    """
    record = json.dumps([dataclasses.asdict(row) for row in history])
    named: dict[str, Any] = {_RECORD: np.frombuffer(record.encode(), np.uint8)}
    for name, group in arrays.items():
        named |= {f"{name}/{index}": array for index, array in enumerate(group)}
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **named)


def load_checkpoint(path: Path) -> tuple[list[EpochRow], dict[str, Arrays]] | None:
    """Read the history and the arrays of a checkpoint, or None where there is none."""
    if not path.exists():
        return None
    groups: dict[str, dict[int, np.ndarray[Any, Any]]] = {}
    with np.load(path, allow_pickle=False) as stored:
        record = json.loads(stored[_RECORD].tobytes().decode())
        for key in stored.files:
            if key != _RECORD:
                name, index = key.rsplit("/", 1)
                groups.setdefault(name, {})[int(index)] = stored[key]
    arrays = {name: [group[index] for index in sorted(group)] for name, group in groups.items()}
    return [EpochRow(**row) for row in record], arrays


def values_of(variables: Sequence[keras.Variable]) -> Arrays:
    """Copies of the variables' values."""
    return [np.array(variable.numpy()) for variable in variables]


def assign_values(variables: Sequence[keras.Variable], values: Arrays) -> None:
    """Set the variables to values that `values_of` gave for the same variables."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
