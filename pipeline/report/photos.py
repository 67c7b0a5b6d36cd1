"""Photos of a run as the report shows them: small, upright and inside the page."""

from pathlib import Path

from PIL import Image

from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.pages.pictures import thumbnail
from serving.contract import PhotoLimits, UnreadablePhoto, read_upright_small

THUMBNAIL_PIXELS = 160
"""Longer side."""


class Thumbnails:
    """Thumbnails of a checkout's photos, each made once.

    Args:
        root: of the checkout.
        limits: of one photo.
    """

    def __init__(self, root: Path, limits: PhotoLimits) -> None:
        self._root = root
        self._limits = limits
        self._made: dict[str, str] = {}

    def __call__(self, path: str) -> str:
        """A photo as a `data:` address; empty where it is gone or cannot be read.

        Args:
            path: of the photo, from the root of the checkout.
        """
        if path not in self._made:
            self._made[path] = self._make(path)
        return self._made[path]

    def image(self, path: str) -> Image.Image | None:
        """A photo, upright and no larger than a thumbnail; None where it is gone or cannot be read."""
        try:
            return read_upright_small((self._root / path).read_bytes(), self._limits, THUMBNAIL_PIXELS)
        except (OSError, UnreadablePhoto):
            return None

    def _make(self, path: str) -> str:
        small = self.image(path)
        return "" if small is None else thumbnail(small, THUMBNAIL_PIXELS)


def thumbnails_of(layout: Layout, parameters: Parameters) -> Thumbnails:
    """Thumbnails under the limits that the run read its photos with."""
    limits = PhotoLimits(max_bytes=parameters.validate_.max_bytes, max_pixels=parameters.validate_.max_pixels)
    return Thumbnails(layout.root, limits)
