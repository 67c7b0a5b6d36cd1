"""Walls: what each pixel of a photo shows of a wall, before weather and light."""

from dataclasses import dataclass

import numpy as np

from pipeline.photos.drawing.bonds import Courses
from pipeline.photos.drawing.bricks import brick_surface
from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.fields import ONE, blend, ramp
from pipeline.photos.drawing.laying import Laid, lay
from pipeline.photos.drawing.mortars import brick_cover, gaps, mortar_surface
from pipeline.photos.drawing.stones import stone_surface
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.styles import Colour, Wall, plane


@dataclass(frozen=True)
class Face:
    """What a photo shows of a wall, before weather and light; all int32 `[height, width]` but `colours`.

    Args:
        courses: the bond.
        colours: `[3, height, width]`, 0 to 4095.
        relief: height over the general face of the wall in 1/256 pixel; joints lie below 0.
        mortar: 256 on mortar, 0 on brick; smears lie on brick and count as mortar.
        brick: number of the brick or stone that each pixel lies on or next to, from 0.
        num_bricks: how many numbers `brick` may hold; not all of them are in sight.
        inside: distance inside the edge of that brick, 1/256 pixel, negative on mortar.
    """

    courses: Courses
    colours: Grid
    relief: Grid
    mortar: Grid
    brick: Grid
    num_bricks: int
    inside: Grid


def lay_wall(wall: Wall, camera: Camera, stream: Stream) -> Face:
    """Lay the bricks or stones that a camera sees, and colour them and their mortar."""
    laid = lay(wall, camera, stream.child("bricks"))
    surface = stone_surface if wall.is_stone else brick_surface
    bricks = surface(wall, laid, stream.child("face"))
    mortar = mortar_surface(wall, laid, stream.child("mortar"))
    cover = brick_cover(wall, laid, stream.child("cover"))
    gap = gaps(wall, laid, stream.child("gaps"))
    colours = blend(mortar.colours, bricks.colours, cover)
    if wall.paint:
        colours = _painted(colours, wall.paint, laid, stream.child("paint"))
    return Face(
        courses=laid.courses,
        colours=blend(colours, 500, gap * 150 >> 8),
        relief=_joined(mortar.relief, bricks.relief, laid, cover) - (gap * laid.length(50) >> 8),
        mortar=ONE - cover,
        brick=laid.brick,
        num_bricks=laid.num_bricks,
        inside=laid.inside,
    )


def _joined(mortar: Grid, bricks: Grid, laid: Laid, cover: Grid) -> Grid:
    """Relief of both: a smear lies on the brick, other mortar beside it."""
    on_brick = ramp(laid.inside, -ONE // 2, ONE // 2)
    smeared = np.maximum(mortar, bricks + laid.length(8))
    return blend(blend(mortar, smeared, on_brick), bricks, cover)


def _painted(colours: Grid, paint: Colour, laid: Laid, stream: Stream) -> Grid:
    """Paint over all, worn off in places."""
    worn = ramp(laid.rough(stream, 300, 5), 260, 420) * stream.between(0, 256) >> 8
    return blend(colours, plane(paint), ((ONE - worn) * 236) >> 8)
