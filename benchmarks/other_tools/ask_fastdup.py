"""Ask fastdup about a folder, in its own environment: ask_fastdup.py <folder> <answer.json> <similarity> [similarity].

It is run to be compared with, and nothing of it is used: its licence forbids derivatives. Its reports to its makers
are switched off.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["SENTRY_OPT_OUT"] = "1"
started = time.monotonic()

import fastdup  # noqa: E402


def main() -> None:
    """Run it once, and write the pairs from each similarity upwards."""
    folder, answer, similarities = Path(sys.argv[1]).resolve(), Path(sys.argv[2]), sys.argv[3:]
    with tempfile.TemporaryDirectory(prefix="fastdup-") as work:
        task = fastdup.create(input_dir=str(folder), work_dir=work)
        task.run(overwrite=True, print_summary=False)
        found = task.similarity()
    rows = found[["filename_from", "filename_to", "distance"]].itertuples(index=False)
    scored = {
        tuple(sorted((_relative(one, folder), _relative(other, folder)))): float(score) for one, other, score in rows
    }
    pairs = {least: sorted(pair for pair, score in scored.items() if score >= float(least)) for least in similarities}
    answer.write_text(json.dumps({"seconds": time.monotonic() - started, "pairs": pairs}))


def _relative(path: str, folder: Path) -> str:
    return Path(path).relative_to(folder).as_posix() if Path(path).is_absolute() else path


if __name__ == "__main__":
    main()
