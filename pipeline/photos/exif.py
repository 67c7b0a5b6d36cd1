"""EXIF: when a photo was taken, by the block that cameras write into its file."""

import re
import struct
from datetime import datetime
from typing import Literal

_HEAD = b"Exif\0\0"
_BYTE_ORDERS: dict[bytes, tuple[Literal["little", "big"], str]] = {b"II*\0": ("little", "<"), b"MM\0*": ("big", ">")}
_ENTRY = "HHII"  # tag, kind, count, and the value or where it lies
_ENTRY_BYTES = 12
_TEXT_KIND = 2
_DATE_TIME = 0x0132
_EXIF_TABLE = 0x8769
_DATE_TIME_ORIGINAL = 0x9003
_DATE_BYTES = 19
_DATE = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", re.ASCII)
_FIRST_PHOTO_YEAR = 1826

_Entries = dict[int, tuple[int, int]]
"""Kind, and the value or where it lies, by tag."""


def taken_at(block: bytes) -> str:
    """When a photo was taken, by the clock of its camera: `DateTimeOriginal`, else `DateTime`.

    Whatever the block holds, nothing but a date comes of it; only the two tables in question are read, each once.

    Args:
        block: EXIF as stored, with or without its head; may be empty, cut or damaged.

    Returns:
        ISO 8601 to the second, such as `2019-05-03T14:22:10`, without a zone since the clock tells none; empty where
        no date is told, or one that cannot be.
    """
    tiff = block.removeprefix(_HEAD)
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return ""
    first = _entries(tiff, int.from_bytes(tiff[4:8], order[0]), order)
    _, exif_table = first.get(_EXIF_TABLE, (0, len(tiff)))
    original = _entries(tiff, exif_table, order).get(_DATE_TIME_ORIGINAL)
    return _date(tiff, original) or _date(tiff, first.get(_DATE_TIME))


def _entries(tiff: bytes, place: int, order: tuple[Literal["little", "big"], str]) -> _Entries:
    count = int.from_bytes(tiff[place : place + 2], order[0])
    table = tiff[place + 2 : place + 2 + count * _ENTRY_BYTES]
    whole = table[: len(table) // _ENTRY_BYTES * _ENTRY_BYTES]
    return {tag: (kind, value) for tag, kind, _, value in struct.iter_unpack(order[1] + _ENTRY, whole)}


def _date(tiff: bytes, entry: tuple[int, int] | None) -> str:
    if entry is None or entry[0] != _TEXT_KIND:
        return ""
    text = tiff[entry[1] : entry[1] + _DATE_BYTES].decode("ascii", "replace")
    try:
        date = datetime.strptime(text, "%Y:%m:%d %H:%M:%S") if _DATE.fullmatch(text) else None
    except ValueError:  # such as the zeros of a clock that was never set
        return ""
    return date.isoformat() if date and date.year >= _FIRST_PHOTO_YEAR else ""
