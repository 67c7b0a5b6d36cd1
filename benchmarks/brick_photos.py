"""The Brickwork Cracks photos: patches of few walls, what is known of them, and how they are measured.

The archive holds `crack/<number>.jpg` and `no_crack/<number>.jpg`. Patches of one photograph bear consecutive numbers,
so that neighbours show the same bricks; the whole set comes from nine walls. A random split therefore asks about walls
that the model has seen.
"""

import bisect
import io
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score

CRACK = "crack"
# The first number of each wall, found by looking: the light, the brick and the mortar change there.
_FIRST_OF_WALL = {
    CRACK: (1, 9, 79, 121, 127, 156, 169, 215, 259),
    "no_crack": (1, 8, 74, 113, 137, 158, 175, 215, 260),
}
_PHOTOS_PER_BLOCK = 20
_VERY_DARK = 20
_SHARES = np.linspace(0, 1, 256)
_NUM_DRAWS = 1_000
_TAILS = (0.025, 0.975)


@dataclass(frozen=True)
class BrickPhoto:
    """A patch of a wall."""

    path: Path
    label: str
    number: int

    @property
    def wall(self) -> int:
        """1 to 9."""
        return bisect.bisect_right(_FIRST_OF_WALL[self.label], self.number)

    @property
    def block(self) -> str:
        """Twenty consecutive numbers of a wall, of both classes."""
        return f"wall-{self.wall}-block-{self.number // _PHOTOS_PER_BLOCK}"


def unpack_photos(archive: Path, folder: Path) -> list[BrickPhoto]:
    """Unpack the archive and list its photos, by class and number."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    files = sorted(path for label in _FIRST_OF_WALL for path in (folder / label).glob("*.jpg"))
    return [BrickPhoto(path, path.parent.name, int(path.stem)) for path in files]


def darkness(photo: bytes) -> float:
    """Share of nearly black pixels: what a photo says of a gap without any learning."""
    return float((_greys(photo) < _VERY_DARK).mean())


def levelled(photos: Sequence[bytes]) -> list[bytes]:
    """The photos in grey, as PNG, all with one histogram, so that only shapes tell them apart.

    The histogram is their mean one; the pixels of a photo keep their order from dark to light.
    """
    greys = [_greys(photo) for photo in photos]
    on_the_whole = np.mean([np.quantile(grey, _SHARES) for grey in greys], axis=0)
    return [_png(_with_quantiles(grey, on_the_whole)) for grey in greys]


def roc_auc(is_crack: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under the ROC curve; nan where one class has no photo."""
    return float(roc_auc_score(is_crack, scores)) if 0 < is_crack.sum() < len(is_crack) else float("nan")


def balanced_accuracy(is_crack: NDArray[np.bool_], is_right: NDArray[np.bool_]) -> float:
    """Mean of the two classes' recalls; nan where one class has no photo."""
    if not 0 < is_crack.sum() < len(is_crack):
        return float("nan")
    return float((is_right[is_crack].mean() + is_right[~is_crack].mean()) / 2)


def block_interval(blocks: Sequence[str], measure: Callable[[NDArray[np.int64]], float]) -> tuple[float, float]:
    """95 % bootstrap interval that draws whole blocks, because the photos of a block look alike.

    Args:
        blocks: block of each photo.
        measure: of the photos with these indices; nan where it cannot be told.
    """
    names, block_of = np.unique(blocks, return_inverse=True)
    members = [np.flatnonzero(block_of == index) for index in range(len(names))]
    generator = np.random.default_rng(0)
    draws = generator.integers(len(names), size=(_NUM_DRAWS, len(names)))
    low, high = np.nanquantile([measure(np.concatenate([members[index] for index in draw])) for draw in draws], _TAILS)
    return float(low), float(high)


def _greys(photo: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(photo)) as image:
        return np.asarray(image.convert("L"))


def _with_quantiles(greys: NDArray[np.uint8], quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    # Equal pixels, as in a clipped black, come in random order, or a slope would run through them.
    tie_breaks = np.random.default_rng(0).random(greys.size)
    ranks = np.lexsort((tie_breaks, greys.ravel())).argsort().reshape(greys.shape)
    return np.interp(ranks / (greys.size - 1), _SHARES, quantiles)


def _png(greys: NDArray[np.float64]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(greys.round().astype(np.uint8)).convert("RGB").save(file, "PNG")
    return file.getvalue()
