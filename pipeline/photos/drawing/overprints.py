"""What others print over a photo before they pass it on: captions and watermarks."""

import numpy as np

from pipeline.photos.drawing.fields import ONE, blend, ramp
from pipeline.photos.drawing.letters import written
from pipeline.photos.drawing.streams import Grid, Mask, Pixels, Stream

_PLACES = ("NORTH WALL", "OLD MILL", "GATE HOUSE", "WEST TOWER", "BARN 3", "CHAPEL", "CITY WALL", "GABLE END")
_OWNERS = ("PHOTO ARCHIVE", "STONE HERITAGE", "OLD WALLS", "BRICK LIBRARY")


def captioned(pixels: Pixels, stream: Stream) -> tuple[Pixels, Mask]:
    """Write a caption: on a bar below the photo, on a bar over its lower edge, or straight over it.

    Returns:
        The photo, higher by the bar where that hangs below, and the pixels that the bar hides or adds.
    """
    size = 2 if pixels.shape[1] >= 200 and stream.chance(40) else 1
    text = f"{_PLACES[stream.between(0, len(_PLACES) - 1)]} {stream.between(1880, 2024)}"
    ink = written(text, size)[:, : pixels.shape[1] - 8]
    bar = ink.shape[0] + 2 * stream.between(4, 8)
    style = stream.between(0, 2)
    if style == 0:
        pixels = np.concatenate((pixels, np.zeros((bar, *pixels.shape[1:]), np.uint8)))
    printed = pixels.copy()
    hidden: Mask = np.zeros(pixels.shape[:2], np.bool_)
    paper, letter = (245, 20) if stream.chance(50) else (18, 235)
    if style < 2:
        printed[-bar:] = paper
        hidden[-bar:] = True
    top = pixels.shape[0] - (bar + ink.shape[0]) // 2
    left = stream.between(4, pixels.shape[1] - ink.shape[1] - 4)
    printed[top : top + ink.shape[0], left : left + ink.shape[1]][ink] = letter
    return printed, hidden


def watermarked(pixels: Pixels, stream: Stream) -> Pixels:
    """Print a half transparent mark over a photo: the owner's name again and again, or a ring around a name."""
    shape = pixels.shape[0], pixels.shape[1]
    name = _OWNERS[stream.between(0, len(_OWNERS) - 1)]
    ink = _repeated(name, shape, stream) if stream.chance(60) else _ring(name.split()[0], shape, stream)
    light = blend(pixels.astype(np.int32), 255, (ink * stream.between(110, 160) >> 8)[:, :, None])
    return light.astype(np.uint8)


def _repeated(name: str, shape: tuple[int, int], stream: Stream) -> Grid:
    """The name in rows over the whole photo, each row moved on."""
    tile = np.pad(written(name, stream.between(1, 2)), ((8, 22), (6, 24)))
    rows = [np.roll(tile, index * 37, axis=1) for index in range(shape[0] // len(tile) + 1)]
    whole = np.concatenate(rows)
    repeats = shape[1] // whole.shape[1] + 1
    return np.tile(whole, (1, repeats))[: shape[0], : shape[1]].astype(np.int32) * ONE


def _ring(name: str, shape: tuple[int, int], stream: Stream) -> Grid:
    """A ring with the name across it."""
    word = written(name, 2)
    radius = min(max(shape) * stream.between(22, 30) // 100 + word.shape[1] // 6, min(shape) // 2 - 6)
    y, x = np.indices(shape, dtype=np.int32)
    square = (y - shape[0] // 2) ** 2 + (x - shape[1] // 2) ** 2
    off = np.abs(square - radius * radius) // radius
    ink: Grid = ramp(off, 9, 6).astype(np.int32)
    top, left = shape[0] // 2 - word.shape[0] // 2, max(0, shape[1] // 2 - word.shape[1] // 2)
    place = ink[top : top + word.shape[0], left : left + word.shape[1]]
    place[word[:, : place.shape[1]]] = ONE
    return ink
