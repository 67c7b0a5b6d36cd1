"""Efflorescence: salts that water carries out of a wall and leaves on it as white blooms, crusts and runs."""

from dataclasses import replace

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.damages import Damaged, painted
from pipeline.photos.drawing.fields import ONE, noise, ramp, rough_noise
from pipeline.photos.drawing.shapes import moved
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.walls import Face

_SHARE_PER_THOUSAND = (180, 500)
"""Share of the photo in which salts begin, least and most; where they are thin, none are seen."""

_PALE = 2300
"""Mean colour above which white hardly shows on a wall."""

_PLAIN = 84
"""Weight from which salts are plain to see."""


def salted(face: Face, camera: Camera, stream: Stream) -> Damaged:
    """Whiten a wall: a band where rising damp ends, blooms, crusts along the joints, runs below them.

    Returns:
        The face, and the pixels that salts cover by about a third or more.
    """
    shape = camera.shape
    wet = _wet(shape, stream.child("wet"))
    crust = _crust(face, camera, stream.child("crust"))
    powder = rough_noise(stream.child("powder"), shape, 5, 3)
    speckle = stream.child("speckle").grid(-260, 260, shape)
    salt = wet + crust + (powder * stream.between(300, 520) >> 10) + (speckle >> 1)
    salt = salt + face.mortar * stream.between(0, 130) // ONE + _by_brick(face, stream.child("bricks"))
    start = _start(salt, stream)
    mottled = 200 + (rough_noise(stream.child("mottled"), shape, 12, 3) * 110 >> 10) + (speckle >> 3)
    weight = ramp(salt, start, start + stream.between(380, 760)) * np.clip(mottled, 60, ONE) >> 8
    weight = weight * stream.between(190, 250) >> 8
    warm = stream.between(0, 14)
    white = (stream.between(228, 246), 240 - warm // 2, 236 - warm)
    # On a pale wall it is the damp around salts that shows them.
    is_pale = int(face.colours.sum(dtype=np.int64)) > _PALE * face.colours.size
    most = stream.between(110, 150) if is_pale else stream.between(0, 90)
    damp = (ramp(salt, start - stream.between(300, 600), start) * most >> 8) * (ONE - weight) >> 8
    colours = painted(face.colours * (ONE - damp) >> 8, white, weight)
    return Damaged(
        replace(face, colours=colours, relief=face.relief + (weight >> 3) + (weight * powder >> 12)), weight >= _PLAIN
    )


def _start(salt: Grid, stream: Stream) -> int:
    """The level from which salts show, so that neither none nor all of the photo is white."""
    share = stream.between(*_SHARE_PER_THOUSAND)
    ordered = np.sort(salt, axis=None)
    return int(ordered[ordered.size * (1000 - share) // 1000]) - 120


def _wet(shape: tuple[int, int], stream: Stream) -> Grid:
    """Where water comes out: a wandering band, or patches; about -1700 to 1500."""
    height, width = shape
    patches = rough_noise(stream.child("patches"), shape, 54, 3)
    if stream.chance(45):
        return patches * stream.between(700, 1000) >> 10
    along = np.arange(width, dtype=np.int32)[None, :]
    down = np.arange(height, dtype=np.int32)[:, None]
    tilt = along * stream.between(-40, 40) >> 8
    wander = rough_noise(stream.child("wander"), (1, width), max(20, width // 3), 3) * height >> 12
    off = np.abs(down - height * stream.between(20, 85) // 100 - tilt - wander) * 1024 // height
    half = stream.between(110, 300)
    band: Grid = np.maximum(420 - off * 600 // half, -900)
    runs = noise(stream.child("runs"), shape, 5, 80) * 260 >> 10
    wet: Grid = band + (patches * 850 >> 10) + runs
    return wet


def _crust(face: Face, camera: Camera, stream: Stream) -> Grid:
    """Salts gather along the joints' edges and run down from them a little."""
    reach = max(2 * ONE, camera.millimetre * stream.between(6, 16))
    edge = ramp(np.abs(face.inside), reach, 0)
    drip = np.maximum(edge, moved(edge, 2 + reach // (2 * ONE), 0) * 3 // 4)
    return drip * stream.between(60, 420) >> 8


def _by_brick(face: Face, stream: Stream) -> Grid:
    """Some bricks draw more water than others; none of it on mortar."""
    thirst = stream.grid(-260, 260, (face.num_bricks,))
    on_brick: Grid = ONE - face.mortar
    return on_brick * thirst[face.brick] >> 8
