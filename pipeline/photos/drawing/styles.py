"""Styles of walls: what all photos of one wall share."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

from pipeline.photos.drawing.bonds import STONE, Bond
from pipeline.photos.drawing.streams import Grid, Stream

_Choice = TypeVar("_Choice")

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""


class Skin(StrEnum):
    """Surface of the bricks or stones."""

    SMOOTH = "smooth"
    SANDED = "sanded"
    CREASED = "creased"
    """Thrown into the mould by hand, hence folds."""
    DRAGGED = "dragged"
    """Cut from a column of clay by a wire, hence fine parallel lines."""
    TOOLED = "tooled"
    """Stone dressed with a chisel in parallel strokes."""
    PICKED = "picked"
    """Stone dressed with a point, hence dimples."""
    ROUGH = "rough"
    """Stone as it broke."""


class Pointing(StrEnum):
    """How the joints are filled."""

    FLUSH = "flush"
    RECESSED = "recessed"
    SMEARED = "smeared"
    """Swelling out of the joint and over the edges of the bricks."""
    WEATHERED = "weathered"
    """Washed out unevenly, with holes."""
    RIBBON = "ribbon"
    """Flat, with a groove cut along each edge."""


_BRICKS: tuple[tuple[Colour, ...], ...] = (
    ((212, 148, 116), (204, 134, 104), (222, 166, 136), (188, 122, 104)),  # salmon
    ((212, 108, 68), (198, 94, 60), (222, 128, 86), (176, 84, 60)),  # orange
    ((168, 84, 66), (156, 76, 62), (180, 98, 78), (140, 70, 60)),  # red
    ((196, 112, 90), (184, 98, 80), (206, 126, 102), (170, 92, 80)),  # rose
    ((122, 66, 44), (106, 56, 40), (136, 76, 52), (92, 54, 44)),  # brown
    ((106, 80, 64), (94, 70, 58), (120, 90, 72), (82, 66, 58)),  # grey brown
    ((116, 74, 72), (132, 80, 72), (96, 68, 72), (146, 102, 88)),  # purple
    ((198, 172, 124), (182, 154, 108), (210, 188, 146), (164, 136, 98)),  # buff
    ((166, 122, 78), (144, 102, 66), (180, 140, 98), (124, 90, 64)),  # tan
    ((122, 66, 56), (106, 58, 52), (136, 80, 66), (92, 56, 54)),  # maroon
    ((218, 154, 118), (208, 136, 98), (190, 118, 96), (164, 108, 104)),  # apricot
    ((206, 120, 84), (220, 142, 106), (188, 100, 72), (160, 86, 70)),  # copper
)

_STONES: tuple[tuple[Colour, ...], ...] = (
    ((206, 174, 122), (192, 154, 102), (214, 188, 144), (178, 146, 108)),  # yellow sandstone
    ((208, 200, 182), (196, 186, 166), (220, 214, 202), (184, 176, 162)),  # limestone
    ((152, 150, 146), (138, 136, 134), (166, 162, 156), (126, 126, 128)),  # granite
    ((168, 106, 88), (180, 120, 100), (152, 96, 82), (190, 136, 118)),  # red sandstone
    ((112, 112, 112), (98, 100, 102), (128, 126, 122), (88, 88, 90)),  # basalt
    ((178, 166, 148), (162, 148, 128), (190, 180, 164), (148, 138, 124)),  # mixed fieldstone
)

_MORTARS: tuple[Colour, ...] = (
    (186, 184, 180),
    (170, 166, 160),
    (216, 204, 186),
    (200, 186, 158),
    (142, 138, 132),
    (184, 168, 138),
    (112, 108, 104),
)

_PAINTS: tuple[Colour, ...] = ((206, 202, 194), (128, 120, 118), (168, 84, 72), (188, 178, 150), (150, 158, 160))

_BONDS = (
    (46, Bond.RUNNING),
    (57, Bond.FLEMISH),
    (67, Bond.ENGLISH),
    (72, Bond.GARDEN),
    (75, Bond.HEADER),
    (79, Bond.THIRD),
    (82, Bond.STACK),
    (91, Bond.ASHLAR),
    (100, Bond.RUBBLE),
)
"""Bonds, each with the share in percent of walls up to and with it."""

_BRICK_SKINS = (Skin.SMOOTH, Skin.SMOOTH, Skin.SANDED, Skin.CREASED, Skin.CREASED, Skin.DRAGGED)
_ASHLAR_SKINS = (Skin.TOOLED, Skin.TOOLED, Skin.PICKED, Skin.SANDED)
_POINTINGS = (
    Pointing.FLUSH,
    Pointing.RECESSED,
    Pointing.RECESSED,
    Pointing.FLUSH,
    Pointing.SMEARED,
    Pointing.WEATHERED,
    Pointing.RIBBON,
)


@dataclass(frozen=True)
class Wall:
    """What all photos of one wall share; lengths in millimetres, the rest in 1/256.

    Args:
        bond: how it is laid.
        height: of a brick or stone without its joint; courses of stone vary around it.
        length: of a brick without its joint; stones have lengths of their own.
        joint: width of the mortar joints.
        skin: surface of the bricks or stones.
        pointing: how the joints are filled.
        colours: of the bricks or stones, 0 to 255.
        mortar: colour of the mortar.
        paint: colour of the paint over both, if any.
        unevenness: how far the colours of bricks lie apart.
        wear: how far edges are chipped and joints washed out.
    """

    bond: Bond
    height: int
    length: int
    joint: int
    skin: Skin
    pointing: Pointing
    colours: tuple[Colour, ...]
    mortar: Colour
    paint: Colour | None
    unevenness: int
    wear: int

    @property
    def is_stone(self) -> bool:
        """Whether it is of stone and not of brick."""
        return self.bond in STONE

    @property
    def yardstick(self) -> int:
        """What a photographer steps back by, millimetres: the height of a course, about half that of stones."""
        course = self.height + self.joint
        return course * 10 // 18 if self.is_stone else course


def plane(colour: Colour) -> Grid:
    """A colour as planes of a photo have it, 0 to 4095, `[3, 1, 1]`."""
    return np.array(colour, np.int32)[:, None, None] * 16


def choose_wall(stream: Stream) -> Wall:
    """Choose the style of a wall."""
    place = stream.between(1, 100)
    bond = next(bond for upto, bond in _BONDS if place <= upto)
    stone = bond in STONE
    return Wall(
        bond=bond,
        height=stream.between(130, 240) if stone else stream.between(50, 75),
        length=stream.between(300, 600) if stone else stream.between(200, 260),
        joint=_joint(bond, stream),
        skin=_skin(bond, stream),
        pointing=_one_of(_POINTINGS, stream),
        colours=_one_of(_STONES if stone else _BRICKS, stream),
        mortar=_one_of(_MORTARS, stream),
        paint=_one_of(_PAINTS, stream) if not stone and stream.chance(8) else None,
        unevenness=stream.between(90, 256),
        wear=stream.between(30, 256),
    )


def _joint(bond: Bond, stream: Stream) -> int:
    """Ashlar has the thinnest joints, rubble the widest; millimetres."""
    low, high = {Bond.ASHLAR: (4, 10), Bond.RUBBLE: (14, 32)}.get(bond, (8, 19))
    return stream.between(low, high)


def _skin(bond: Bond, stream: Stream) -> Skin:
    if bond is Bond.RUBBLE:
        return Skin.ROUGH
    return _one_of(_ASHLAR_SKINS if bond is Bond.ASHLAR else _BRICK_SKINS, stream)


def _one_of(choices: tuple[_Choice, ...], stream: Stream) -> _Choice:
    return choices[stream.between(0, len(choices) - 1)]
