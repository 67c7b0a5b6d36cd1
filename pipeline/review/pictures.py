"""Small pictures beside the page, each named by the photo's bytes, so that a later review makes only the new ones."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from pipeline.core.progress import progress_bar
from pipeline.core.tables import replacing
from pipeline.pages.pictures import small_jpeg
from pipeline.review.cards import Card
from serving.contract import PhotoLimits, UnreadablePhoto, read_upright_small

FOLDER = "pictures"
MAX_SIDE = 256
_WORKERS = 4
"""Threads: the decoders let one another run."""


def write_pictures(root: Path, folder: Path, cards: Iterable[Card], limits: PhotoLimits) -> set[str]:
    """Write the pictures that are missing, and remove those of photos that are not shown.

    Args:
        root: of the checkout.
        folder: of the pictures.
        cards: the photos to show.
        limits: of one photo.

    Returns:
        sha256 of the photos that have a picture; the others are gone, changed or unreadable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.stem for path in folder.glob("*.jpg")}
    wanted = {card.sha256: card for card in cards if not card.error}
    for stranger in there - wanted.keys():
        (folder / file_name(stranger)).unlink()
    missing = [card for sha256, card in wanted.items() if sha256 not in there]
    with ThreadPoolExecutor(_WORKERS) as threads, progress_bar() as progress:
        made = threads.map(lambda card: _make(root, folder, card, limits), missing)
        drawn = {sha256 for sha256 in progress.track(made, len(missing), description="pictures") if sha256}
    return (there & wanted.keys()) | drawn


def file_name(sha256: str) -> str:
    """A picture's name in its folder."""
    return f"{sha256}.jpg"


def _make(root: Path, folder: Path, card: Card, limits: PhotoLimits) -> str:
    """Give the photo's sha256, or nothing where its file no longer holds these bytes."""
    try:
        data = (root / card.places[0]).read_bytes()
        if hashlib.sha256(data).hexdigest() != card.sha256:
            return ""
        image: Image.Image = read_upright_small(data, limits, MAX_SIDE)
    except (OSError, UnreadablePhoto):
        return ""
    with replacing(folder / file_name(card.sha256)) as temporary:
        temporary.write_bytes(small_jpeg(image, MAX_SIDE))
    return card.sha256
