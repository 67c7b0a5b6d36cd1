"""Where the commands of tasks run."""

import os
from pathlib import Path

HOME = Path(os.environ.get("HERITAGE_CHECKOUT") or Path(__file__).resolve().parents[2])
"""The checkout that the DAGs work for."""

CLONE = HOME / ".heritage" / "automation" / "retrain"
"""The clone in which models are retrained."""
