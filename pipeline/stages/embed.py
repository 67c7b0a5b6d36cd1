"""Stage `embed`: a vector per readable photo from a frozen backbone, off unless its weights are named."""

import hashlib
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.core.errors import DataError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.progress import with_progress
from pipeline.core.tables import read_rows, replacing, write_text
from pipeline.learning.embedding import BATCH_SIZE, Embedder, making_of_vectors
from pipeline.learning.kept_vectors import KeptVectors, Vectors
from pipeline.photos.records import PhotoRow
from serving.contract import PhotoLimits, upright

VECTORS = "vectors.npz"
SUMMARY = "embed.json"
KEPT_VECTORS = "vectors"
"""Below `.heritage/`."""

_BATCHES_KEPT_AT_ONCE = 32


@dataclass(frozen=True)
class EmbedResult:
    """What the stage made."""

    num_vectors: int
    backbone: str | None
    """None where the stage is off."""


def run(layout: Layout, parameters: Parameters) -> EmbedResult:
    """Write `vectors.npz` (`paths`, `vectors` float32 of unit length) for the photos of `validate`.

    Raises:
        DataError: a photo changed since `validate` read it.
        MachineError: the named weights are out of reach or are others than named.
    """
    folder = layout.artifacts("embed")
    rows = [row for row in read_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow) if not row.error]
    backbone = parameters.embed.backbone
    vectors = np.zeros((0, 0), np.float32)
    if backbone is not None and rows:
        vector_of = embed_photos(layout, rows, parameters)
        vectors = np.stack([vector_of[row.sha256] for row in rows])
    with replacing(folder / VECTORS) as temporary, temporary.open("wb") as stream:
        stream.write(_npz_bytes([row.path for row in rows[: len(vectors)]], vectors))
    reason = "" if backbone else "off: params.yaml names no embed.backbone"
    summary = {"backbone": backbone, "photos": len(vectors), "reason": reason}
    write_text(folder / SUMMARY, json.dumps(summary, indent=1) + "\n")
    return EmbedResult(len(vectors), backbone)


def embed_photos(layout: Layout, rows: Sequence[PhotoRow], parameters: Parameters) -> Vectors:
    """Embed photos with the named backbone, one of equal bytes each; vectors of earlier runs are used again.

    Args:
        layout: where the photos and the kept vectors lie.
        rows: readable photos.
        parameters: of the run.

    Returns:
        `(channels,) float32` of unit length by sha256.

    Raises:
        DataError: a photo changed since `validate` read it.
        MachineError: the weights are out of reach or are others than named.
    """
    limits = PhotoLimits(parameters.validate_.max_bytes, parameters.validate_.max_pixels)
    named = parameters.embed.weights_sha256
    embedder = None if named else Embedder(parameters.embed, limits)
    making = making_of_vectors(parameters.embed, limits, named or (embedder.weights_sha256 if embedder else ""))
    kept = KeptVectors(layout.state / KEPT_VECTORS, making)
    distinct = {row.sha256: row for row in reversed(rows)}
    vector_of = kept.read(distinct.keys())
    missing = [row for row in distinct.values() if row.sha256 not in vector_of]
    if missing:
        embedder = embedder or Embedder(parameters.embed, limits)
        photos = ((row.sha256, _upright(layout, row, limits)) for row in missing)
        batches = _embedded(embedder, with_progress(photos, "embedding", len(missing)))
        while part := list(itertools.islice(batches, _BATCHES_KEPT_AT_ONCE)):
            sha256s = [sha256 for batch, _ in part for sha256 in batch]
            vectors = np.concatenate([found for _, found in part])
            kept.keep(sha256s, vectors)
            vector_of.update(zip(sha256s, vectors, strict=True))
    return vector_of


def _embedded(
    embedder: Embedder, photos: Iterator[tuple[str, bytes]]
) -> Iterator[tuple[list[str], npt.NDArray[np.float32]]]:
    while batch := list(itertools.islice(photos, BATCH_SIZE)):
        yield [sha256 for sha256, _ in batch], embedder.vectors_of([photo for _, photo in batch])


def _upright(layout: Layout, row: PhotoRow, limits: PhotoLimits) -> bytes:
    content = (layout.root / row.path).read_bytes()
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise DataError(
            f"{row.path} has changed since the stage `validate` read it",
            expected=f"bytes with the sha256 {row.sha256}",
            todo="run `dvc repro` again, and change no photos while it runs",
        )
    return upright(content, limits)


def _npz_bytes(paths: Sequence[str], vectors: npt.NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, paths=np.array(paths, dtype=np.str_), vectors=vectors)
    return buffer.getvalue()
