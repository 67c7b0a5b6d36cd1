"""Converting: a HEIC or TIFF photo becomes a JPEG that every stage reads; the file itself is kept beside it.

What is decoded here comes from anywhere, so `convert_guarded` is for a process of its own, which a faulty decoder may
take down.
"""

import io
import resource
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageOps

from pipeline.core.errors import first_line
from pipeline.intake.colours import CONVERTIBLE, srgb_of
from pipeline.intake.photo_kinds import HEAD_BYTES, ending_of
from serving.contract import PhotoLimits

_FORMATS = {"heic": "HEIF", "tif": "TIFF"}
"""Pillow's names of what is converted, by the endings of such files."""
_RAW_HEAD = b"CR"
_RAW_HEAD_PLACE = slice(8, 10)  # of Canon's raw files, which are TIFF files else
_RAW_TAG = 50706  # DNGVersion
_KIND_OF_PAGE = 254  # NewSubfileType; its lowest bit says that the page is a smaller copy of another
_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0
_LYING = (5, 6, 7, 8)  # orientations that swap width and height

_QUALITIES = (95, 85, 75)
"""Of the JPEG; the next is for photos that would be too large to be read at the one before."""
_FULL_COLOUR = 0  # Pillow's name for 4:4:4, no chroma subsampling
_MAX_EXIF_BYTES = 60_000  # a JPEG holds no more than 65,533
_MAX_EXIF_VALUE = 1024
_MASK_FORMATS = ("PNG", "TIFF", "JPEG", "BMP")

_EXIF_KEPT = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
_EXIF_LEFT_OUT = (
    ExifTags.Base.MakerNote,
    ExifTags.Base.ExifImageWidth,
    ExifTags.Base.ExifImageHeight,
    ExifTags.IFD.Interop,
)


@dataclass(frozen=True, slots=True)
class ConversionLimits:
    """How much a file may ask for."""

    photo: PhotoLimits = field(default_factory=PhotoLimits)
    """Of the JPEG; its pixels are checked before the file is decoded."""
    max_bytes: int = 1 << 30
    """Of the file: a TIFF of the largest photo, with four channels of 16 bits, has less than half of this."""
    max_seconds: int = 120
    """Of a processor, for one file."""
    max_memory: int = 8 << 30
    """Bytes of address space of the process that decodes."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A file, and the JPEG to make of it."""

    source: Path
    target: Path
    mask: Path | None = None
    """A mask of the photo; one that lies as the file's pixels do, while the photo does not, is turned with it."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of a file."""

    problem: str = ""
    """Why there is no JPEG, or empty."""
    remark: str = ""
    """What the JPEG does not show of the file, or empty."""
    size: tuple[int, int] = (0, 0)
    """Width and height of the JPEG, which is upright."""
    orientation: int = 1
    """EXIF orientation of the file's pixels, 1 to 8; 1 = upright."""


KILLED = Converted(problem="the process that decoded it was killed")


def is_convertible(head: bytes) -> bool:
    """Tell by a file's first bytes, whatever its name, whether it is to be converted.

    Args:
        head: the first `HEAD_BYTES` of the file, or fewer where it has fewer.
    """
    return _format_of(head) is not None


def convert_guarded(limits: ConversionLimits, conversions: Sequence[Conversion]) -> list[Converted]:
    """Convert files one after the other, in a process that the kernel ends if a file asks for too much.

    It sets limits on the process that calls it, for good: the work of a process that does nothing else.
    """
    results = []
    _allow(resource.RLIMIT_AS, limits.max_memory)
    for conversion in conversions:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _allow(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + limits.max_seconds)
        results.append(convert(limits, conversion))
    return results


def convert(limits: ConversionLimits, conversion: Conversion) -> Converted:
    """Convert one file to an upright JPEG with 8-bit pixels in sRGB, full colour resolution and quality 95.

    Of several pages or pictures the first, or the one that the file names its main one, counts; transparent pixels are
    laid on white. Date, place, camera and author of its EXIF go along; the maker's notes, previews, XMP and colour
    profile do not.

    Raises:
        OSError: the JPEG cannot be written.
    """
    try:
        jpeg, converted = _converted(conversion.source, limits)
    except Exception as error:  # decoders raise many kinds; a photo must never bring its reader down
        return Converted(problem=" ".join(first_line(error).split()))
    if jpeg:
        conversion.target.parent.mkdir(parents=True, exist_ok=True)
        conversion.target.write_bytes(jpeg)
        if conversion.mask is not None:
            _turn_mask(conversion.mask, converted)
    return converted


def turned(mask: Image.Image, photo: Converted) -> Image.Image:
    """A mask as the upright photo lies, if it was made on the pixels as the file holds them.

    Only its size can tell: that of the photo lying on its side.
    """
    width, height = photo.size
    if photo.orientation not in _LYING or width == height or mask.size != (height, width):
        return mask
    mask.getexif()[ExifTags.Base.Orientation] = photo.orientation
    return ImageOps.exif_transpose(mask)


def _turn_mask(path: Path, photo: Converted) -> None:
    try:
        with Image.open(path, formats=_MASK_FORMATS) as mask:
            upright = turned(mask, photo)
            if upright is mask:
                return
            encoded = io.BytesIO()
            upright.save(encoded, mask.format)
    except Exception:  # whoever reads masks says what is wrong with it
        return
    path.write_bytes(encoded.getvalue())


def _allow(what: int, amount: int) -> None:
    _, most = resource.getrlimit(what)
    resource.setrlimit(what, (amount if most == resource.RLIM_INFINITY else min(amount, most), most))


def _format_of(head: bytes) -> str | None:
    return _FORMATS.get(ending_of(head) or "")


def _converted(source: Path, limits: ConversionLimits) -> tuple[bytes, Converted]:
    with source.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    kind, num_bytes = _format_of(head), source.stat().st_size
    if kind is None or num_bytes > limits.max_bytes:
        return b"", Converted(problem=f"{num_bytes:,} bytes; at most {limits.max_bytes:,} are converted")
    with _opened(source, kind) as image:
        problem = _problem_of(image, head, limits.photo)
        if problem:
            return b"", Converted(problem=problem)
        remark = "the first of several pages" if getattr(image, "is_animated", False) else ""
        exif, orientation = _exif_of(image), _orientation_of(image)
        rgb, lost = _in_srgb(image)
        jpeg = _encoded(rgb, exif, limits.photo.max_bytes)
        return jpeg, Converted(remark=", ".join(filter(None, (remark, lost))), size=rgb.size, orientation=orientation)


@contextmanager
def _opened(source: Path, kind: str) -> Iterator[Image.Image]:
    import pillow_heif

    pillow_heif.register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
    with warnings.catch_warnings():
        # Pillow warns of headers that are odd; what matters of them is checked.
        warnings.simplefilter("ignore")
        with Image.open(source, formats=(kind,)) as image:
            yield image


def _problem_of(image: Image.Image, head: bytes, limits: PhotoLimits) -> str:
    width, height = image.size
    if width * height > limits.max_pixels:
        return f"{width}x{height} pixels; at most {limits.max_pixels:,} pixels are accepted"
    tags = _tiff_tags(image)
    if head[_RAW_HEAD_PLACE] == _RAW_HEAD or _RAW_TAG in tags or int(tags.get(_KIND_OF_PAGE, 0)) & 1:
        return "a camera's raw file, which has to be developed first, or a preview"
    if image.mode not in CONVERTIBLE:
        return f"its pixels are {image.mode}: numbers of which nothing says what is white"
    return ""


def _tiff_tags(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {})


def _orientation_of(image: Image.Image) -> int:
    """As stored; asked before the pixels are read, since Pillow and libheif turn them meanwhile."""
    told = _tiff_tags(image).get(ExifTags.Base.Orientation) or image.info.get("original_orientation")
    return told if isinstance(told, int) and told in range(1, 9) else 1


def _exif_of(image: Image.Image) -> bytes:
    """What is worth keeping of its EXIF, for a JPEG that is upright."""
    try:
        told = image.getexif()
        kept = Image.Exif()
        kept.update({tag: told[tag] for tag in _EXIF_KEPT if tag in told and _is_short(told[tag])})
        for table in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            values = {tag: value for tag, value in told.get_ifd(table).items() if tag not in _EXIF_LEFT_OUT}
            kept.get_ifd(table).update({tag: value for tag, value in values.items() if _is_short(value)})
        block = kept.tobytes()
    except Exception:  # broken EXIF raises many kinds; the pixels are good all the same
        return b""
    return block if len(block) <= _MAX_EXIF_BYTES else b""


def _is_short(value: object) -> bool:
    return not isinstance(value, str | bytes | tuple) or len(value) <= _MAX_EXIF_VALUE


def _in_srgb(image: Image.Image) -> tuple[Image.Image, str]:
    """Decode, and give 8-bit sRGB, and what was lost on the way."""
    photometric, profile = _tiff_tags(image).get(_PHOTOMETRIC), image.info.get("icc_profile", b"")
    image.load()
    return srgb_of(image, profile, white_is_zero=photometric == _WHITE_IS_ZERO)


def _encoded(rgb: Image.Image, exif: bytes, max_bytes: int) -> bytes:
    rgb.info = {}  # Pillow's writer would save comments and colour profiles of it
    jpeg = b""
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        rgb.save(buffer, "JPEG", quality=quality, subsampling=_FULL_COLOUR, exif=exif)
        jpeg = buffer.getvalue()
        if len(jpeg) <= max_bytes:
            break
    return jpeg
