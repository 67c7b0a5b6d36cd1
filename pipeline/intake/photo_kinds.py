"""Kinds of photos by the first bytes of their files; no photo is opened here."""

HEAD_BYTES = 12
"""So many bytes tell the kind of a file."""

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_MAGIC = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\x00", "tif"),
    (b"MM\x00*", "tif"),
    (b"II+\x00", "tif"),
    (b"MM\x00+", "tif"),
)
_TYPES = ("jpeg", "jpg", "pjpeg", "png", "x-png", "webp", "tiff", "heic", "heif")

ACCEPTED_TYPES = "image/jpeg, image/png, image/webp, image/tiff, image/heic"
"""What is asked for; servers that choose a kind by it choose one that can be read."""


def ending_of(photo: bytes) -> str | None:
    """The ending for a JPEG, PNG, WebP, TIFF or HEIC file; none for any other.

    Args:
        photo: the file, or its first `HEAD_BYTES` at least, or fewer where it has fewer.
    """
    if photo[:4] == b"RIFF" and photo[8:12] == b"WEBP":
        return "webp"
    if photo[4:8] == b"ftyp" and photo[8:12] in _HEIF_BRANDS:
        return "heic"
    return next((ending for magic, ending in _MAGIC if photo.startswith(magic)), None)


def is_photo_type(content_type: str) -> bool:
    """Whether a server says that it sends a photo, of whichever kind: they mix up the kinds."""
    kind, _, name = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "image" and name in _TYPES
