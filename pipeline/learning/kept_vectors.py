"""Kept vectors: what earlier runs embedded, by the hash of a photo's bytes, so that no photo is embedded twice.

The store is a help and never a need: the vectors come out the same without it.
"""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Sequence, Set
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.core.tables import replacing

_MAX_PARTS = 32
_MAKINGS_KEPT = 3
"""Networks and their settings of which the vectors are kept; the one used least lately goes first."""

Vectors = dict[str, npt.NDArray[np.float32]]


class KeptVectors:
    """A folder of parts, each written in one step and never changed, so that several runs may use it at once.

    Args:
        folder: of the vectors of all makings.
        making: hash of what shapes a vector; what was made otherwise is not seen.
    """

    def __init__(self, folder: Path, making: str) -> None:
        self._folder = folder / making
        self._folder.mkdir(parents=True, exist_ok=True)
        os.utime(self._folder)
        by_use = sorted(
            (other for other in folder.iterdir() if other.is_dir()), key=lambda other: other.stat().st_mtime
        )
        for stale in by_use[:-_MAKINGS_KEPT]:
            shutil.rmtree(stale, ignore_errors=True)

    def read(self, wanted: Set[str]) -> Vectors:
        """Give the vectors that are kept of the wanted photos, by sha256; a damaged part is removed."""
        found: Vectors = {}
        parts = self._parts()
        for part in parts:
            try:
                with np.load(part, allow_pickle=False) as stored:
                    vector_of = dict(zip(stored["sha256"].tolist(), stored["vectors"], strict=True))
            except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
                part.unlink(missing_ok=True)
                continue
            # Copied, or else one wanted vector would keep all of its part in memory.
            found.update((sha256, vector.copy()) for sha256, vector in vector_of.items() if sha256 in wanted)
        if len(parts) > _MAX_PARTS and found:
            self.keep(list(found), np.stack(list(found.values())))
            for part in parts:
                part.unlink(missing_ok=True)
        return found

    def keep(self, sha256s: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors.

        Args:
            sha256s: of the photos' bytes.
            vectors: (n, d) float32, row by row for `sha256s`.
        """
        name = hashlib.sha256("".join(sha256s).encode()).hexdigest()[:16]
        with replacing(self._folder / f"{name}.npz") as temporary, temporary.open("wb") as stream:
            np.savez(stream, sha256=np.array(sha256s, dtype=np.str_), vectors=vectors)

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9a-f]*.npz"))
