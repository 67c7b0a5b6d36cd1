"""What lies in the files that a run makes, unpacked far enough to search it for bytes."""

import base64
import binascii
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image, UnidentifiedImageError

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{64,}={0,2}")
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")


def contents_of(path: Path) -> Iterator[bytes]:
    """A file's bytes, and those that it packs: values of tables, members of archives, pictures in pages and texts of
    pictures."""
    data = path.read_bytes()
    yield from unpacked(data)
    if path.suffix == ".parquet":
        for column in pq.read_table(path).columns:
            for value in column.to_pylist():
                yield from unpacked(value if isinstance(value, bytes) else str(value).encode())
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                yield from unpacked(archive.read(member))


def unpacked(data: bytes) -> Iterator[bytes]:
    """Bytes, the pictures that they hold in base64, and what pictures say in compressed texts."""
    yield data
    for found in _BASE64.findall(data):
        try:
            yield from _said_by_picture(base64.b64decode(found))
        except binascii.Error:
            continue
    yield from _said_by_picture(data)


def _said_by_picture(data: bytes) -> Iterator[bytes]:
    yield data
    if not data.startswith(_PICTURES):
        return
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            yield repr(sorted(image.info.items(), key=str)).encode()
            yield repr({**image.getexif(), **image.getexif().get_ifd(0x8825)}).encode()
    except (OSError, UnidentifiedImageError):
        return
