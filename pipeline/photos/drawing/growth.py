"""Growth: algae films, lichens, moss in the joints, and small plants that root there."""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.photos.drawing.cameras import Camera
from pipeline.photos.drawing.damages import Damaged, painted
from pipeline.photos.drawing.fields import ONE, blend, noise, ramp, rough_noise
from pipeline.photos.drawing.shapes import Oval, any_axis, moved, oval_field
from pipeline.photos.drawing.streams import Grid, Stream
from pipeline.photos.drawing.styles import Colour, plane
from pipeline.photos.drawing.walls import Face
from pipeline.photos.drawing.weeds import grown

_PLAIN = 90
"""Weight from which growth is plain to see."""

_FEW_PER_THOUSAND = 45
"""Share of the photo below which a film joins what grows there."""

_MOSSES: tuple[Colour, ...] = ((74, 92, 34), (98, 112, 40), (58, 74, 32), (120, 122, 48))
_FILMS: tuple[Colour, ...] = ((70, 92, 44), (52, 70, 44), (96, 108, 54), (46, 58, 46))
_LICHENS: tuple[Colour, ...] = ((176, 182, 160), (206, 204, 184), (186, 150, 64), (150, 160, 132), (200, 172, 92))


@dataclass(frozen=True)
class _Cover:
    """What grows on a face so far: colours `[3, h, w]`, relief, and how far each pixel is overgrown, 0 to 256."""

    colours: Grid
    relief: Grid
    weight: Grid


def overgrown(face: Face, camera: Camera, stream: Stream) -> Damaged:
    """Let one or two kinds of growth spread over a wall; the mask holds all that is plainly overgrown."""
    cover = _Cover(face.colours, face.relief, np.zeros(camera.shape, np.int32))
    kinds = ((_film, _moss), (_moss,), (_lichens,), (_plants,), (_film, _lichens), (_moss, _plants), (_film,))
    for kind in kinds[stream.between(0, len(kinds) - 1)]:
        # Its name is a key of the stream: a function of another name grows otherwise.
        cover = kind(cover, face, camera, stream.child(kind.__name__))
    if int((cover.weight >= _PLAIN).sum()) * 1000 < cover.weight.size * _FEW_PER_THOUSAND:
        cover = _film(cover, face, camera, stream.child("more film"))
    return Damaged(replace(face, colours=cover.colours, relief=cover.relief), cover.weight >= _PLAIN)


def _film(cover: _Cover, face: Face, camera: Camera, stream: Stream) -> _Cover:
    """A green film where the wall stays wet: thick in the joints, with runs down the face."""
    shape = camera.shape
    down = np.arange(shape[0], dtype=np.int32)[:, None] * 1024 // shape[0]
    spread = rough_noise(stream.child("spread"), shape, 56, 3) + (down - 512) * stream.between(-500, 900) // 1024
    runs = noise(stream.child("runs"), shape, 7, 120) + noise(stream.child("fine runs"), shape, 3, 60) // 2
    fine = rough_noise(stream.child("fine"), shape, 5, 2)
    wet = spread + runs // 3 + fine // 3 + face.mortar * stream.between(60, 320) // ONE
    start = _level(wet, stream.between(260, 600))
    weight = ramp(wet, start, start + stream.between(350, 700)) * stream.between(185, 235) >> 8
    grey = cover.colours.sum(axis=0, dtype=np.int32) // 3
    green = plane(_FILMS[stream.between(0, len(_FILMS) - 1)]) * (grey // 14 + 110) >> 8
    colours = blend(cover.colours, np.clip(green, 0, 4095), weight)
    return _Cover(colours, cover.relief, np.maximum(cover.weight, weight))


def _moss(cover: _Cover, face: Face, camera: Camera, stream: Stream) -> _Cover:
    """Cushions along the joints, thickest where they lie on a ledge, and stray ones on rough brick."""
    shape = camera.shape
    wet = rough_noise(stream.child("wet"), shape, 44, 2) + (face.mortar * stream.between(500, 900) >> 8)
    rows, columns = np.nonzero(wet > _level(wet, stream.between(110, 300)))
    cushions: Grid = np.zeros(shape, np.int32)
    half = min(max(camera.millimetre * 7, 330), 12 * ONE)
    wanted = shape[0] * shape[1] * stream.between(60, 200) // 1000
    for _ in range(max(30, min(420, wanted * ONE // half * ONE // half))):
        index = stream.between(0, len(rows) - 1)
        size = half * stream.between(90, 290) >> 8
        place = int(columns[index]) * ONE + stream.between(0, 255), int(rows[index]) * ONE + stream.between(0, 255)
        window, dome = oval_field(Oval(*place, size * stream.between(256, 460) >> 8, size), shape)
        np.maximum(cushions[window], dome, out=cushions[window])
    tufts = noise(stream.child("tufts"), shape, 2) + (stream.grid(-500, 500, shape) >> 1)
    cushions = cushions + (tufts * 70 >> 10) * (cushions > 0)
    weight = ramp(cushions, 20, 90)
    dark, light = (plane(_MOSSES[stream.between(0, len(_MOSSES) - 1)]) for _ in range(2))
    bright = 130 + (np.clip(cushions, 0, ONE) * 120 >> 8) + (tufts * 80 >> 10)
    green = blend(dark, light, ramp(noise(stream.child("hue"), shape, 15), -500, 500)) * bright >> 8
    shadow = ramp(moved(cushions, 2, 1), 0, 120) * 60 >> 8
    colours = blend(painted(cover.colours, (14, 15, 10), shadow), np.clip(green, 0, 4095), weight)
    relief = cover.relief + (np.clip(cushions, 0, ONE) * 2)
    return _Cover(colours, relief, np.maximum(cover.weight, weight))


def _lichens(cover: _Cover, face: Face, camera: Camera, stream: Stream) -> _Cover:
    """Flat crusts: lobed discs with a pale rim, older ones hollow, that grow into each other."""
    shape = camera.shape
    colours, weight = cover.colours.copy(), cover.weight.copy()
    lobes = rough_noise(stream.child("lobes"), shape, 6, 3)
    grain = ONE + (rough_noise(stream.child("grain"), shape, 2, 2) * 90 >> 10)
    kinds = [_LICHENS[stream.between(0, len(_LICHENS) - 1)] for _ in range(2)]
    half = min(max(camera.millimetre * 20, 4 * ONE), 13 * ONE)
    home = stream.between(0, shape[1]), stream.between(0, shape[0])
    for _ in range(stream.between(25, 70)):
        size = half * stream.between(70, 300) >> 8
        x = (home[0] * ONE + stream.between(-shape[1] * 190, shape[1] * 190)) % (shape[1] * ONE)
        y = (home[1] * ONE + stream.between(-shape[0] * 190, shape[0] * 190)) % (shape[0] * ONE)
        window, field = oval_field(Oval(x, y, size, size * stream.between(170, 256) >> 8, any_axis(stream)), shape)
        field = field + (lobes[window] * 170 >> 10)
        inner = blend(np.full_like(field, 215), stream.between(130, 256), ramp(field, 40, 130))
        here = ramp(field, 10, 40) * (inner if stream.chance(60) else 225) >> 8
        tone = plane(kinds[stream.chance(35)]) * stream.between(215, 275) >> 8
        place = (slice(None), *window)
        colours[place] = blend(colours[place], np.clip(tone * grain[window] >> 8, 0, 4095), here)
        np.maximum(weight[window], here, out=weight[window])
    return _Cover(colours, cover.relief + (weight - cover.weight >> 2), weight)


def _plants(cover: _Cover, face: Face, camera: Camera, stream: Stream) -> _Cover:
    """Small plants that root in the joints and hang or stand before the wall."""
    rows, columns = np.nonzero(face.mortar > ONE // 2)
    colours, relief, weight = cover.colours, cover.relief, cover.weight
    for number in range(stream.between(2, 5)):
        if not len(rows):
            break
        index = stream.between(0, len(rows) - 1)
        root = int(columns[index]) * ONE, int(rows[index]) * ONE
        colours, leaves = grown(colours, root, camera, stream.child("plant", number))
        relief = relief + (leaves >> 1)
        weight = np.maximum(weight, leaves)
    return _Cover(colours, relief, weight)


def _level(values: Grid, per_thousand: int) -> int:
    """The value that so many of a thousand pixels lie above."""
    ordered = np.sort(values, axis=None)
    return int(ordered[ordered.size * (1000 - per_thousand) // 1000])
