"""Colours: pixels of any kind that photo files hold become 8-bit sRGB."""

import io

import numpy as np
from PIL import Image, ImageCms

_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B")
_COLOUR_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}

CONVERTIBLE = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "CMYK", "YCbCr", "LAB", *_SIXTEEN_BITS)
"""Modes of Pillow whose black and white are known."""


def srgb_of(image: Image.Image, profile: bytes, white_is_zero: bool) -> tuple[Image.Image, str]:
    """Bring decoded pixels to 8-bit sRGB, transparent ones laid on white.

    Args:
        image: of a mode in `CONVERTIBLE`; 16 bits keep their high byte.
        profile: its ICC profile, or empty; without one, pixels count as sRGB.
        white_is_zero: whether 16 bits of grey are stored as a negative; Pillow turns all other negatives itself.

    Returns:
        Mode RGB; and what was lost on the way, or empty.
    """
    colours, opacity = _eight_bits(image, white_is_zero)
    rgb, lost = _through_profile(colours, profile)
    if opacity is None:
        return rgb, lost
    laid = Image.new("RGB", rgb.size, "white")
    laid.paste(rgb, mask=opacity)
    return laid, lost


def _eight_bits(image: Image.Image, white_is_zero: bool) -> tuple[Image.Image, Image.Image | None]:
    """Pixels of 8 bits without transparency, and apart from them the opacity where there is one."""
    if image.mode in _SIXTEEN_BITS:
        high = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return Image.fromarray(255 - high if white_is_zero else high), None
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        is_grey = image.mode in ("L", "LA", "La")
        whole = image.convert("LA" if is_grey else "RGBA")
        return whole.convert("L" if is_grey else "RGB"), whole.getchannel("A")
    if image.mode in _COLOUR_SPACES:
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _through_profile(colours: Image.Image, profile: bytes) -> tuple[Image.Image, str]:
    is_lab = colours.mode == "LAB"
    if not profile and not is_lab:
        return colours.convert("RGB"), ""
    try:
        source = ImageCms.createProfile("LAB") if is_lab else ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        if source.xcolor_space.strip() != _COLOUR_SPACES[colours.mode]:
            return colours.convert("RGB"), "without its colour profile, which is for other pixels"
        done = ImageCms.profileToProfile(
            colours,
            ImageCms.ImageCmsProfile(source),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (OSError, ImageCms.PyCMSError):
        return colours.convert("RGB"), "without its colour profile, which is damaged"
    return (colours.convert("RGB") if done is None else done), ""
