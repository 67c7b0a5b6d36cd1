"""One photo of one wall."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from pipeline.photos.drawing.blemishes import blemished
from pipeline.photos.drawing.cameras import Camera, place_camera
from pipeline.photos.drawing.cracks import cracked
from pipeline.photos.drawing.damages import Damaged
from pipeline.photos.drawing.exposures import taken
from pipeline.photos.drawing.fields import ONE
from pipeline.photos.drawing.furnishings import Furnished, furnished
from pipeline.photos.drawing.growth import overgrown
from pipeline.photos.drawing.holes import robbed
from pipeline.photos.drawing.lights import Sun, choose_sun, lit
from pipeline.photos.drawing.salts import salted
from pipeline.photos.drawing.shadows import shade_from_outside
from pipeline.photos.drawing.spalls import spalled
from pipeline.photos.drawing.streams import Mask, Pixels, Stream
from pipeline.photos.drawing.styles import choose_wall
from pipeline.photos.drawing.walls import Face, lay_wall
from pipeline.photos.drawing.weather import weathered


class Condition(StrEnum):
    """What there is to see of a wall: nothing, or one damage; the value is the label."""

    INTACT = "intact"
    CRACK = "crack"
    SPALLING = "spalling"
    EFFLORESCENCE = "efflorescence"
    GROWTH = "growth"
    MISSING_BRICK = "missing_brick"


@dataclass(frozen=True)
class View:
    """Which photo: of which wall, of which stretch of it, and the condition that this wall is in."""

    wall: int
    stretch: int
    condition: Condition


@dataclass(frozen=True)
class Drawing:
    """A drawn photo and its damaged pixels, none on an intact wall."""

    pixels: Pixels
    mask: Mask


def draw_photo(view: View, stream: Stream) -> Drawing:
    """Draw a photo.

    Args:
        view: what it shows.
        stream: of the batch; each wall and each photo has its own stream below it.

    Returns:
        A photo of 192x192 pixels, or about as many in another format, and the damaged pixels that it shows.
    """
    wall = choose_wall(stream.child("wall", view.wall))
    own = stream.child("wall", view.wall, "stretch", view.stretch)
    camera = place_camera(own.child("camera"), wall.yardstick)
    face = lay_wall(wall, camera, own.child("face"))
    face = replace(face, colours=weathered(face.colours, face.mortar, own.child("weather")))
    if own.child("blemished").chance(80 if view.condition is Condition.INTACT else 40):
        face = blemished(face, camera, own.child("blemishes"))
    damaged = _DAMAGES[view.condition](face, camera, own.child("damage"))
    sun = choose_sun(own.child("sun"))
    scene = _in_front_of(damaged, camera, sun, own.child("furnishings"))
    shade = np.minimum(scene.shade, shade_from_outside(camera.shape, sun, own.child("shadows")))
    colours = lit(scene.colours, scene.relief, shade, sun, own.child("light"))
    return Drawing(taken(colours, own.child("camera", "exposure")), damaged.mask & ~scene.cover)


def _in_front_of(damaged: Damaged, camera: Camera, sun: Sun, stream: Stream) -> Furnished:
    """What stands before the wall, or nothing where that would hide a third of the damage that the label names."""
    face = damaged.face
    scene = furnished(face.colours, face.relief, camera, sun, stream)
    if int((damaged.mask & scene.cover).sum()) * 3 <= int(damaged.mask.sum()):
        return scene
    return Furnished(face.colours, face.relief, np.full(camera.shape, ONE, np.int32), np.zeros(camera.shape, np.bool_))


def _undamaged(face: Face, camera: Camera, stream: Stream) -> Damaged:
    return Damaged(face, np.zeros(camera.shape, np.bool_))


_DAMAGES: dict[Condition, Callable[[Face, Camera, Stream], Damaged]] = {
    Condition.INTACT: _undamaged,
    Condition.CRACK: cracked,
    Condition.SPALLING: spalled,
    Condition.EFFLORESCENCE: salted,
    Condition.GROWTH: overgrown,
    Condition.MISSING_BRICK: robbed,
}
