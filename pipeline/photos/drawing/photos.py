"""One photo of one wall."""

from dataclasses import dataclass

import numpy as np

from pipeline.photos.drawing.cameras import place_camera
from pipeline.photos.drawing.cracks import crack_margin, crack_mask, open_cracks
from pipeline.photos.drawing.lights import lit, taken
from pipeline.photos.drawing.streams import Mask, Pixels, Stream
from pipeline.photos.drawing.walls import choose_wall, lay_wall
from pipeline.photos.drawing.weather import weathered


@dataclass(frozen=True)
class View:
    """Which photo: of which wall, of which stretch of it, and whether that wall is cracked."""

    wall: int
    stretch: int
    cracked: bool


@dataclass(frozen=True)
class Drawing:
    """A drawn photo and its cracked pixels, none on an intact wall."""

    pixels: Pixels
    mask: Mask


def draw_photo(view: View, stream: Stream) -> Drawing:
    """Draw a photo.

    Args:
        view: what it shows.
        stream: of the batch; each wall and each photo has its own stream below it.

    Returns:
        A photo of 192x192 pixels, or about as many in another format.
    """
    wall = choose_wall(stream.child("wall", view.wall))
    own = stream.child("wall", view.wall, "stretch", view.stretch)
    camera = place_camera(own.child("camera"), wall.brick_height + wall.joint)
    face = lay_wall(wall, camera, own.child("face"))
    mask: Mask = np.zeros(camera.shape, np.bool_)
    if view.cracked:
        margin = crack_margin(face, camera, own.child("cracks"))
        face = open_cracks(face, margin, own.child("open"))
        mask = crack_mask(margin)
    colours = weathered(face.colours, face.mortar, own.child("weather"))
    colours = lit(colours, face.relief, own.child("light"))
    return Drawing(taken(colours, own.child("camera", "exposure")), mask)
