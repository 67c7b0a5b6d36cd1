"""Exposures: what lens, sensor and software of a telephone make of the light."""

import numpy as np

from pipeline.photos.drawing.fields import ONE, blend, blurred, noise
from pipeline.photos.drawing.streams import Grid, Pixels, Stream


def taken(colours: Grid, stream: Stream) -> Pixels:
    """Take the photo: lens, exposure, white balance, contrast, grain, noise reduction and sharpening."""
    shape = colours.shape[1], colours.shape[2]
    colours = _focused(colours, stream)
    colours = colours * _vignette(shape, stream) >> 8
    colours = colours * _exposure(colours, stream) >> 8
    colours = colours * np.array(_white_balance(stream), np.int32)[:, None, None] >> 8
    levels = _toned(np.clip(colours, 0, 5200), stream)
    strength = stream.between(4, 70)
    grain = (stream.grid(-128, 128, shape) + stream.grid(-128, 128, shape)) * strength >> 8
    blotches = np.stack([noise(stream.child("chroma", channel), shape, 3) for channel in range(3)])
    levels = levels + grain + (blotches * strength >> 11)
    if stream.chance(30):
        levels = _smoothed(levels)
    levels = _sharpened(levels, stream.between(0, 130) if stream.chance(70) else 0)
    pixels: Pixels = np.moveaxis(np.clip((levels + 8) >> 4, 0, 255), 0, -1).astype(np.uint8)
    return pixels


def _focused(colours: Grid, stream: Stream) -> Grid:
    """Mostly sharp, some a little out of focus."""
    softness = stream.between(200, 256) if stream.chance(10) else stream.between(0, 150)
    return blend(colours, blurred(colours, 1), softness)


def _vignette(shape: tuple[int, int], stream: Stream) -> Grid:
    """Factor that falls towards the corners."""
    height, width = shape
    down = (np.arange(height, dtype=np.int32)[:, None] * 2 - height) * 1024 // height
    along = (np.arange(width, dtype=np.int32)[None, :] * 2 - width) * 1024 // width
    return ONE - ((down * down + along * along) // 1024 * stream.between(0, 40) >> 11)


def _exposure(colours: Grid, stream: Stream) -> int:
    """Factor by which a camera brings a photo most of the way to middle brightness, 256 = as it is."""
    mean = max(1, int(colours.sum(dtype=np.int64)) // colours.size)
    wanted = stream.between(2050, 3000) * ONE // mean
    return min(max((wanted * 3 + ONE * 2) // 5, 190), 600)


def _white_balance(stream: Stream) -> tuple[int, int, int]:
    """Factors of red, green and blue, from too blue to too yellow, and a little towards green or magenta."""
    warmth = stream.between(-20, 20)
    return ONE + warmth, ONE + stream.between(-7, 7), ONE - warmth


def _toned(levels: Grid, stream: Stream) -> Grid:
    """Bright parts roll off, contrast and saturation as the maker likes them."""
    over = np.maximum(levels - 3300, 0)
    levels = np.minimum(levels, 3300) + over * 420 // 1000
    curved = (levels * levels >> 12) * (3 * 4096 - 2 * levels) >> 12
    levels = blend(levels, curved, stream.between(0, 96))
    grey = (levels[0] * 77 + levels[1] * 150 + levels[2] * 29) >> 8
    return blend(levels, grey, stream.between(0, 84))


def _smoothed(levels: Grid) -> Grid:
    """Noise reduction as telephones do it: small differences are levelled, edges stay."""
    soft = blurred(levels, 1)
    detail = levels - soft
    smoothed: Grid = soft + np.where(np.abs(detail) < 150, detail >> 1, detail).astype(np.int32)
    return smoothed


def _sharpened(levels: Grid, strength: int) -> Grid:
    """Unsharp mask, which leaves a halo along edges."""
    detail: Grid = np.clip(levels - blurred(levels, 1), -700, 700)
    return levels + (detail * strength >> 8)
