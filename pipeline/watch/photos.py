"""The photos that a watch looks at: those that were asked about, those without a label, those labelled since."""

import glob
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import DataError
from pipeline.core.parameters import EmbedParameters, PhotosParameters
from pipeline.core.paths import Layout
from pipeline.core.progress import with_progress
from pipeline.core.tables import read_rows
from pipeline.photos.batches import read_batches
from pipeline.photos.listing import FoundFile, list_files
from pipeline.photos.reading import read_file, row_of
from pipeline.photos.records import PhotoRow
from serving.contract import PhotoLimits, upright

KEPT_VECTORS = "vectors"
"""Below `.heritage/`, shared with the stage `embed`."""


@dataclass(frozen=True)
class DataSince:
    """What lies in `data/` now, beside what a version was trained on."""

    root: Path
    """The checkout or clone that holds the photos."""
    labelled: Sequence[FoundFile]
    """Photos with a label, of batches that came after the version's photos; the newest batch first, and those of a
    batch in an order that nobody chose, so that the first of them tell of all its classes."""
    unlabelled: Sequence[FoundFile]
    """Photos without a label, of any batch, in the same order."""


def data_since(layout: Layout, known_batches: Sequence[str], photos: PhotosParameters) -> DataSince:
    """List what the batches hold that came since, where new batches are taken in; elsewhere of the checkout itself.

    Args:
        layout: of the checkout.
        known_batches: names of the batches that were there when the version was trained.
        photos: which batches and classes count.

    Raises:
        DataError: photos that `data/batches.csv` names are not there.
    """
    clone = Layout(layout.photos_clone)
    place = clone if clone.batches.is_file() else Layout(layout.home)
    batches = read_batches(place.batches)
    seen = [batch.batch for batch in batches if any(fnmatchcase(batch.batch, name) for name in photos.batches)]
    if not seen:
        return DataSince(place.root, (), ())
    names = tuple(glob.escape(name) for name in seen)
    files = [file for file in list_files(place, batches, PhotosParameters(batches=names)).files if not file.problem]
    files.sort(key=lambda file: (-seen.index(file.batch), hashlib.sha256(file.path.encode()).digest()))
    is_wanted = set(photos.classes).__contains__ if photos.classes else lambda _: True
    labelled = [file for file in files if file.label is not None and is_wanted(file.label)]
    return DataSince(
        place.root,
        tuple(file for file in labelled if file.batch not in known_batches),
        tuple(file for file in files if file.label is None),
    )


def labelled_before(layout: Layout) -> list[PhotoRow]:
    """Photos with a label that the last run saw, in the clone where models are retrained or else in the checkout."""
    for place in (Layout(layout.retrain_clone), Layout(layout.home)):
        table = place.artifacts("validate") / "photos.parquet"
        if table.is_file():
            try:
                return [row for row in read_rows(table, PhotoRow) if row.label is not None and not row.error]
            except DataError:  # half made, by a run that goes on at this moment
                continue
    return []


def measured(files: Mapping[Path, FoundFile], limits: PhotoLimits, what: str) -> dict[Path, PhotoRow]:
    """Measure photos as the stage `validate` does; what cannot be read is left out.

    Args:
        files: what is known of each, by its place.
        limits: of one photo.
        what: goes beside the progress bar.
    """
    rows = {}
    for location, file in with_progress(files.items(), what, len(files)):
        row = row_of(file, read_file(location, limits).measures)
        if not row.error:
            rows[location] = row
    return rows


def vectors_of(
    layout: Layout, embed: EmbedParameters, limits: PhotoLimits, rows: Mapping[Path, PhotoRow]
) -> NDArray[np.float32]:
    """Vectors of photos by the network that made those of training, (n, d) float32 in the order of the rows.

    Raises:
        MachineError: the network's weights are out of reach or are others than named.
    """
    from pipeline.learning.embedding import BATCH_SIZE, Embedder, making_of_vectors
    from pipeline.learning.kept_vectors import KeptVectors

    kept = KeptVectors(
        layout.home / ".heritage" / KEPT_VECTORS, making_of_vectors(embed, limits, str(embed.weights_sha256))
    )
    vector_of = kept.read({row.sha256 for row in rows.values()})
    missing = {row.sha256: location for location, row in rows.items() if row.sha256 not in vector_of}
    if missing:
        embedder = Embedder(embed, limits)
        sha256s = list(missing)
        for start in with_progress(range(0, len(sha256s), BATCH_SIZE), "embedding", -(-len(sha256s) // BATCH_SIZE)):
            part = sha256s[start : start + BATCH_SIZE]
            vectors = embedder.vectors_of([upright(missing[sha256].read_bytes(), limits) for sha256 in part])
            kept.keep(part, vectors)
            vector_of.update(zip(part, vectors, strict=True))
    return np.stack([vector_of[row.sha256] for row in rows.values()])
