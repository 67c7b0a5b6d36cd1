"""Comparisons on disk: what one run of `clean` compared, so that the next one compares new photos only.

The file is a convenience: one that is damaged, foreign, or made by other code is as good as none.
"""

import zipfile
from pathlib import Path

import numpy as np

from pipeline.core.hashing import sha256_of_file, sha256_of_value
from pipeline.core.parameters import CleanParameters
from pipeline.core.tables import replacing
from pipeline.photos import alignment, candidates, copies, fingerprints, originals, records, sameness, sampling, views
from pipeline.photos.copies import Alike, Compared
from pipeline.photos.records import Relation

_CODE = (alignment, candidates, copies, fingerprints, originals, records, sameness, sampling, views)
_RELATIONS = tuple(Relation)
_DERIVED = ("", "first", "second")


def read_compared(path: Path, parameters: CleanParameters) -> Compared | None:
    """Read what an earlier run compared; None where there is nothing that this code with these parameters could use."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            if str(arrays["version"]) != _version(parameters):
                return None
            keys, hashes = [str(key) for key in arrays["keys"]], arrays["hashes"]
            pairs, correlations = arrays["pairs"].tolist(), arrays["correlations"].tolist()
        found = [
            Alike(first, second, _RELATIONS[relation], distance, correlation, _DERIVED[derived])
            for (first, second, relation, distance, derived), correlation in zip(pairs, correlations, strict=True)
        ]
        usable = hashes.dtype == np.uint64 and hashes.shape[1:] == (len(keys),)
        usable &= all(0 <= pair.first < pair.second < len(keys) for pair in found)
    except (OSError, EOFError, KeyError, IndexError, TypeError, ValueError, zipfile.BadZipFile):
        return None
    return Compared(keys, hashes, found) if usable else None


def write_compared(path: Path, compared: Compared, parameters: CleanParameters) -> None:
    """Write what was compared, replacing the file in one step."""
    pairs = [
        (one.first, one.second, _RELATIONS.index(one.relation), one.hash_distance, _DERIVED.index(one.derived))
        for one in compared.pairs
    ]
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            version=np.array(_version(parameters)),
            keys=np.array(compared.keys, dtype=np.str_),
            hashes=compared.hashes,
            pairs=np.array(pairs, dtype=np.int64).reshape(-1, 5),
            correlations=np.array([pair.correlation for pair in compared.pairs], dtype=np.float64),
        )


def _version(parameters: CleanParameters) -> str:
    """Of the code that compares and of the parameters that it is given."""
    return sha256_of_value(
        {
            "code": [sha256_of_file(Path(str(module.__file__))) for module in _CODE],
            "parameters": [
                parameters.max_hash_distance,
                parameters.min_correlation,
                parameters.min_detail,
                parameters.partial_copies,
            ],
            "numpy": np.__version__,
        }
    )
