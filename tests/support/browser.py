"""Headless Chromium for tests of pages, which watches that nothing leaves the machine and nothing fails silently."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageStat
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")

needs_chromium = pytest.mark.skipif(_CHROMIUM is None, reason="needs Chromium: apt-get install chromium")


@dataclass
class Watched:
    """A page, and what it did that it should not."""

    page: Page
    left_the_machine: list[str] = field(default_factory=list)
    """Addresses asked for beyond loopback and disk."""
    errors: list[str] = field(default_factory=list)
    """Uncaught exceptions and error lines of the console."""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium for the length of a block; a module-scoped fixture of a test file should hold it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=[*_FLAGS])
        yield browser
        browser.close()


@contextmanager
def open_page(browser: Browser, viewport: ViewportSize = DESKTOP) -> Iterator[Watched]:
    """Open an empty page whose requests and errors are noted."""
    context = browser.new_context(viewport=viewport, accept_downloads=True)
    watched = Watched(context.new_page())
    watched.page.on("request", lambda request: _note_address(watched, request.url))
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    watched.page.on("console", lambda line: watched.errors.append(line.text) if line.type == "error" else None)
    yield watched
    context.close()


def has_content(screenshot: Path) -> bool:
    """Whether a screenshot shows more than an empty page: several greys, and ink on a fair share of its rows."""
    grey = Image.open(screenshot).convert("L")
    return ImageStat.Stat(grey).stddev[0] > 8 and len(set(grey.resize((64, 64)).tobytes())) > 20


def fits_the_width(page: Page) -> bool:
    """Whether nothing sticks out of the page sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def _note_address(watched: Watched, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("data", "blob", "file") and parts.hostname not in ("127.0.0.1", "localhost"):
        watched.left_the_machine.append(address)
