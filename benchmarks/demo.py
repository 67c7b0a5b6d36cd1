"""A clone to a finished `make demo`: minutes on this machine, set-up and bytecode included.

python3 benchmarks/demo.py
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        clone = Path(folder) / "clone"
        started = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(clone)], check=True)
        times = [("clone", time.monotonic())]
        for target in ("setup", "demo", "repro"):
            subprocess.run(["make", "--silent", target], cwd=clone, check=True)
            times.append((f"make {target}", time.monotonic()))
    print(f"{os.cpu_count()} cores")
    before = started
    for name, after in times:
        print(f"{name}: {after - before:.0f} s")
        before = after


if __name__ == "__main__":
    main()
