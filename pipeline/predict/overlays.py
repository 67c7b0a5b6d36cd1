"""Heat maps over photos, small enough to look through thousands, and named after their photos."""

import hashlib
import re
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from serving.overlay import heatmap_over_photo

FOLDER = "overlays"
MAX_SIDE = 1024

_ENDING = ".jpg"
_JPEG_QUALITY = 85
_MAX_NAME_BYTES = 250  # file systems allow 255, of which the ending takes 4
_NAMED_AS_FILE = re.compile(r"\.jpg_*$")


def overlay_path(path: str) -> str:
    """Where the overlay of a photo lies, from the folder of answers; no two photos share a place.

    Folders keep their names and each file gets a further `.jpg`, so that `wall.png` and `wall.jpg` stay two. A folder
    that is itself called so gets a `_`, since `wall` beside a folder `wall.jpg` would else be both. Names too long for
    a further ending are cut and get their hash.

    Args:
        path: POSIX path of the photo from the folder that was asked about.
    """
    *folders, name = PurePosixPath(path).parts
    kept = [f"{_cut(folder)}_" if _NAMED_AS_FILE.search(folder) else folder for folder in folders]
    return "/".join([FOLDER, *kept, f"{_cut(name)}{_ENDING}"])


def shrunk(photo: Image.Image) -> Image.Image:
    """A photo with a longer side of at most `MAX_SIDE` pixels, and without what its file said beside the pixels.

    Args:
        photo: mode RGB, upright; changed.
    """
    photo.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    # Place, owner and comments stand here, and some of them would be saved along.
    photo.info.clear()
    return photo


def write_overlay(file: Path, photo: Image.Image, heatmap: NDArray[np.float32]) -> None:
    """Write the heat map over a photo as a JPEG; an overlay of the same name is an error.

    Args:
        file: its folder is made where missing.
        photo: mode RGB, upright.
        heatmap: (rows, columns) float32, heat in [0, 1].
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("xb") as stream:
        heatmap_over_photo(photo, heatmap).save(stream, "JPEG", quality=_JPEG_QUALITY)


def _cut(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= _MAX_NAME_BYTES:
        return name
    return f"{encoded[:180].decode(errors='ignore')}-{hashlib.sha256(encoded).hexdigest()}"
