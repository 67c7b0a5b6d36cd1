"""Memory: how a stage that holds large tables spares the search for garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_garbage_search() -> Iterator[None]:
    """Leave off searching for objects that only refer to each other; all others go as soon as nobody needs them.

    The search goes through all rows of a table time and again as it grows, and finds none: a row refers to nothing but
    values.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
