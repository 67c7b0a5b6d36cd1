"""Versioning of `data/` by DVC."""

import os
import subprocess
import sys

from pipeline.core.errors import MachineError
from pipeline.core.paths import Layout
from pipeline.core.progress import progress_bar


def add_data(layout: Layout) -> None:
    """Give `data/` as it is now to DVC, which writes its hash to `data.dvc`; to be called under the run lock.

    Raises:
        MachineError: DVC fails; the message has its own words.
    """
    command = [sys.executable, "-m", "dvc", "add", layout.data.name]
    with progress_bar() as progress:
        progress.add_task("version data/ with DVC", total=None)
        done = subprocess.run(
            command,
            cwd=layout.root,
            env={**os.environ, "DVC_NO_ANALYTICS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip() or f"it ended with {done.returncode}"
        raise MachineError(
            f"DVC could not version data/: {words}",
            expected="a checkout with DVC set up, and room for its cache",
            todo="mend what DVC names, then run `dvc add data`",
        )
