"""The gallery in a browser: it orders and chooses, its links lead somewhere, and it asks the net for nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from browser import DESKTOP, Watched, fits_the_width, has_content, needs_chromium, open_browser, open_page
from folder_answers import answered
from PIL import Image
from playwright.sync_api import Browser, ViewportSize

from pipeline.predict.answers import Unanswered
from pipeline.predict.gallery import Asked, gallery_page
from pipeline.predict.overlays import write_overlay

pytestmark = needs_chromium

ASKED = Asked("survey", "walls", 3, datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
# In the order of their paths; the numbers are probabilities of `cracked`, whose threshold is .6.
PROBABILITIES = {
    "=cmd.jpg": 0.95,
    "Süd #1?%20.jpg": 0.62,
    "a/same.jpg": 0.05,
    "b/same.jpg": 0.75,
    "c/one-long-name-without-a-place-to-break-it-0123456789-0123456789.jpg": 0.55,
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of answers, as the command leaves it."""
    folder = tmp_path_factory.mktemp("answers")
    answers = [answered(path, cracked) for path, cracked in PROBABILITIES.items()]
    for answer in answers:
        write_overlay(folder / answer.overlay, Image.new("RGB", (60, 40), "tan"), np.eye(4, dtype=np.float32))
    (folder / "predictions.csv").write_text("path\n")
    unanswered = [Unanswered("notes.txt", "not a photo"), Unanswered("<b>.jpg", "damaged photo")]
    (folder / "index.html").write_text(gallery_page(answers, unanswered, ASKED), encoding="utf-8")
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def gallery(browser: Browser, page: Path) -> Iterator[Watched]:
    with open_page(browser) as watched:
        watched.page.goto(page.as_uri())
        yield watched
        assert not watched.left_the_machine
        assert not watched.errors


def shown(gallery: Watched) -> list[str]:
    return gallery.page.locator(".photos li:visible .muted").all_inner_texts()


def test_the_doubtful_photos_come_first_and_other_orders_can_be_chosen(gallery: Watched) -> None:
    closest = ["Süd #1?%20.jpg", "c/one", "b/same.jpg", "=cmd.jpg", "a/same.jpg"]
    assert [name[: len(start)] for name, start in zip(shown(gallery), closest, strict=True)] == closest

    gallery.page.get_by_label("Order", exact=True).select_option(label="largest margin first")
    assert shown(gallery)[0] == "a/same.jpg"

    gallery.page.get_by_label("Order", exact=True).select_option(label="by file name")
    assert shown(gallery) == list(PROBABILITIES)


def test_class_and_margin_choose_together_and_the_count_is_told(gallery: Watched) -> None:
    status = gallery.page.get_by_role("status")
    gallery.page.get_by_label("Class", exact=True).select_option(label="cracked (3)")
    assert shown(gallery) == ["Süd #1?%20.jpg", "b/same.jpg", "=cmd.jpg"]
    assert status.inner_text() == "3 of 5 photos"

    gallery.page.get_by_label("Margin", exact=True).select_option(label="close: below .1")
    assert shown(gallery) == ["Süd #1?%20.jpg"]

    gallery.page.get_by_label("Class", exact=True).select_option(label="intact (2)")
    gallery.page.get_by_label("Margin", exact=True).select_option(label=".1 to .3")
    assert shown(gallery) == []
    assert gallery.page.get_by_text("No photo fits these choices").is_visible()


def test_every_link_and_picture_is_there(gallery: Watched, page: Path) -> None:
    targets = gallery.page.eval_on_selector_all(
        "a, img", "found => found.map(element => element.getAttribute('href') ?? element.getAttribute('src'))"
    )
    files = [unquote(urlsplit(target).path) for target in targets if not target.startswith(("data:", "#"))]
    anchors = [target[1:] for target in targets if target.startswith("#")]

    assert len(files) == 2 * len(PROBABILITIES) + 1
    assert all((page.parent / file).is_file() for file in files)
    assert all(gallery.page.locator(f"[id='{anchor}']").count() == 1 for anchor in anchors)
    pictures = "pictures => pictures.every(picture => picture.complete && picture.naturalWidth > 0)"
    assert gallery.page.eval_on_selector_all("img:visible", pictures)


@pytest.mark.parametrize("viewport", (DESKTOP, {"width": 360, "height": 640}))
def test_the_page_fits_every_screen(viewport: ViewportSize, browser: Browser, page: Path, tmp_path: Path) -> None:
    with open_page(browser, viewport) as watched:
        watched.page.goto(page.as_uri())
        watched.page.screenshot(path=tmp_path / "page.png")

        assert fits_the_width(watched.page)
        assert has_content(tmp_path / "page.png")


def test_without_script_all_photos_are_there_and_no_dead_controls(browser: Browser, page: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(page.as_uri())

    assert opened.locator(".photos li:visible").count() == len(PROBABILITIES)
    assert not opened.get_by_label("Order", exact=True).is_visible()
    context.close()


def test_paper_has_no_controls_and_tells_how_to_read_the_maps(gallery: Watched) -> None:
    gallery.page.emulate_media(media="print")

    assert not gallery.page.get_by_label("Order", exact=True).is_visible()
    assert gallery.page.get_by_alt_text("Colour scale").is_visible()
