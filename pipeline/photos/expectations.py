"""Expectations: what every table of photos must fulfil, checked and documented by Great Expectations."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import pandas as pd

from pipeline.core.parameters import ValidateParameters
from pipeline.photos.records import Outcome
from serving.contract import PHOTO_FORMATS

_NAME = "photos"
_OF_FILES = ("path", "label", "sha256", "num_bytes", "error")
_PATHS_NAMED = 5


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """The columns of `PhotoRow` that are checked."""

    path: str
    label: str | None
    sha256: str
    num_bytes: int
    error: str
    format: str
    mode: str
    orientation: int
    width: int
    height: int
    brightness_low: float
    brightness_high: float
    entropy: float
    sharpness: float
    colourfulness: float


def check_photos(rows: Sequence[CheckedRow], parameters: ValidateParameters, docs: Path) -> list[Outcome]:
    """Check a table of photos, and write Great Expectations' own pages (Data Docs) about it.

    Args:
        rows: rows of `validate`.
        parameters: how many files may be unreadable.
        docs: empty or missing folder for the pages.

    Returns:
        An outcome for each expectation, sorted by column and kind.
    """
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}
    photos = context.data_sources.add_pandas(_NAME).add_dataframe_asset(_NAME)
    suite = context.suites.add(gx.ExpectationSuite(name=_NAME, expectations=_expectations(parameters)))
    definition = gx.ValidationDefinition(
        name=_NAME, data=photos.add_batch_definition_whole_dataframe(_NAME), suite=suite
    )
    checkpoint = gx.Checkpoint(
        name=_NAME,
        validation_definitions=[context.validation_definitions.add(definition)],
        actions=[gx.checkpoint.UpdateDataDocsAction(name=_NAME, site_names=[_add_site(context, docs)])],
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["path"]},
    )
    result = checkpoint.run(batch_parameters={"dataframe": _frame(rows)})
    (validation,) = result.run_results.values()
    outcomes = [_outcome(one) for one in validation.results]
    return sorted(outcomes, key=lambda outcome: (outcome.column, outcome.expectation))


def _expectations(parameters: ValidateParameters) -> list[Any]:
    readable = 1 - parameters.max_unreadable_share
    return [
        gxe.ExpectColumnValuesToNotBeNull(column="path", notes="Every row names its file."),
        gxe.ExpectColumnValuesToBeUnique(column="path", notes="A file has one row."),
        gxe.ExpectColumnValuesToMatchRegex(
            column="path", regex=r"^data/[^/]+/.+$", notes="A photo lies in the folder of its batch."
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="sha256", regex="^[0-9a-f]{64}$", notes="A photo is known by the hash of its bytes."
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="error",
            value_set=[""],
            mostly=readable,
            notes=f"At least {readable:.0%} of the files can be read (validate.max_unreadable_share).",
        ),
        gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(
            column="label", min_value=0, strict_min=True, notes="Some photos have a label."
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="format", value_set=list(PHOTO_FORMATS), notes="Readable photos are of these formats."
        ),
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column=column, min_value=lowest, max_value=highest, notes=f"From {lowest} to {highest or 'any'}."
            )
            for column, lowest, highest in (
                ("num_bytes", 0, None),
                ("width", 1, parameters.max_pixels),
                ("height", 1, parameters.max_pixels),
                ("orientation", 1, 8),
                ("brightness_low", 0, 1),
                ("brightness_high", 0, 1),
                ("entropy", 0, 8),
                ("sharpness", 0, None),
                ("colourfulness", 0, 1),
            )
        ),
    ]


def _frame(rows: Sequence[CheckedRow]) -> pd.DataFrame:
    """The columns that are checked; measures that an unreadable file does not have are missing."""
    names = [field.name for field in fields(CheckedRow)]
    readable = np.array([row.error == "" for row in rows])
    columns = {name: pd.Series([getattr(row, name) for row in rows]) for name in names}
    return pd.DataFrame({name: one if name in _OF_FILES else one.where(readable) for name, one in columns.items()})


def _add_site(context: Any, docs: Path) -> str:
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    site = {"class_name": "SiteBuilder", "site_index_builder": index, "store_backend": store}
    context.add_data_docs_site(_NAME, site)
    return _NAME


def _outcome(result: Any) -> Outcome:
    configuration = result.expectation_config
    broken = result.result.get("unexpected_index_list") or []
    return Outcome(
        expectation=configuration.type,
        column=configuration.kwargs.get("column", ""),
        note=str(configuration.notes),
        success=bool(result.success),
        unexpected=result.result.get("unexpected_count", 0),
        paths=tuple(sorted({str(row["path"]) for row in broken})[:_PATHS_NAMED]),
    )
