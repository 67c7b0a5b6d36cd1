"""Photos whose files say where they were taken, in every place where a file can say so."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, PngImagePlugin

SECRETS = (b"59.437222", b"Kalamaja-7", b"\x00\x00\x00\x3b\x00\x00\x00\x01\x00\x00\x00\x1a\x00\x00\x00\x01")
"""What must not be found again: a coordinate as text, a word, and 59 degrees 26 minutes as EXIF writes them."""

_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>59.437222</exif:GPSLatitude>Kalamaja-7</x:xmpmeta>'
_WORDS = "Kalamaja-7 at 59.437222"


def exif(orientation: int = 1, taken: str = "2019:05:03 14:22:10") -> Image.Exif:
    """EXIF with a place, an owner, a date and a comment."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010E] = _WORDS
    block[0x0132] = "2021:01:01 00:00:00"
    block.get_ifd(0x8769).update({0x9003: taken, 0x9286: b"ASCII\0\0\0" + _WORDS.encode()})
    block.get_ifd(0x8825).update({1: "N", 2: (59.0, 26.0, 14.0), 3: "E", 4: (24.0, 43.0, 44.0), 29: "2019:05:03"})
    return block


def jpeg(image: Image.Image, orientation: int = 1, **options: Any) -> bytes:
    """A JPEG with place and words in EXIF, XMP, a colour profile, a comment and IPTC."""
    data = _encoded(image, "JPEG", exif=exif(orientation), xmp=_XMP, comment=_WORDS, icc_profile=_profile(), **options)
    return with_segment(data, 0xED, b"Photoshop 3.0\0" + _WORDS.encode())


def multi_picture(image: Image.Image) -> bytes:
    """A JPEG that a further one with a place of its own follows, as telephones write them."""
    second = Image.open(io.BytesIO(jpeg(image.resize((16, 16)))))
    return _encoded(image, "MPO", save_all=True, append_images=[second], exif=exif())


def png(image: Image.Image, orientation: int = 1) -> bytes:
    """A PNG with place and words in EXIF, XMP, a colour profile and all kinds of text."""
    said = PngImagePlugin.PngInfo()
    said.add_text("Comment", _WORDS)
    said.add_text("Place", _WORDS, zip=True)
    said.add_itxt("XML:com.adobe.xmp", _XMP.decode())
    said.add_itxt("Place", _WORDS, zip=True)
    data = _encoded(image, "PNG", exif=exif(orientation), pnginfo=said, icc_profile=_profile())
    return data + _WORDS.encode()


def webp(image: Image.Image, orientation: int = 1) -> bytes:
    """A WebP with place and words in EXIF, XMP and a colour profile."""
    return _encoded(image, "WEBP", exif=exif(orientation), xmp=_XMP, icc_profile=_profile(), quality=90)


def with_segment(data: bytes, code: int, content: bytes, place: int = 2) -> bytes:
    """A JPEG with a further segment at byte `place`."""
    return data[:place] + bytes((0xFF, code)) + (len(content) + 2).to_bytes(2) + content + data[place:]


def with_chunk(data: bytes, kind: bytes, content: bytes, place: int = 33) -> bytes:
    """A PNG with a further chunk at byte `place`; 33 = behind the header."""
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return data[:place] + chunk + data[place:]


def secrets_in(data: bytes) -> list[bytes]:
    """The secrets that bytes hold, as they stand, base64 apart."""
    return [secret for secret in SECRETS if secret in data]


def _profile() -> bytes:
    return b"\0" * 36 + b"acsp" + _WORDS.encode()


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
