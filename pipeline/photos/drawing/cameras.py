"""Where the camera stands: which point of the wall each pixel shows."""

from dataclasses import dataclass

import numpy as np

from pipeline.photos.drawing.fields import ONE
from pipeline.photos.drawing.streams import Grid, Stream

_SHAPES = ((192, 192), (168, 224), (224, 168), (176, 208), (160, 240), (208, 176))
"""Height and width of photos, pixels."""

_DISTANCES = ((34, (70, 30)), (62, (30, 17)), (100, (17, 10)))
"""Height of a course in pixels, most and least, at each distance; with it, the percent of the photos left over that
are taken there."""

_UNIT = 1 << 16

Row = tuple[int, int, int]


@dataclass(frozen=True)
class Camera:
    """A photo's size and its projection of the wall, a whole-number homography around the photo's centre.

    Args:
        height: pixels.
        width: pixels.
        millimetre: length of a millimetre of wall at the photo's centre, in 1/256 pixel.
        along: row of the homography that gives the place along the wall.
        down: the same for the place down the wall.
        depth: the same for the divisor.
    """

    height: int
    width: int
    millimetre: int
    along: Row
    down: Row
    depth: Row

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.height, self.width

    def wall_grids(self) -> tuple[Grid, Grid]:
        """Place along and down the wall that each pixel shows, in 1/256 pixel, int32 `[height, width]`."""
        down, along = np.indices(self.shape, dtype=np.int64)
        along, down = along - self.width // 2, down - self.height // 2
        depth = self.depth[0] * along + self.depth[1] * down + self.depth[2]
        on_wall = [(row[0] * along + row[1] * down + row[2]) // depth for row in (self.along, self.down)]
        return on_wall[0].astype(np.int32), on_wall[1].astype(np.int32)


def place_camera(stream: Stream, yardstick: int) -> Camera:
    """Choose size, distance, tilt and perspective of a photo.

    Args:
        stream: the photo's stream.
        yardstick: height of a course of bricks, millimetres; it shows at 10 to 70 pixels, in a third of the photos
            at 30 or more.
    """
    height, width = _SHAPES[stream.between(0, len(_SHAPES) - 1)]
    near, far = next(reach for upto, reach in _DISTANCES if stream.chance(upto))
    millimetre = stream.between(far, near) * ONE // yardstick
    most = _UNIT * ONE // (18 if stream.chance(25) else 45)
    tilt = stream.between(-most, most)
    shear = stream.between(-_UNIT * ONE // 50, _UNIT * ONE // 50)
    scale = _UNIT * ONE
    turn = stream.between(-_UNIT // 4, _UNIT // 4) // width if stream.chance(45) else 0
    nod = stream.between(-_UNIT // 5, _UNIT // 5) // height if stream.chance(40) else 0
    origin = (stream.between(0, 1 << 20), stream.between(0, 1 << 20))
    # The origin is added after the division by depth, hence the depth row in each of the other two.
    along = (scale + origin[0] * turn, shear - tilt + origin[0] * nod, origin[0] * _UNIT)
    down = (tilt + origin[1] * turn, scale + origin[1] * nod, origin[1] * _UNIT)
    return Camera(height, width, millimetre, along, down, (turn, nod, _UNIT))
