"""Work for processes that read photos: they import it by name, so it lies where any process finds it."""

import os
import time
from collections.abc import Sequence

from pipeline.photos.measures import Measures, measure
from serving.contract import PhotoLimits

KILLER = b"this kills the decoder"


def squares(items: Sequence[int]) -> list[int]:
    time.sleep(0.001 * (items[0] % 5))
    return [item * item for item in items]


def squares_or_death(items: Sequence[int]) -> list[int]:
    if any(item % 100 == 13 for item in items):
        os._exit(1)
    return [item * item for item in items]


def death(items: Sequence[int]) -> list[int]:
    os._exit(1)


def fail(items: Sequence[int]) -> list[int]:
    raise ValueError("a fault of the program")


def minus(item: int) -> int:
    return -item


def measure_or_die(data: bytes, limits: PhotoLimits) -> Measures:
    if data.startswith(KILLER):
        os._exit(1)
    return measure(data, limits)
