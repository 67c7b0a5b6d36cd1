"""The pictures of the README: report, explanation page and a sheet of drawn photos, from a finished demo.

Needs Chromium, a checkout where `make demo` has run, and `make up` running beside it.

    python benchmarks/pictures.py
"""

import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from pipeline.core.tables import read_rows
from pipeline.photos.records import Side, SplitRow

CHECKOUT = Path(__file__).resolve().parents[1]
PICTURES = CHECKOUT / "docs" / "pictures"
EXPLANATION_PAGE = "http://127.0.0.1:8502/"
PHOTOS_PER_CLASS = 3
CELL = 200
ANSWER_MILLISECONDS = 120_000


def main() -> None:
    """Make the pictures anew."""
    PICTURES.mkdir(exist_ok=True)
    photos = held_out_photos()
    sheet(photos).save(PICTURES / "drawn.jpg", quality=88)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        screenshot_report(browser)
        screenshot_explanation(browser, [paths[0] for paths in photos.values()])
        browser.close()


def held_out_photos() -> dict[str, list[Path]]:
    """The first kept test photos of each class, one of a wall."""
    rows = read_rows(CHECKOUT / "artifacts" / "split" / "photos.parquet", SplitRow)
    photos: dict[str, list[Path]] = {}
    walls: set[str] = set()
    for row in sorted(rows, key=lambda row: (str(row.label) != "intact", str(row.label), row.path)):
        if row.side == Side.TEST and not row.reasons and row.group not in walls:
            walls.add(row.group)
            photos.setdefault(str(row.label), []).append(CHECKOUT / row.path)
    return {label: paths[:PHOTOS_PER_CLASS] for label, paths in photos.items()}


def sheet(photos: dict[str, list[Path]]) -> Image.Image:
    """Photos in a column for each class, each cropped to a square."""
    picture = Image.new("RGB", (CELL * len(photos), CELL * PHOTOS_PER_CLASS), "white")
    for column, paths in enumerate(photos.values()):
        for row, path in enumerate(paths):
            photo = Image.open(path).convert("RGB")
            side = min(photo.size)
            square = photo.crop((0, 0, side, side)).resize((CELL - 4, CELL - 4), Image.Resampling.LANCZOS)
            picture.paste(square, (column * CELL + 2, row * CELL + 2))
    return picture


def screenshot_report(browser: Browser) -> None:
    """The top of the report."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
    page.goto((CHECKOUT / "reports" / "report.html").as_uri())
    page.screenshot(path=PICTURES / "report.png")


def screenshot_explanation(browser: Browser, photos: list[Path]) -> None:
    """The explanation page with an answered photo of each class, a damaged one in view."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
    page.goto(EXPLANATION_PAGE)
    page.set_input_files("input[type=file]", photos[1:] + photos[:1])
    page.get_by_text(f"{len(photos)} of {len(photos)} answered").wait_for(timeout=ANSWER_MILLISECONDS)
    page.screenshot(path=PICTURES / "explanation.png")


if __name__ == "__main__":
    main()
