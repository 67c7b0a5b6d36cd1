"""Batches in the inbox of a small checkout, and what became of them."""

import json
import shutil
from pathlib import Path

from small_homes import SmallHome

from pipeline.automation.taking import Taken, take
from pipeline.core.paths import Layout
from pipeline.intake.inboxes import inboxes_of, look
from pipeline.photos.batches import read_batches


def drop(home: SmallHome, batch: str, shade: int, count: int = 4) -> Path:
    """Put a complete batch into the inbox."""
    place = home.root / "inbox" / batch
    shutil.copytree(home.photos(batch, shade, count), place)
    (place / "_COMPLETE").touch()
    return place


def taken(home: SmallHome, batch: str) -> Taken:
    return take(home.layout, home.parameters, f"inbox/{batch}")


def recorded(home: SmallHome) -> list[tuple[str, int]]:
    """Batches as the commit on the branch of the photos has them."""
    clone = Layout(home.layout.photos_clone)
    assert home.run("git", "status", "--porcelain", at=clone.root) == ""
    assert home.run("git", "branch", "--show-current", at=clone.root) == "heritage/photos"
    return [(batch.batch, batch.photos) for batch in read_batches(clone.batches)]


def waiting(home: SmallHome) -> list[str]:
    return [one.batch for one in look(inboxes_of(home.layout, home.parameters.intake), 1e11).waiting]


def alerts(home: SmallHome) -> list[dict[str, str]]:
    book = home.layout.state / "alerts.jsonl"
    return [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []


def left_behind(home: SmallHome) -> list[str]:
    clone = Layout(home.layout.photos_clone)
    places = (home.layout.automation / "arriving", clone.state / "intake")
    return [path.name for place in places if place.is_dir() for path in place.iterdir()]
