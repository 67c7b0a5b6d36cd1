"""Contact sheets of pairs of photos, for a reader who says of each pair whether it is one photograph.

The pairs come from a table (`first,second`, paths below the folder); nothing else of them is shown, and their order is
shuffled, so that neither a score nor the order tells the answer. Writes `sheet-01.png`, ... and `pairs.csv`, the number
of each pair.

    python benchmarks/pair_sheets.py <folder of photos> <pairs.csv> <folder of the sheets> [--seed 1] [--after 400]
"""

import argparse
import csv
import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

_COLUMNS, _ROWS = 3, 7
_SIDE = 192
"""Pixels of a photo on the sheet; small photos are enlarged by whole pixels, so that nothing is smoothed away."""
_MARGIN, _CAPTION = 14, 18


def main() -> None:
    """Draw the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what the paths of the table are relative to")
    parser.add_argument("pairs", type=Path, help="CSV with the columns first and second")
    parser.add_argument("sheets", type=Path, help="folder to make")
    parser.add_argument("--seed", type=int, default=1, help="of the order, and of which photo stands left")
    parser.add_argument("--after", type=int, default=0, help="numbers start after this one")
    arguments = parser.parse_args()
    pairs = shuffled(read_pairs(arguments.pairs), arguments.seed)
    arguments.sheets.mkdir(parents=True, exist_ok=True)
    write_numbers(arguments.sheets / "pairs.csv", pairs, arguments.after)
    per_sheet = _COLUMNS * _ROWS
    for start in range(0, len(pairs), per_sheet):
        sheet = draw_sheet(arguments.folder, pairs[start : start + per_sheet], arguments.after + start + 1)
        sheet.save(arguments.sheets / f"sheet-{start // per_sheet + 1:02d}.png")
    print(f"{len(pairs)} pairs on {-(-len(pairs) // per_sheet)} sheets in {arguments.sheets}")


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """Read the pairs of a table, whatever else it says of them."""
    with path.open(encoding="utf-8", newline="") as stream:
        return sorted({(line["first"], line["second"]) for line in csv.DictReader(stream)})


def shuffled(pairs: Sequence[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    """Shuffle the pairs, and the two of each."""
    chance = random.Random(seed)
    order = chance.sample(list(pairs), len(pairs))
    return [(first, second) if chance.random() < 0.5 else (second, first) for first, second in order]


def write_numbers(path: Path, pairs: Sequence[tuple[str, str]], after: int) -> None:
    """Write which pair has which number."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("number", "first", "second"))
        writer.writerows((number, *sorted(pair)) for number, pair in enumerate(pairs, after + 1))


def draw_sheet(folder: Path, pairs: Sequence[tuple[str, str]], number: int) -> Image.Image:
    """Draw numbered pairs in rows.

    Args:
        folder: what the paths are relative to.
        pairs: at most one sheet's.
        number: of the first pair.
    """
    width, height = 2 * _SIDE + 4 + _MARGIN, _SIDE + _CAPTION + _MARGIN
    sheet = Image.new("RGB", (_COLUMNS * width + _MARGIN, _ROWS * height + _MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for place, pair in enumerate(pairs):
        left, top = _MARGIN + place % _COLUMNS * width, _MARGIN + place // _COLUMNS * height
        pen.text((left, top), f"{number + place}", fill="black", font_size=15)
        for column, path in enumerate(pair):
            sheet.paste(_enlarged(folder / path), (left + column * (_SIDE + 4), top + _CAPTION))
    return sheet


def _enlarged(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        image = photo.convert("RGB")
    longer = max(image.size)
    if longer > _SIDE:
        image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        return image
    times = _SIDE // longer
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


if __name__ == "__main__":
    main()
