"""Sameness: whether two aligned thumbnails are one photo, and how they differ."""

from math import radians

import numpy as np

from pipeline.core.parameters import CleanParameters
from pipeline.photos.alignment import Agreement
from pipeline.photos.records import Relation
from pipeline.photos.sampling import UNMOVED, Flags, Floats
from pipeline.photos.views import Pairing

_STILL = 0.015
"""Up to so much, in sides and radians, a placement is taken for none: under a pixel of the thumbnail."""
_MAX_TURN_OF_CROP = 0.004
_MIN_TURN = radians(2.2)
"""Who crops does not turn, and who turns a photo turns it visibly; hands turn a camera by what lies between."""
_MIN_CONTAINED, _CONTAINED = 0.974, 0.985
"""A copy shows a part of its source, or the source a part of it; two photos of one scene each show something else."""
_LEAST_STRETCH, _MOST_STRETCH, _MOST_SQUEEZE, _MAX_TURN = 0.65, 1.55, 1.55, radians(7.0)

_ALLOWANCE_STILL = 0.1
"""Less detail need agree where nothing was moved: no two photos of a scene lie on each other to the pixel."""
_MIN_DETAIL_DOUBTFUL, _MIN_DETAIL_UNEXPLAINED = 0.925, 0.985
"""Of pairs that a hand with a camera may have placed so as well as an edit, and of those that no edit explains."""


def is_same_photo(agreed: Agreement, placement: Floats, parameters: CleanParameters) -> Flags:
    """Tell which pairs are the same photo.

    Args:
        agreed: of n pairs.
        placement: (n, 5) float32, see `align`.
        parameters: thresholds.

    Returns:
        (n,) bool.
    """
    needed = np.full(len(placement), max(parameters.min_detail, _MIN_DETAIL_UNEXPLAINED))
    edit = _is_an_edit(agreed, placement)
    doubtful = (np.abs(placement[:, 2]) >= _MIN_TURN) | (agreed.contained < _CONTAINED)
    needed[edit] = parameters.min_detail
    needed[edit & doubtful] = max(parameters.min_detail, _MIN_DETAIL_DOUBTFUL)
    needed[is_still(placement)] = parameters.min_detail - _ALLOWANCE_STILL
    alike = (np.round(agreed.detail, 4) >= needed) & (np.round(agreed.correlation, 4) >= parameters.min_correlation)
    return alike & _is_plausible(placement)


def is_still(placement: Floats) -> Flags:
    """(n,) bool: the placements that move nothing."""
    still: Flags = (np.abs(placement - UNMOVED) <= _STILL).all(axis=1)
    return still


def relation_of(pairing: Pairing, placement: Floats) -> Relation:
    """How two photos that are the same differ.

    Args:
        pairing: the views by which they were found.
        placement: (5,) float32, see `align`.
    """
    if pairing.first.mirrored:
        return Relation.MIRRORED
    if pairing.relation == Relation.CAPTIONED:
        return Relation.CAPTIONED
    if abs(placement[2]) >= _MIN_TURN:
        return Relation.TURNED
    return Relation.SAME if is_still(placement[None])[0] else Relation.CROPPED


def _is_an_edit(agreed: Agreement, placement: Floats) -> Flags:
    """Whether a crop or a turn on purpose places one thumbnail in the other like that."""
    turn = np.abs(placement[:, 2])
    edit: Flags = (agreed.contained >= _MIN_CONTAINED) & ((turn <= _MAX_TURN_OF_CROP) | (turn >= _MIN_TURN))
    return edit


def _is_plausible(placement: Floats) -> Flags:
    stretch = placement[:, :2]
    plausible: Flags = (
        (stretch.min(axis=1) >= _LEAST_STRETCH)
        & (stretch.max(axis=1) <= _MOST_STRETCH)
        & (stretch.max(axis=1) <= _MOST_SQUEEZE * stretch.min(axis=1))
        & (np.abs(placement[:, 2]) <= _MAX_TURN)
    )
    return plausible
