"""The table of predictions: a row per photo, a probability column per class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.core.errors import DataError
from pipeline.core.tables import replacing

PREDICTED_BY = "model.txt"
"""Beside the predictions: the manifest hash of the model that made them."""

_COLUMNS = ("path", "label", "predicted")


def check_class_names(classes: Sequence[str]) -> None:
    """Refuse class names that are columns of the table of predictions already.

    Raises:
        DataError: a class bears the name of a column.
    """
    taken = sorted({*classes} & {*_COLUMNS})
    if taken:
        raise DataError(
            f"a class is called {', '.join(taken)}",
            expected=f"class names other than {', '.join(_COLUMNS)}, which are columns of the table of predictions",
            todo="rename the class's folder, bring the photos again and run `dvc repro`",
        )


def write_predictions(
    path: Path, names: Sequence[tuple[str, str, str]], probabilities: NDArray[np.float64], classes: Sequence[str]
) -> None:
    """Write predictions as Parquet, replacing the file in one step; equal rows give equal bytes.

    Args:
        path: the file.
        names: path, label and predicted class of each photo.
        probabilities: `(n, classes)`, stored as float64 in a column per class, named as the class.
        classes: names in class order.
    """
    texts = [[name[index] for name in names] for index in range(len(_COLUMNS))]
    types = dict.fromkeys(_COLUMNS, pa.string()) | dict.fromkeys(classes, pa.float64())
    fields = [pa.field(name, column_type, nullable=False) for name, column_type in types.items()]
    table = pa.Table.from_arrays([*map(pa.array, texts), *map(pa.array, probabilities.T)], schema=pa.schema(fields))
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", version="2.6", write_statistics=False)
