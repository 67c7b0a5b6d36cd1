"""A disk that is full while a batch comes in: nothing half, nothing lost, and once there is room it goes on."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from inboxes import recorded
from PIL import Image
from small_homes import SmallHome, make_small_home

from pipeline.automation.taking import take
from pipeline.core.errors import MachineError
from pipeline.core.operation_parameters import IntakeParameters

BYTES = 1 << 20
"""Of the photos of the batch, together and roughly."""
STEP = BYTES // 8


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={64 * BYTES}", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode != 0:
        pytest.skip(f"a disk of its own cannot be had here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def give_room(disk: Path, num_bytes: int) -> None:
    """Let so many bytes be free."""
    size = shutil.disk_usage(disk).used + num_bytes
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


@pytest.fixture
def home(disk: Path) -> SmallHome:
    home = make_small_home(disk / "home")
    place = disk.parent / "inbox" / "survey-1"
    noise = random.Random(1)
    for number in range(4):
        path = place / ("sound" if number % 2 else "damaged") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.frombytes("RGB", (300, 300), noise.randbytes(270_000)).save(path)
    intake = IntakeParameters(inbox=str(disk.parent / "inbox"))
    home.parameters = home.parameters.model_copy(update={"intake": intake})
    return home


def tried(home: SmallHome, disk: Path, room: int) -> bool:
    """Take the batch in with so many bytes of room; what a full disk leaves must be as it was before."""
    give_room(disk, room)
    source = disk.parent / "inbox" / "survey-1"
    problem = ""
    try:
        take(home.layout, home.parameters, str(source))
    except (MachineError, OSError) as error:
        problem = str(error)
    if problem:
        assert "No space left" in problem
        assert len(list(source.rglob("*.png"))) == 4
    return not problem


def test_a_batch_for_which_there_is_no_room_waits_until_there_is(home: SmallHome, disk: Path) -> None:
    assert not tried(home, disk, BYTES // 2)
    assert tried(home, disk, 16 * BYTES)
    assert recorded(home) == [("survey-1", 4)]


@pytest.mark.long
def test_wherever_the_disk_gets_full_nothing_is_half(home: SmallHome, disk: Path) -> None:
    home.take("before", 1)
    room, failures = 0, 0
    while not tried(home, disk, room):
        room, failures = room + STEP, failures + 1
    assert failures > 8
    assert recorded(home) == [("before", 4), ("survey-1", 4)]
