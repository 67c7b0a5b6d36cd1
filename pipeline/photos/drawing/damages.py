"""What all damages share: their result, paint, and the choice of the bricks that they befall."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.photos.drawing.fields import ONE, blend
from pipeline.photos.drawing.shapes import Window
from pipeline.photos.drawing.streams import Grid, Mask, Stream
from pipeline.photos.drawing.styles import Colour, plane
from pipeline.photos.drawing.walls import Face

FAR = -64 * ONE
"""Distance inside a damage, 1/256 pixel, of pixels well outside it."""


@dataclass(frozen=True)
class Damaged:
    """A wall's face after a damage, and the pixels that show it."""

    face: Face
    mask: Mask


@dataclass(frozen=True)
class Brick:
    """A brick in sight: its number in `Face.brick`, its pixels' bounds and how many pixels show it."""

    number: int
    window: Window
    size: int

    @property
    def centre(self) -> tuple[int, int]:
        """Row and column of its middle."""
        rows, columns = self.window
        return (rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2

    @property
    def height(self) -> int:
        """Pixel rows that it reaches over."""
        return int(self.window[0].stop - self.window[0].start)

    @property
    def width(self) -> int:
        """Pixel columns that it reaches over."""
        return int(self.window[1].stop - self.window[1].start)


def bricks_in_sight(face: Face, stream: Stream) -> list[Brick]:
    """Bricks of which enough is seen, those near the middle of the photo first, else in no order."""
    height, width = face.brick.shape
    rows, columns = np.nonzero(face.inside > 0)
    numbers = face.brick[rows, columns]
    sizes = np.bincount(numbers, minlength=face.num_bricks)
    low = np.full((2, face.num_bricks), max(height, width), np.int64)
    high = np.zeros((2, face.num_bricks), np.int64)
    for axis, places in enumerate((rows, columns)):
        np.minimum.at(low[axis], numbers, places)
        np.maximum.at(high[axis], numbers, places + 1)
    middle = (low + high) // 2
    size = np.array([[height], [width]], np.int64)
    is_off = (np.abs(2 * middle - size) * 9 > size * 5).any(axis=0)
    draws = stream.grid(0, 1 << 30, (face.num_bricks,))
    enough = np.nonzero(sizes * 5 >= max(1, int(sizes.max(initial=0))) * 2)[0]
    order = sorted(enough.tolist(), key=lambda number: (bool(is_off[number]), draws[number]))
    return [Brick(number, _window(low[:, number], high[:, number]), int(sizes[number])) for number in order]


def brick_colours(face: Face) -> Grid:
    """Mean colour of each brick, `[3, num_bricks]`; 0 for those out of sight."""
    on_brick = face.inside > 0
    numbers = face.brick[on_brick]
    counts = np.maximum(np.bincount(numbers, minlength=face.num_bricks), 1)
    sums = np.zeros((3, face.num_bricks), np.int64)
    for channel in range(3):
        np.add.at(sums[channel], numbers, face.colours[channel][on_brick])
    return (sums // counts).astype(np.int32)


def nearest_first(bricks: list[Brick]) -> list[Brick]:
    """The first brick, and after it the others from near to far: damage spreads from brick to brick."""

    def distance(brick: Brick) -> int:
        (down, along), (first_down, first_along) = brick.centre, bricks[0].centre
        return 2 * abs(down - first_down) + abs(along - first_along)

    return sorted(bricks, key=distance)


def _window(low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> Window:
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def earthen(brightness: int, stream: Stream) -> Colour:
    """A colour of mortar, dust or stone: grey that tends to yellow; `brightness` 0 to 255."""
    return brightness, brightness * stream.between(228, 252) >> 8, brightness * stream.between(190, 236) >> 8


def painted(colours: Grid, colour: Colour | Grid, weight: Grid | int) -> Grid:
    """Lay a colour (0 to 255) or plane of colours (0 to 4095) over others, hidden at weight 0, opaque at 256."""
    return blend(colours, colour if isinstance(colour, np.ndarray) else plane(colour), weight)
