"""Inspection: whether the photos of a batch can be read, before they come into `data/`."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from pipeline.core.errors import DataError
from pipeline.core.parameters import PhotosParameters, ValidateParameters
from pipeline.core.paths import Layout
from pipeline.intake.source_tables import shown
from pipeline.photos.kept_measures import KeptMeasures
from pipeline.photos.listing import list_files
from pipeline.photos.measures import making_of_measures
from pipeline.photos.readers import in_processes
from pipeline.photos.records import Batch
from pipeline.photos.scan import Scanner, scan_photos
from serving.contract import PhotoLimits

_FEW_FILES = 256
"""Up to so many files are read sooner by one process than by several that have to start."""
_SECONDS_PER_DAY = 86_400


class UnreadablePhotos(DataError):
    """Too many photos of a batch cannot be read.

    Args:
        errors: why, by the path of the file in its batch.
        num_files: of the batch.
        max_share: of unreadable files that would have been borne, of 1.
    """

    def __init__(self, errors: Mapping[str, str], num_files: int, max_share: float) -> None:
        first = [f"{path}: {error}" for path, error in errors.items()]
        super().__init__(
            f"{len(errors)} of {num_files} files cannot be read as photos: {shown(first)}",
            expected="JPEG, PNG, WebP, HEIC or TIFF photos within validate.max_bytes and validate.max_pixels; a share "
            f"of {max_share:g} may fail (validate.max_unreadable_share)",
            todo="copy or export these photos again, or take them out of the batch",
        )
        self.errors = dict(errors)


def unreadable(
    made: Layout,
    batches: Sequence[Batch],
    unconverted: Mapping[str, str],
    parameters: ValidateParameters,
    store: Path,
) -> dict[str, str]:
    """Read every photo of batches, as the first stage of a run will.

    Processes of their own read, since a photo from anywhere may end its reader.

    Args:
        made: where the batches lie in `data/`.
        batches: which of them.
        unconverted: why files of them could not be converted, by path in `data/`: they are named with that.
        parameters: limits of a photo, and number of readers.
        store: file of kept measures, for that stage to use again.

    Returns:
        Why not, by path in the batch, for those that cannot be read.

    Raises:
        UnreadablePhotos: their share is larger than `max_unreadable_share`.
    """
    limits = PhotoLimits(parameters.max_bytes, parameters.max_pixels)
    files = list_files(made, batches, PhotosParameters()).files
    today = int(time.time() // _SECONDS_PER_DAY)
    with closing(KeptMeasures(store, making_of_measures(limits), today)) as kept:
        readers = in_processes(parameters.workers if len(files) > _FEW_FILES else 1)
        rows = scan_photos(files, Scanner(made.root.resolve(), limits, lambda _files, _bytes: readers, kept))
        errors = {path: row.error for row in rows if row.error and (path := row.path.removeprefix("data/"))}
    errors = {path: unconverted.get(path, error) for path, error in errors.items()}
    if len(errors) > parameters.max_unreadable_share * len(files):
        raise UnreadablePhotos(errors, len(files), parameters.max_unreadable_share)
    return errors
