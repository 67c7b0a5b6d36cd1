"""Light and camera: relief in raking light, gradients, shadows, vignette, softness and grain."""

import numpy as np

from pipeline.photos.drawing.fields import ONE, blend, blurred, noise, ramp, rough_noise
from pipeline.photos.drawing.streams import Grid, Pixels, Stream


def lit(colours: Grid, relief: Grid, stream: Stream) -> Grid:
    """Light a wall: its relief, a gradient over it, and the shadows of what stands before it.

    Args:
        colours: `[3, height, width]`, 0 to 4095.
        relief: `[height, width]`, higher is nearer to the viewer.
        stream: the photo's stream.
    """
    shape = relief.shape[0], relief.shape[1]
    light = _relief_light(relief, stream) * _gradient(shape, stream) >> 8
    tinted = colours * np.array(_tint(stream), np.int32)[:, None, None] >> 8
    shade = np.minimum(_edge_shadow(shape, stream), _cable_shadow(shape, stream))
    shade = np.minimum(shade, _leaf_shadow(shape, stream))
    # Shadows are lit by the sky alone, hence a little bluer.
    cool = ONE - (ONE - shade) * np.array((256, 246, 230), np.int32)[:, None, None] // ONE
    seen: Grid = np.clip((tinted * light >> 8) * cool >> 8, 0, 4095)
    return seen


def taken(colours: Grid, stream: Stream) -> Pixels:
    """Take the photo: softness of the lens, vignette, exposure, contrast and grain."""
    shape = colours.shape[1], colours.shape[2]
    colours = blend(colours, blurred(colours, 1), stream.between(0, 170))
    colours = colours * _vignette(shape, stream) >> 8
    colours = colours * _exposure(colours, stream) >> 8
    levels = np.clip(colours, 0, 4095)
    curved = (levels * levels >> 12) * (3 * 4096 - 2 * levels) >> 12
    levels = blend(levels, curved, stream.between(0, 110))
    grey = (levels[0] * 77 + levels[1] * 150 + levels[2] * 29) >> 8
    levels = blend(levels, grey, stream.between(10, 90))
    strength = stream.between(20, 110)
    grain = (stream.grid(-128, 128, shape) + stream.grid(-128, 128, shape)) * strength >> 8
    chroma = stream.grid(-128, 128, colours.shape) * strength >> 10
    pixels: Pixels = np.moveaxis(np.clip((levels + grain + chroma + 8) >> 4, 0, 255), 0, -1).astype(np.uint8)
    return pixels


def _relief_light(relief: Grid, stream: Stream) -> Grid:
    """Factor of slopes that face the light or turn from it, 256 = flat."""
    across, down = stream.between(-40, 40), stream.between(14, 50)
    slope_across, slope_down = np.zeros_like(relief), np.zeros_like(relief)
    slope_across[:, 1:-1] = relief[:, 2:] - relief[:, :-2]
    slope_down[1:-1] = relief[2:] - relief[:-2]
    factor: Grid = np.clip(ONE + ((slope_across * across + slope_down * down) >> 8), 110, 400)
    return factor


def _gradient(shape: tuple[int, int], stream: Stream) -> Grid:
    """Factor that changes evenly over the photo, and a little unevenly on top."""
    down, along = _centred(shape)
    slope = along * stream.between(-60, 60) + down * stream.between(-60, 60)
    return ONE + (slope >> 10) + (noise(stream.child("uneven"), shape, 90) * 20 >> 10)


def _vignette(shape: tuple[int, int], stream: Stream) -> Grid:
    down, along = _centred(shape)
    return ONE - ((down * down + along * along) // 1024 * stream.between(0, 44) >> 11)


def _exposure(colours: Grid, stream: Stream) -> int:
    """Factor by which a camera brings a photo most of the way to middle brightness, 256 = as it is."""
    mean = max(1, int(colours.sum(dtype=np.int64)) // colours.size)
    wanted = stream.between(1350, 2150) * ONE // mean
    return min(max((wanted * 2 + ONE) // 3, 190), 700)


def _tint(stream: Stream) -> tuple[int, int, int]:
    """Colour of the light, from evening to overcast."""
    warmth = stream.between(-18, 18)
    return ONE + warmth, ONE + stream.between(-6, 6), ONE - warmth


def _edge_shadow(shape: tuple[int, int], stream: Stream) -> Grid:
    """Shadow of a roof or a neighbour: darker on one side of a straight line, hard or soft."""
    if not stream.chance(35):
        return np.full(shape, ONE, np.int32)
    down, along = _centred(shape)
    lean_along, lean_down = stream.between(-256, 256), stream.between(-256, 256)
    line = ((along * lean_along + down * lean_down) >> 8) - stream.between(-700, 700)
    soft = stream.between(8, 160)
    return ONE - (ramp(line, -soft, soft) * stream.between(50, 135) >> 8)


def _cable_shadow(shape: tuple[int, int], stream: Stream) -> Grid:
    """A cable, pipe or its shadow: a dark line, thin as a crack but smooth."""
    if not stream.chance(15):
        return np.full(shape, ONE, np.int32)
    down, along = _centred(shape)
    if stream.chance(50):
        down, along = along, down
    sag = (along * along >> 10) * stream.between(-70, 70) >> 8
    line = np.abs(down - (along * stream.between(-200, 200) >> 8) - sag - stream.between(-600, 600))
    half_width = stream.between(10, 30)
    return ONE - (ramp(line, half_width + 9, half_width - 5) * stream.between(90, 190) >> 8)


def _leaf_shadow(shape: tuple[int, int], stream: Stream) -> Grid:
    """Dappled shadow of a tree."""
    if not stream.chance(15):
        return np.full(shape, ONE, np.int32)
    leaves = rough_noise(stream.child("leaves"), shape, 26, 3)
    return ONE - (ramp(leaves, -40, 160) * stream.between(40, 100) >> 8)


def _centred(shape: tuple[int, int]) -> tuple[Grid, Grid]:
    """Place down and along the photo, -1024 at one edge to 1024 at the other."""
    height, width = shape
    down = (np.arange(height, dtype=np.int32) * 2 - height) * 1024 // height
    along = (np.arange(width, dtype=np.int32) * 2 - width) * 1024 // width
    grids = np.broadcast_arrays(down[:, None], along[None, :])
    return grids[0], grids[1]
