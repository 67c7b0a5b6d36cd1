"""The order of the classes, which only ever grows at its end."""

from collections.abc import Sequence

from pipeline.core.errors import DataError
from pipeline.photos.records import Batch, SplitRow


def class_order(rows: Sequence[SplitRow], batches: Sequence[Batch], chosen: Sequence[str]) -> tuple[str, ...]:
    """Order the classes of a run by their first arrival, so that a later batch can only append.

    Args:
        rows: all photos of the run; those without a label do not count.
        batches: in order of intake.
        chosen: the order that parameters name, where they name one.

    Returns:
        Class names; within a batch by name.

    Raises:
        DataError: fewer than two classes, or a chosen class without a photo.
    """
    found = {(row.batch, row.label) for row in rows if row.label is not None}
    arrived = [label for batch in batches for label in sorted(label for name, label in found if name == batch.batch)]
    order = tuple(chosen) or tuple(dict.fromkeys(arrived))
    absent = sorted(set(order) - set(arrived))
    if absent:
        raise DataError(
            f"no photo of {', '.join(absent)}",
            expected="photos of every class that photos.classes names",
            todo="bring photos of these classes, or take their names out of photos.classes",
        )
    if len(order) < 2:
        raise DataError(
            f"only one class: {', '.join(order) or 'none'}",
            expected="at least two classes to tell apart",
            todo="bring photos of another class with `make photos`",
        )
    return order
