"""Ask cleanvision about a folder, in its own environment: ask_cleanvision.py <folder> <answer.json> [processes]."""

import json
import sys
import time
from itertools import combinations
from pathlib import Path

started = time.monotonic()

from cleanvision import Imagelab  # noqa: E402

_SETS = ("exact_duplicates", "near_duplicates")


def main() -> None:
    """Run its default checks, and write the pairs of its duplicate sets and the photos under each issue."""
    folder, answer, num_processes = Path(sys.argv[1]).resolve(), Path(sys.argv[2]), int(sys.argv[3])
    lab = Imagelab(data_path=str(folder), verbose=False)
    lab.find_issues(n_jobs=num_processes, verbose=False)
    sets = [one for kind in _SETS for one in lab.info.get(kind, {}).get("sets", [])]
    pairs = {tuple(sorted(pair)) for one in sets for pair in combinations((_relative(path, folder) for path in one), 2)}
    flags = {
        column: sorted(_relative(path, folder) for path in lab.issues.index[lab.issues[column]])
        for column in lab.issues.columns
        if column.startswith("is_") and column.endswith("_issue")
    }
    seconds = time.monotonic() - started
    answer.write_text(json.dumps({"seconds": seconds, "pairs": sorted(pairs), "flags": flags}))


def _relative(path: str, folder: Path) -> str:
    return Path(path).relative_to(folder).as_posix()


if __name__ == "__main__":
    main()
