"""Missing bricks: a dark place with the wall's core behind, the bed below and rubble on it."""

from dataclasses import replace

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.damages import FAR, Brick, Damaged, bricks_in_sight, earthen, nearest_first
from pipeline.photos.drawing.fields import ONE, blend, blurred, ramp, rough_noise
from pipeline.photos.drawing.shapes import Oval, any_axis, moved, oval_field
from pipeline.photos.drawing.streams import Grid, Mask, Stream
from pipeline.photos.drawing.styles import plane
from pipeline.photos.drawing.walls import Face

_MOST_PER_CENT = 28
"""Share of the photo that one hole takes at most; of a nearer brick, a part is broken off instead."""


def robbed(face: Face, camera: Camera, stream: Stream) -> Damaged:
    """Take some bricks out that lie together, or break a near one off; the mask holds what is empty."""
    margin = _hole(face, camera, stream.child("hole"))
    edge = max(ONE, camera.millimetre)
    gone = ramp(margin, -edge // 2, edge // 2)
    worn = ramp(margin, -5 * ONE, -ONE) * ramp(rough_noise(stream.child("worn"), camera.shape, 6, 2), -100, 300) >> 8
    dust = np.minimum((face.colours * 300 >> 8) + 80, 4095)
    colours = blend(face.colours, dust, (worn * (ONE - gone) >> 8) * stream.between(30, 130) >> 8)
    mask: Mask = margin >= 0
    if mask.any():
        colours = blend(colours, _inside(face, margin, stream.child("inside")), gone)
    # The hole has a light of its own: a relief as deep as a brick would draw a bright line along its lower edge.
    relief = face.relief - (gone * camera.millimetre * 10 >> 8)
    return Damaged(replace(face, colours=colours, relief=relief), mask)


def _hole(face: Face, camera: Camera, stream: Stream) -> Grid:
    """How far inside the hole each pixel lies, 1/256 pixel."""
    shape = camera.shape
    margin: Grid = np.full(shape, FAR, np.int32)
    bricks = bricks_in_sight(face, stream.child("bricks"))
    limit = shape[0] * shape[1] * _MOST_PER_CENT // 100
    small = [brick for brick in bricks if brick.size <= limit]
    taken = _together(small, limit, stream) if small else bricks[:1]
    cell = min(max(camera.millimetre * 14 >> 8, 4), 24)
    ragged = rough_noise(stream.child("ragged"), shape, cell, 3) * min(camera.millimetre * 8, 5 * ONE) >> 10
    out = np.where(np.isin(face.brick, [brick.number for brick in taken]), face.inside, FAR)
    margin = out + min(face.courses.joint // 3, 2 * ONE) + ragged
    if not small or (len(taken) == 1 and taken[0].size * 8 > limit and stream.chance(35)):
        margin = np.minimum(margin, _broken_off(taken[0], shape, stream) + ragged * 2)
    elif len(taken) > 1:
        # The mortar between two bricks goes with them.
        reach = max(1, face.courses.joint // ONE)
        together = blurred((out > FAR).astype(np.int32) * ONE, reach)
        margin = np.maximum(margin, (together - 190) * reach * 3 + ragged)
    return margin.astype(np.int32)


def _together(bricks: list[Brick], limit: int, stream: Stream) -> list[Brick]:
    """One brick, or some that lie together: more of them the smaller they are in sight."""
    least, most = limit // 20, limit * stream.between(6, 40) // 100
    number = stream.between(1, 6)
    taken: list[Brick] = []
    size = 0
    for brick in nearest_first(bricks):
        is_seen = size >= least
        if is_seen and (len(taken) == number or size + brick.size > max(most, limit // 4)):
            break
        taken.append(brick)
        size += brick.size
    return taken


def _broken_off(brick: Brick, shape: tuple[int, int], stream: Stream) -> Grid:
    """How far beyond a slanting break through a brick the pixels lie, 1/256 pixel."""
    rows, columns = brick.window
    y = np.arange(shape[0], dtype=np.int32)[:, None]
    x = np.arange(shape[1], dtype=np.int32)[None, :]
    middle = columns.start + brick.width * stream.between(35, 65) // 100
    slant = (y - (rows.start + rows.stop) // 2) * stream.between(-90, 90) >> 8
    margin: Grid = (x - middle - slant) * stream.sign() * ONE
    return margin


def _inside(face: Face, margin: Grid, stream: Stream) -> Grid:
    """What is seen in the hole: the core of the wall in the dark, a lit side, the bed below and rubble on it."""
    shape = margin.shape[0], margin.shape[1]
    rows = np.nonzero((margin >= 0).any(axis=1))[0]
    height = int(rows[-1] - rows[0]) + 1
    below_top, above_bottom = _depths(margin)
    rough = ONE + (rough_noise(stream.child("rough"), shape, max(4, height // 4), 3) * 190 >> 10)
    core = moved(blurred(face.colours, 1), height // 2 + 1, height) * rough >> 8
    light = 30 + (ramp(below_top, height // 8, height * stream.between(7, 11) // 10) * stream.between(70, 150) >> 8)
    lit_side = ramp(moved(margin, 0, stream.sign() * max(1, height // 6)), ONE, -ONE)
    light = light + (lit_side * ramp(below_top, height // 8, height * 3 // 4) >> 8) * stream.between(80, 140) // ONE
    colours = core * light >> 8
    mortar = plane(earthen(stream.between(110, 150), stream))
    uneven = rough_noise(stream.child("bed edge"), shape, max(5, height // 3), 3) * height >> 12
    bed = ramp(above_bottom - uneven, height // 4, height // 5 - 1)
    grain = ONE + (rough_noise(stream.child("bed"), shape, 3, 2) * 140 >> 10)
    shade = ramp(below_top, height // 4, height)
    colours = blend(colours, (mortar * grain >> 8) * (45 + (shade * stream.between(90, 170) >> 8)) >> 8, bed)
    ledge = (above_bottom > 0) & (above_bottom <= max(2, height // 4)) & (margin > 0)
    return _with_rubble(np.clip(colours, 0, 4095), ledge, height, stream.child("rubble"))


def _depths(margin: Grid) -> tuple[Grid, Grid]:
    """Pixels below the hole's upper edge, and above its lower edge, in each column."""
    is_open = margin >= -ONE
    some = is_open.any(axis=0)
    first, last = np.argmax(is_open, axis=0), len(margin) - 1 - np.argmax(is_open[::-1], axis=0)
    top, bottom = np.where(some, first, first[some].min()), np.where(some, last, last[some].max())
    # Ragged edges must not draw stripes into the dark.
    smooth = [blurred(edge[None, :].astype(np.int32), 4) for edge in (top, bottom)]
    rows = np.arange(len(margin), dtype=np.int32)[:, None]
    return rows - smooth[0], smooth[1] - rows


def _with_rubble(colours: Grid, ledge: Mask, height: int, stream: Stream) -> Grid:
    """Lumps of mortar and brick on the ledge, which is the lower edge of a hole so many pixels high."""
    colours = colours.copy()
    shape = ledge.shape[0], ledge.shape[1]
    rows, columns = np.nonzero(ledge)
    if not len(rows):
        return colours
    for _ in range(stream.between(3, 14)):
        index = stream.between(0, len(rows) - 1)
        half = stream.between(height * 10, height * 34)
        oval = Oval(int(columns[index]) * ONE, int(rows[index]) * ONE, half, half * 3 // 5, any_axis(stream))
        window, dome = oval_field(oval, shape)
        shading = 70 + (moved(dome, stream.between(0, 2), 1) * 150 >> 8)
        lump = plane(earthen(stream.between(60, 140), stream)) * np.clip(shading, 30, 210) >> 8
        colours[(slice(None), *window)] = blend(colours[(slice(None), *window)], lump, ramp(dome, 0, 60))
    return colours
