"""Ask imagededup about a folder, in its own environment.

ask_imagededup.py <folder> <answer.json> <PHash or DHash> <largest distance in bits>

Its hashes need no torch, which it imports all the same for its neural network: stand-ins for the two modules that do
so spare an installation of five gigabytes and, to its advantage, the seconds of that import.
"""

import json
import sys
import time
import types
from pathlib import Path

started = time.monotonic()

for name, attribute in (("imagededup.methods.cnn", "CNN"), ("imagededup.utils.models", "CustomModel")):
    stand_in = types.ModuleType(name)
    setattr(stand_in, attribute, None)
    sys.modules[name] = stand_in

from imagededup import methods  # noqa: E402


def main() -> None:
    """Hash and search with as many processes as it takes by itself, and write the pairs."""
    folder, answer, method, distance = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    hasher = getattr(methods, method)(verbose=False)
    codes = hasher.encode_images(image_dir=str(folder), recursive=True)
    hashed = time.monotonic() - started
    found = hasher.find_duplicates(encoding_map=codes, max_distance_threshold=distance)
    pairs = {tuple(sorted((first, second))) for first, others in found.items() for second in others}
    seconds = time.monotonic() - started
    answer.write_text(json.dumps({"seconds": seconds, "seconds_hashing": hashed, "pairs": sorted(pairs)}))


if __name__ == "__main__":
    main()
