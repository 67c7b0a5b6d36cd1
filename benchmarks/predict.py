"""Photos a second through `pipeline predict`, by the number in flight, against the model server that is running.

make serve, then: python benchmarks/predict.py <folder of photos>
"""

import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from pipeline.core.parameters import load_parameters
from pipeline.core.paths import Layout
from pipeline.predict import asking
from pipeline.predict.run import predict_folder

IN_FLIGHT = (1, 2, 4, 8)
ROUNDS = 3


def main() -> None:
    """Measure and print."""
    layout, source = Layout(), Path(sys.argv[1])
    parameters = load_parameters(layout.parameters)
    with tempfile.TemporaryDirectory(prefix="predict-") as folder:
        # Rounds rather than repeats, so that a busy minute of the machine does not fall on one number alone.
        for _ in range(ROUNDS):
            for asking.IN_FLIGHT in IN_FLIGHT:
                started = time.monotonic()
                result = predict_folder(layout, parameters, source, Path(folder) / "out", "", datetime.now(UTC))
                speed = len(result.answered) / (time.monotonic() - started)
                print(f"{asking.IN_FLIGHT} in flight: {speed:.0f} photos/s (load {os.getloadavg()[0]:.1f})")


if __name__ == "__main__":
    main()
