"""What a photo's file says beside its picture (place, owner, comments, previews), taken away without decoding it.

A JPEG or PNG file is a row of labelled parts. Those that decoders need are kept byte for byte and the others are left
out, so what is decoded stays the same and costs no more than a copy.
"""

import re
from collections.abc import Iterator

_JPEG_START = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
# After 0xff, 0x00 belongs to the picture, 0xd0 to 0xd7 are restarts inside it, and a further 0xff is padding.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_DECODING = frozenset(range(0xC0, 0xE0)) - {0xC8, _START, _END}
"""Frames, tables, scans and restart intervals."""
_TELLING = frozenset((*range(0xE0, 0xF0), 0xFE))
"""Of applications, and comments; any other marker is damage, which decoders skip each in its own way."""
_KNOWN = _DECODING | _TELLING
_SPEAKING_OF_COLOUR = {0xE0: (b"JFIF\0", 14), 0xEE: (b"Adobe", 12)}
"""First bytes, and how many bytes decoders heed: a preview of the photo may follow those of JFIF."""
_JFIF_PREVIEW_SIZE = slice(12, 14)

_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_FRAME_BYTES = 12  # length, kind and checksum of a chunk
_PNG_PICTURE = b"IDAT"
_PNG_END = b"IEND"
_PNG_DECODING = frozenset((b"IHDR", b"PLTE", b"tRNS", _PNG_PICTURE, _PNG_END))


def without_metadata(data: bytes) -> bytes | None:
    """Leave out of a photo's file all that its decoders do not need: EXIF, XMP, comments, colour profiles, previews.

    Whatever lies behind the picture goes too, such as the further photos of a multi-picture file with EXIF of their
    own. Time and memory are proportional to the file.

    Args:
        data: the bytes of a JPEG or PNG file.

    Returns:
        A file that decodes to the same pixels; None where the parts of the file cannot be told from one another.
    """
    if data.startswith(_JPEG_START):
        parts = _jpeg_parts(data)
    elif data.startswith(_PNG_START):
        parts = _png_parts(data)
    else:
        return None
    try:
        return b"".join(parts)
    except _Unclear:
        return None


class _Unclear(Exception):
    """The file is not laid out as its format has it."""


def _jpeg_parts(data: bytes) -> Iterator[bytes | memoryview]:
    view = memoryview(data)
    yield _JPEG_START
    place = len(_JPEG_START)
    in_scan = has_picture = False
    while marker := _JPEG_MARKER.search(data, place):
        code = data[marker.start() + 1]
        if in_scan:
            yield view[place : marker.start()]
            in_scan, has_picture = False, True
        place = marker.end()
        if code == _END and has_picture:
            yield _JPEG_END
            return
        end = place + int.from_bytes(data[place : place + 2])
        if end < place + 2 or end > len(data) or code not in _KNOWN:
            break
        if code in _DECODING:
            yield view[marker.start() : end]
        elif code in _SPEAKING_OF_COLOUR:
            yield _of_colour(code, data[place + 2 : end])
        place = end
        in_scan = code == _SCAN
    raise _Unclear


def _of_colour(code: int, content: bytes) -> bytes:
    """The part that tells decoders how colours are stored; empty where it tells something else."""
    first_bytes, num_heeded = _SPEAKING_OF_COLOUR[code]
    if not content.startswith(first_bytes) or len(content) < num_heeded:
        return b""
    heeded = bytearray(content[:num_heeded])
    if num_heeded == _JFIF_PREVIEW_SIZE.stop:
        heeded[_JFIF_PREVIEW_SIZE] = b"\0\0"
    return bytes((0xFF, code)) + (num_heeded + 2).to_bytes(2) + heeded


def _png_parts(data: bytes) -> Iterator[bytes | memoryview]:
    view = memoryview(data)
    yield _PNG_START
    place = len(_PNG_START)
    in_picture = picture_ended = False
    while place + _PNG_FRAME_BYTES <= len(data):
        kind = data[place + 4 : place + 8]
        end = place + _PNG_FRAME_BYTES + int.from_bytes(data[place : place + 4])
        if end > len(data):
            break
        # Decoders stop at the first other chunk after the picture: what calls itself picture behind it is none.
        picture_ended = picture_ended or (in_picture and kind != _PNG_PICTURE)
        in_picture = kind == _PNG_PICTURE
        if kind in _PNG_DECODING and not (in_picture and picture_ended):
            yield view[place:end]
        if kind == _PNG_END:
            return
        place = end
    raise _Unclear
