"""Alignment: lay one thumbnail over another and tell how well they agree where both show the same.

A pair of views tells where to start; least squares move, stretch and turn one thumbnail until the greys agree, and the
part that fits worst (an overprint, a corner without a photo) is left out. Photos of one layout agree in their large
forms, so that fine detail must agree too.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.photos.fingerprints import THUMBNAIL_SIDE
from pipeline.photos.sampling import UNMOVED, Flags, Floats, cubic, linear, points, sampled, side_of

SIDE = THUMBNAIL_SIDE
_COARSE = 2
"""Thumbnails are reduced by this factor while they are aligned."""
_COARSE_STEPS = 4
_FINE_STEPS = 2
_KEPT_SHARE = 0.85
"""Of the pixels that both show: the others fit worst, and are left out."""
_MAX_STEP = 0.05
"""Largest change of a placement in one step, as a share of the side."""
_DAMPING = 1e-3
_FAR = np.float32(1e9)
_HALF = np.float32(0.5)
_BLUR_PER_ENLARGEMENT = 0.5
"""Variance, in pixels, by which the finer of two thumbnails is blurred per doubling of the other's area."""


@dataclass(frozen=True)
class Agreement:
    """How well aligned thumbnails agree; each is (n,) float32."""

    correlation: Floats
    """Of the greys, where they fit best."""
    detail: Floats
    """Correlation of the fine detail, where the greys fit best."""
    contained: Floats
    """Share of one photo that the other shows too; of the photo of which it is larger."""


def align(first: Floats, second: Floats, start: Floats, region: Flags) -> Floats:
    """Move, stretch and turn the first of each pair until its greys agree best with those of the second.

    Args:
        first: (n, 2304) float32 greys in [0, 255], one row of 48x48 per pair.
        second: the same shape; row by row the other of the pair.
        start: (n, 5) float32 placements: stretch across and down, turn in radians, shift across and down in sides;
            they take a point of the second thumbnail to the one of the first that shows the same.
        region: (n, 2304) bool: which pixels of the second count.

    Returns:
        (n, 5) float32 placements.
    """
    coarse_first, coarse_second = _reduced(first), _reduced(second)
    coarse_region = region.reshape(len(region), SIDE, SIDE)[:, ::_COARSE, ::_COARSE].reshape(len(region), -1)
    placement = start.copy()
    for _ in range(_COARSE_STEPS):
        moved, inside = sampled(coarse_first, placement, linear)
        kept = _best_fitting(moved, coarse_second, inside & coarse_region)
        placement += _step(moved, coarse_second, kept)
    for _ in range(_FINE_STEPS):
        moved, inside = sampled(first, placement, cubic)
        moved, fine_second = _equally_fine(moved, second, placement)
        kept = _best_fitting(moved, fine_second, inside & region)
        placement += _step(moved, fine_second, kept)
    return placement


def agreement(first: Floats, second: Floats, placement: Floats, region: Flags) -> Agreement:
    """Tell how well aligned thumbnails agree.

    Args:
        first: as in `align`.
        second: as in `align`.
        placement: what `align` returns.
        region: as in `align`.
    """
    moved, inside = sampled(first, placement, cubic)
    inside &= region
    moved, second = _equally_fine(moved, second, placement)
    kept = _best_fitting(moved, second, inside)
    shown = np.count_nonzero(inside, axis=1) / np.maximum(np.count_nonzero(region, axis=1), 1)
    return Agreement(
        correlation=_correlation(moved, second, kept),
        detail=_correlation(_detail(moved), _detail(second), kept & _without_edge(inside)),
        contained=(shown * np.maximum(placement[:, 0] * placement[:, 1], 1)).astype(np.float32),
    )


def agreement_in_place(first: Floats, second: Floats, region: Flags) -> Agreement:
    """Tell how well thumbnails agree as they lie, with nothing left out: quicker than `agreement`, and stricter.

    Args:
        first: as in `align`.
        second: as in `align`.
        region: as in `align`.
    """
    return Agreement(
        correlation=_correlation(first, second, region),
        detail=_correlation(_detail(first), _detail(second), _without_edge(region)),
        contained=np.ones(len(first), dtype=np.float32),
    )


def _reduced(thumbnails: Floats) -> Floats:
    side = SIDE // _COARSE
    blocks = thumbnails.reshape(len(thumbnails), side, _COARSE, side, _COARSE)
    means: Floats = blocks.mean(axis=(2, 4), dtype=np.float32)
    return means.reshape(len(thumbnails), -1)


def _best_fitting(moved: Floats, second: Floats, inside: Flags) -> Flags:
    """Leave out the pixels that disagree most, once contrast and brightness are made equal."""
    off = np.abs(_fitted(moved, second, inside) - second)
    off[~inside] = _FAR
    worst = (np.count_nonzero(inside, axis=1) * _KEPT_SHARE).astype(np.int64)
    limit = np.take_along_axis(np.sort(off, axis=1), np.maximum(worst - 1, 0)[:, None], axis=1)
    kept: Flags = inside & (off <= limit)
    return kept


def _fitted(moved: Floats, second: Floats, where: Flags) -> Floats:
    """The first of each pair with the contrast and brightness that bring it nearest to the second."""
    left, right = _centred(moved, where), _centred(second, where)
    contrast = (left * right).sum(axis=1) / np.maximum((left * left).sum(axis=1), 1e-3)
    fitted: Floats = (moved - _mean(moved, where)) * contrast[:, None] + _mean(second, where)
    return fitted


def _mean(values: Floats, where: Flags) -> Floats:
    count = np.maximum(np.count_nonzero(where, axis=1).astype(np.float32), 1)
    mean: Floats = ((values * where).sum(axis=1) / count)[:, None]
    return mean


def _centred(values: Floats, where: Flags) -> Floats:
    return (values - _mean(values, where)) * where


def _correlation(first: Floats, second: Floats, where: Flags) -> Floats:
    """Pearson correlation over some pixels of each pair; 0 where either is constant."""
    left, right = _centred(first, where), _centred(second, where)
    scale = np.sqrt((left * left).sum(axis=1) * (right * right).sum(axis=1))
    correlation: Floats = np.divide((left * right).sum(axis=1), scale, out=np.zeros_like(scale), where=scale > 1e-3)
    return correlation


def _step(moved: Floats, second: Floats, kept: Flags) -> Floats:
    """One step of least squares over contrast, brightness and the five numbers of the placement."""
    side = side_of(moved)
    x, y = points(side)
    squares = moved.reshape(-1, side, side)
    slope_x = _slope(squares, 2).reshape(moved.shape) * side
    slope_y = _slope(squares, 1).reshape(moved.shape) * side
    columns = (moved, np.ones_like(moved), slope_x * x, slope_y * y, slope_y * x - slope_x * y, slope_x, slope_y)
    # Products in float64: the order in which a processor's library adds them up then leaves no trace in the result.
    rows = np.stack((*columns, second), axis=1).astype(np.float64)
    products = (rows[:, :-1] * kept[:, None, :]) @ rows.transpose(0, 2, 1)
    system, wanted = products[:, :, :-1].copy(), products[:, :, -1:]
    diagonal = np.arange(len(columns))
    system[:, diagonal, diagonal] *= 1 + _DAMPING
    system[:, diagonal, diagonal] += _DAMPING
    solution = np.linalg.solve(system, wanted)[:, :, 0]
    contrast = np.maximum(np.abs(solution[:, :1]), 0.2)
    step: Floats = np.clip(solution[:, 2:] / contrast, -_MAX_STEP, _MAX_STEP).astype(np.float32)
    return step


def _slope(squares: Floats, axis: int) -> Floats:
    padded = np.pad(squares, [(0, 0)] + [(1, 1) if one == axis else (0, 0) for one in (1, 2)], mode="edge")
    rise = padded[:, :, 2:] - padded[:, :, :-2] if axis == 2 else padded[:, 2:] - padded[:, :-2]
    slope: Floats = _HALF * rise
    return slope


def _equally_fine(moved: Floats, second: Floats, placement: Floats) -> tuple[Floats, Floats]:
    """Blur the finer of two thumbnails as much as enlargement blurred the other."""
    if (placement == UNMOVED).all():
        return moved, second
    area = np.clip(placement[:, 0] * placement[:, 1], 0.25, 4.0)
    half = np.float32(_BLUR_PER_ENLARGEMENT / 2)
    return _blurred(moved, np.clip(area - 1, 0, 1) * half), _blurred(second, np.clip(1 / area - 1, 0, 1) * half)


def _detail(thumbnails: Floats) -> Floats:
    """What a blur by a pixel or two takes away."""
    quarter = np.full(len(thumbnails), 0.25, dtype=np.float32)
    return thumbnails - _blurred(_blurred(thumbnails, quarter), quarter)


def _blurred(thumbnails: Floats, share: Floats) -> Floats:
    """Give each neighbour, across and then down, a share of a pixel."""
    squares = thumbnails.reshape(-1, SIDE, SIDE)
    part = share[:, None, None]
    for axis in (2, 1):
        padded = np.pad(squares, [(0, 0)] + [(1, 1) if one == axis else (0, 0) for one in (1, 2)], mode="edge")
        both = padded[:, :, :-2] + padded[:, :, 2:] if axis == 2 else padded[:, :-2] + padded[:, 2:]
        squares = squares + part * (both - 2 * squares)
    return squares.reshape(thumbnails.shape)


def _without_edge(inside: Flags) -> Flags:
    """Leave out pixels beside one that lies outside, and the edge of the thumbnail."""
    squares = inside.reshape(-1, SIDE, SIDE)
    inner = np.zeros_like(squares)
    inner[:, 1:-1, 1:-1] = (
        squares[:, 1:-1, 1:-1]
        & squares[:, :-2, 1:-1]
        & squares[:, 2:, 1:-1]
        & squares[:, 1:-1, :-2]
        & squares[:, 1:-1, 2:]
    )
    return inner.reshape(inside.shape)
