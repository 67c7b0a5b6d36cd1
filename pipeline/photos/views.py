"""Views: how a copy may show only a part of a photo, mirrored, or turned by a few degrees.

The hash of a view of a photo is what the photo's hash would be, had it been cut or turned like that. It is computed
from the thumbnail alone, with one table of whole numbers per view.
"""

from dataclasses import dataclass
from functools import cache
from math import ceil, cos, radians, sin

import numpy as np
import numpy.typing as npt

from pipeline.photos.candidates import Hashes
from pipeline.photos.fingerprints import HASHED_SIDE, NUM_FREQUENCIES, THUMBNAIL_SIDE, cosines, hashes_of
from pipeline.photos.records import Relation

_SIDE = HASHED_SIDE
_SCALE = 1 << 6
"""Of the shares with which pixels enter a view; with that of the cosines and the greys, sums stay below 2**53."""


@dataclass(frozen=True, slots=True)
class View:
    """A window onto a photo; margins are shares of the photo's sides that are left out."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    turn: float = 0.0
    """Degrees by which the window is turned about the middle of the photo."""
    mirrored: bool = False
    """Whether the photo is mirrored first."""

    def placement(self) -> npt.NDArray[np.float64]:
        """Where the window lies in the photo, mirrored or not.

        Returns:
            (3, 3) float64: takes a point (x, y, 1) of the window to one of the photo; both in [-1/2, 1/2] from the
            middle, x to the right and y down.
        """
        width, height = 1 - self.left - self.right, 1 - self.top - self.bottom
        x, y = (self.left - self.right) / 2, (self.top - self.bottom) / 2
        c, s = cos(radians(self.turn)), sin(radians(self.turn))
        turned = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        placed: npt.NDArray[np.float64] = turned @ np.array([[width, 0.0, x], [0.0, height, y], [0.0, 0.0, 1.0]])
        return placed


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two views that are alike where one photo is a certain kind of copy of the other."""

    first: View
    second: View
    relation: Relation
    strip: bool = False
    """Whether what the views leave out was painted over, so that only what they show is compared."""

    def start(self) -> npt.NDArray[np.float32]:
        """(5,) float32: the placement from which thumbnails are aligned, see `alignment.align`."""
        across = self.first.placement() @ np.linalg.inv(self.second.placement())
        turn = (across[1, 0] - across[0, 1]) / 2
        return np.array([across[0, 0], across[1, 1], turn, across[0, 2], across[1, 2]], dtype=np.float32)

    def region(self) -> npt.NDArray[np.bool_]:
        """(2304,) bool: the pixels of the second thumbnail that are compared."""
        pixels = np.ones((THUMBNAIL_SIDE, THUMBNAIL_SIDE), dtype=np.bool_)
        if self.strip:
            pixels[: ceil(self.second.top * THUMBNAIL_SIDE)] = False
            pixels[THUMBNAIL_SIDE - ceil(self.second.bottom * THUMBNAIL_SIDE) :] = False
        return pixels.ravel()


def view_hashes(small: npt.NDArray[np.float64], view: View) -> Hashes:
    """Hash a view of every photo.

    Args:
        small: (n, 576) float64 whole numbers, one halved thumbnail per photo, row by row.
        view: the window.

    Returns:
        (n,) uint64; of the whole photo, the bits of `perceptual_hash`.
    """
    return hashes_of(small @ _table(view).T)


@cache
def _table(view: View) -> npt.NDArray[np.float64]:
    """(64, 576) whole numbers that turn a halved thumbnail into the frequencies of a view of it."""
    waves = cosines()
    transform: npt.NDArray[np.float64] = np.einsum("ay,bx->abyx", waves, waves).reshape(NUM_FREQUENCIES, -1)
    return transform if view == WHOLE else np.matmul(transform, _shares(view))


def _shares(view: View) -> npt.NDArray[np.float64]:
    """(576, 576) whole numbers: how much each pixel of a halved thumbnail, in 1/64, enters each pixel of a view."""
    middles = (np.arange(_SIDE) + 0.5) / _SIDE - 0.5
    y, x = (axis.ravel() for axis in np.meshgrid(middles, middles, indexing="ij"))
    across, down, _ = view.placement() @ np.stack((x, y, np.ones_like(x)))
    column, row = (
        np.clip((axis + 0.5) * _SIDE - 0.5, 0, _SIDE - 1) for axis in (-across if view.mirrored else across, down)
    )
    left, top = (np.minimum(axis.astype(np.int64), _SIDE - 2) for axis in (column, row))
    shares = np.zeros((_SIDE * _SIDE, _SIDE * _SIDE))
    pixels = np.arange(_SIDE * _SIDE)
    for below in (0, 1):
        for beside in (0, 1):
            weight = np.abs(1 - below - (row - top)) * np.abs(1 - beside - (column - left))
            shares[pixels, (top + below) * _SIDE + left + beside] += np.round(weight * _SCALE)
    return shares


WHOLE = View()


def _crops() -> list[Pairing]:
    """Windows that leave out 3 to 11 % at each side, evenly or more on one side than on the other."""
    even = [View(margin, margin, margin, margin) for margin in (0.03, 0.06, 0.09, 0.115)]
    margins = (0.007, 0.04, 0.075, 0.108)
    both = margins[0] + margins[-1]
    uneven = [View(x, y, both - x, both - y) for x in margins for y in margins]
    one_side = [View(left=0.09), View(top=0.09), View(right=0.09), View(bottom=0.09)]
    return [Pairing(view, WHOLE, Relation.CROPPED) for view in even + uneven + one_side]


def _reshapes() -> list[Pairing]:
    """Windows that leave out a fifth or more of the width or of the height: a wide photo cut to a square, or squeezed.

    Sets of small squares are full of them: one site stored the photo cut, another one squeezed.
    """
    shares = [(total * before, total * (1 - before)) for total in (0.2, 0.3) for before in (0, 0.25, 0.5, 0.75, 1)]
    narrower = [View(left=before, right=after) for before, after in shares]
    lower = [View(top=before, bottom=after) for before, after in shares]
    return [Pairing(view, WHOLE, Relation.CROPPED) for view in narrower + lower]


def _turns() -> list[Pairing]:
    """Turns by 3 degrees, with empty corners left, or cut to the part without them."""
    found = []
    for turn in (2.8, -2.8):
        corners = View(0.03, 0.03, 0.03, 0.03, turn)
        found.append(Pairing(corners, View(0.03, 0.03, 0.03, 0.03), Relation.TURNED))
        found.append(Pairing(View(0.055, 0.055, 0.055, 0.055, turn), WHOLE, Relation.TURNED))
    return found


def _strips() -> list[Pairing]:
    """A strip at the upper or lower edge is left out of both photos."""
    found = []
    for view in (View(top=0.12), View(bottom=0.12)):
        found.append(Pairing(view, view, Relation.CAPTIONED, strip=True))
        mirrored = View(top=view.top, bottom=view.bottom, mirrored=True)
        found.append(Pairing(mirrored, view, Relation.MIRRORED, strip=True))
    return found


PLAIN_PAIRINGS = (
    Pairing(WHOLE, WHOLE, Relation.SAME),
    Pairing(View(mirrored=True), WHOLE, Relation.MIRRORED),
)
"""What is always compared."""

PARTIAL_PAIRINGS = (
    *_crops(),
    *_reshapes(),
    *_turns(),
    *_strips(),
    Pairing(View(0.05, 0.05, 0.05, 0.05, mirrored=True), WHOLE, Relation.MIRRORED),
)
"""What is compared besides, where copies that show a part are searched."""
