"""Sameness: whether two aligned thumbnails are one photo, and how they differ."""

from math import radians

import numpy as np

from pipeline.core.parameters import CleanParameters
from pipeline.photos.alignment import Agreement, Flags, Floats
from pipeline.photos.records import Relation
from pipeline.photos.views import Pairing

_UNMOVED = np.array([1.0, 1.0, 0.0, 0.0, 0.0], dtype=np.float32)
_STILL = 0.015
"""Up to so much, in sides and radians, a placement is taken for none: under a pixel of the thumbnail."""
_TURNED = radians(1.0)
_MIN_CONTAINED = 0.96
"""A copy shows a part of its source, or the source a part of it; two photos of one scene each show something else."""
_LEAST_STRETCH, _MOST_STRETCH, _MOST_SQUEEZE, _MOST_TURN = 0.7, 1.4, 1.25, radians(7.0)

_ALLOWANCE_UNMOVED = 0.1
"""Less detail need agree where nothing was moved: no two exposures of a scene lie on each other to the pixel."""
_ALLOWANCE_TURNED = 0.03
"""A turn blurs detail."""
_DEMAND_BOTH_CUT = 0.025
"""More detail must agree where each of the two shows something that the other does not."""


def is_same_photo(agreed: Agreement, placement: Floats, parameters: CleanParameters) -> Flags:
    """Tell which pairs are the same photo.

    Args:
        agreed: of n pairs.
        placement: (n, 5) float32, see `align`.
        parameters: thresholds.

    Returns:
        (n,) bool.
    """
    needed = np.full(len(placement), parameters.min_detail)
    needed[np.abs(placement[:, 2]) > _TURNED] -= _ALLOWANCE_TURNED
    needed[agreed.contained < _MIN_CONTAINED] += _DEMAND_BOTH_CUT
    needed[_is_unmoved(placement)] = parameters.min_detail - _ALLOWANCE_UNMOVED
    alike = (np.round(agreed.detail, 4) >= needed) & (np.round(agreed.correlation, 4) >= parameters.min_correlation)
    return alike & _is_plausible(placement)


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
    if abs(placement[2]) > _TURNED:
        return Relation.TURNED
    return Relation.SAME if _is_unmoved(placement[None])[0] else Relation.CROPPED


def _is_unmoved(placement: Floats) -> Flags:
    still: Flags = (np.abs(placement - _UNMOVED) <= _STILL).all(axis=1)
    return still


def _is_plausible(placement: Floats) -> Flags:
    stretch = placement[:, :2]
    plausible: Flags = (
        (stretch.min(axis=1) >= _LEAST_STRETCH)
        & (stretch.max(axis=1) <= _MOST_STRETCH)
        & (stretch.max(axis=1) <= _MOST_SQUEEZE * stretch.min(axis=1))
        & (np.abs(placement[:, 2]) <= _MOST_TURN)
    )
    return plausible
