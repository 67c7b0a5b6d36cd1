"""A run that is killed: nothing is left behind, and training goes on where it was."""

import csv
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from checkouts import TINY, Checkout

pytestmark = pytest.mark.long

EPOCHS = 6


def processes_in(folder: Path) -> list[int]:
    """Processes whose working folder is `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                where = str((entry / "cwd").readlink())
            except OSError:
                continue
            if where == str(folder):
                found.append(int(entry.name))
    return found


def wait_for(path: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not list(path.parent.glob(path.name)):
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.05)


def killed_while_training(checkout: Checkout, shell: str) -> None:
    """Start training, kill DVC once an epoch is done, and wait until nothing runs in the checkout."""
    for earlier in (checkout.root / ".heritage/checkpoints").glob("*"):
        earlier.unlink()
    run = subprocess.Popen(
        ["dvc", "repro", "train"],
        cwd=checkout.root,
        env={**checkout.environment, "SHELL": shell},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(checkout.root / ".heritage/checkpoints/*.npz", 120)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    deadline = time.monotonic() + 20
    while processes_in(checkout.root):
        assert time.monotonic() < deadline, "a stage outlived the killed run"
        time.sleep(0.1)


@pytest.mark.parametrize("shell", ("/bin/bash", "/bin/sh"))
def test_a_killed_run_leaves_no_process(checkout: Checkout, shell: str) -> None:
    phases = [{"epochs": 200, "unfreeze_from": 0}]
    checkout.set_parameters(train={**TINY["train"], "phases": phases}, seed=len(shell))
    checkout.run("dvc", "repro", "augment")
    killed_while_training(checkout, shell)


def test_a_resumed_run_goes_on_at_its_epoch(checkout: Checkout) -> None:
    phases = [{"epochs": EPOCHS, "unfreeze_from": 0, "schedule": {"learning_rate": 0.003}}]
    checkout.set_parameters(train={**TINY["train"], "phases": phases, "image_size": 96, "width": 0.5})
    checkout.run("dvc", "repro", "augment")
    killed_while_training(checkout, "/bin/sh")

    printed = checkout.run("dvc", "repro", "train")
    repeated = [line for line in printed.splitlines() if line.startswith("epoch   1 ")]
    assert repeated == []
    with (checkout.root / "artifacts/train/history.csv").open() as stream:
        epochs = [int(line["epoch"]) for line in csv.DictReader(stream)]
    assert epochs == list(range(1, EPOCHS + 1))
    assert list((checkout.root / ".heritage/checkpoints").iterdir()) == []
    assert "train:" not in checkout.run("dvc", "status").splitlines()
