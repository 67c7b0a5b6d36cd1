"""The history of a training run as CSV, a line per epoch."""

import csv
import dataclasses
import io
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.core.errors import DataError
from pipeline.core.tables import write_text


@dataclass(frozen=True)
class EpochRow:
    """A line of `history.csv`."""

    epoch: int
    """From 1, through all phases."""
    phase: int
    """From 1."""
    learning_rate: float
    """Of the epoch's last step."""
    loss: float
    """Training loss, with label smoothing and class weights."""
    accuracy: float
    """On augmented training photos, while the weights move."""
    val_loss: float
    """Plain cross-entropy on validation photos."""
    val_accuracy: float
    val_balanced_accuracy: float
    seconds: float
    images_per_second: float
    kept: bool
    """The best epoch so far."""


def write_history(path: Path, history: Sequence[EpochRow]) -> None:
    """Write a history; numbers keep six digits."""
    names = [field.name for field in dataclasses.fields(EpochRow)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_text(getattr(row, name)) for name in names] for row in history)
    write_text(path, text.getvalue())


def read_history(path: Path) -> list[EpochRow]:
    """Read a history that `write_history` wrote.

    Raises:
        DataError: the file is missing or damaged.
    """
    types = typing.get_type_hints(EpochRow)
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            lines = list(csv.DictReader(stream))
        return [EpochRow(**{name: _value(line[name], kind) for name, kind in types.items()}) for line in lines]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} cannot be read: {error}", expected="the history that `train` writes", todo="run `dvc repro`"
        ) from None


def _text(value: float | bool) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value).lower()


def _value(text: str, kind: type) -> Any:
    return text == "true" if kind is bool else kind(text)
