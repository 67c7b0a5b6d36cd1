"""A photo that is asked about, kept, labelled and taken in comes back as one that the answer is held against."""

import io
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from small_homes import SmallHome, make_small_home
from watched_homes import CLASSES, Home, wall

from pipeline.automation.taking import take
from pipeline.photos.listing import UNLABELLED
from pipeline.watch.run import Watched, watch
from serving.contract import upright
from serving.modelserver.keeping import Asked, KeptPhotos

NOW = datetime(2026, 12, 24, tzinfo=UTC)
CAMERA, ORIENTATION = 0x0110, 0x0112


def lying(seed: int) -> bytes:
    """A photo as a telephone writes it: lying, with a word about how to turn it, and one about the telephone."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[CAMERA] = 6, "a telephone"
    buffer = io.BytesIO()
    wall(seed).save(buffer, "JPEG", quality=90, exif=exif)
    return buffer.getvalue()


def plain(seed: int) -> bytes:
    buffer = io.BytesIO()
    wall(seed).save(buffer, "JPEG", quality=90, comment=b"taken on a walk")
    return buffer.getvalue()


def ask(home: Home, photos: list[bytes]) -> None:
    """Let a model server that calls everything sound have been asked."""
    keeper = KeptPhotos(home.layout.asked, 100)
    for photo in photos:
        outputs = {
            "classes": np.array([[name.encode() for name in CLASSES]], object),
            "probabilities": np.array([[0.2, 0.6, 0.2]], np.float32),
            "threshold": np.array([[1 / 3] * 3], np.float32),
        }
        keeper.offer(Asked("walls", 1, {"image_bytes": tf.constant([photo])}, outputs))
        keeper.wait_until_kept()
    keeper.close()


def brought(small: SmallHome, folder: Path, batch: str) -> None:
    """Drop a folder into the inbox and let it be taken in."""
    place = small.root / "inbox" / batch
    shutil.move(folder, place)
    (place / "_COMPLETE").touch()
    assert take(small.layout, small.parameters, f"inbox/{batch}").labelled


@pytest.fixture
def small(tmp_path: Path) -> SmallHome:
    small = make_small_home(tmp_path / "home")
    (small.root / "inbox").mkdir()
    return small


def look(home: Home) -> Watched:
    return watch(home.layout, home.parameters, NOW)


def test_labels_come_back_to_the_answers_that_were_given(small: SmallHome, tmp_path: Path) -> None:
    home = Home(small.root, num_training=120, settings={"min_photos": 10, "label_next": 8})
    home.serve()
    originals = [lying(seed) for seed in range(900, 904)]
    ask(home, [*map(upright, originals), *(plain(seed) for seed in range(910, 920))])
    [before] = look(home).findings
    assert (before.num_photos, len(before.label_next), before.num_labelled_since) == (14, 8, 0)

    sorting = small.root / "reports" / "watch" / "walls" / "label_next"
    for photo in (sorting / UNLABELLED).iterdir():
        photo.rename(sorting / "sound" / photo.name)
    brought(small, sorting, "labelled")
    walk = tmp_path / "walk" / "sound"
    walk.mkdir(parents=True)
    for number, photo in enumerate(originals):
        (walk / f"{number}.jpg").write_bytes(photo)
    brought(small, walk.parent, "walk")

    [after] = look(home).findings
    assert after.num_labelled_since == 12
    assert after.calibration is not None
    assert (after.calibration.num_photos, after.calibration.accuracy) == (12, 1)
    assert not {one.row.sha256 for one in before.label_next} & {one.row.sha256 for one in after.label_next}
