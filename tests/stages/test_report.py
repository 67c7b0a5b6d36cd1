"""The report of a real, tiny run, opened from disk in a browser as people open it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from browser import DESKTOP, PHONE, Watched, fits_the_width, has_content, needs_chromium, open_browser, open_page
from learning_checkouts import photo, tiny_parameters
from playwright.sync_api import Browser, ViewportSize
from red_or_blue import save_red_or_blue

from pipeline.core.paths import Layout
from pipeline.export.manifest import manifest_of, write_manifest
from pipeline.learning.history import EpochRow, write_history
from pipeline.photos.batches import write_batches
from pipeline.photos.records import Batch

ODD_NAME = 'a "quoted" <b>name & 100 %.jpg'

pytestmark = needs_chromium


def write_photos(root: Path) -> None:
    """A batch with a broken photo and a copy, and a pinned one with a blue photo that is labelled red."""
    for number in range(8):
        photo(root / f"data/one/red/{number}.jpg", "red", number)
        photo(root / f"data/one/blue/{number}.jpg", "blue", 100 + number)
    for number in range(4):
        photo(root / f"data/two/red/{number}.jpg", "red", 200 + number)
        photo(root / f"data/two/blue/{number}.jpg", "blue", 300 + number)
    photo(root / f"data/two/red/{ODD_NAME}", "blue", 400)
    shutil.copy(root / "data/one/red/0.jpg", root / "data/one/red/copy.jpg")
    (root / "data/one/red/broken.jpg").write_bytes(b"no photo")


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipeline.release.gate_run import run_gate
    from pipeline.report.page import run as make_report
    from pipeline.stages import clean, evaluate, split, validate

    root = tmp_path_factory.mktemp("reported")
    layout = Layout(root)
    parameters = tiny_parameters(
        split={"validation": 0.3},
        evaluate={"side": "test", "bootstrap_samples": 200},
        gate={"min_accuracy": 0.95},
        validate={"workers": 1},
    )
    write_photos(root)
    write_batches(layout.batches, [Batch("one", "", "1" * 64, 18), Batch("two", "test", "2" * 64, 9)])
    for stage in (validate, clean, split):
        stage.run(layout, parameters)
    write_history(
        layout.artifacts("train") / "history.csv",
        [
            EpochRow(1, 1, 0.01, 0.9, 0.5, 0.8, 0.6, 0.6, 1.0, 9.0, kept=False),
            EpochRow(2, 2, 0.001, 0.4, 0.9, 0.5, 0.8, 0.8, 1.0, 9.0, kept=True),
        ],
    )
    saved_model = save_red_or_blue(layout.artifacts("export") / "saved_model")
    write_manifest(layout.artifacts("export") / "manifest.json", manifest_of(saved_model))
    evaluate.run(layout, parameters)
    run_gate(layout, parameters)
    return make_report(layout, parameters)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture
def opened(browser: Browser, page_path: Path) -> Iterator[Watched]:
    with open_page(browser) as watched:
        watched.page.goto(page_path.as_uri())
        yield watched


def test_every_link_leads_somewhere(opened: Watched, page_path: Path) -> None:
    addresses = opened.page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
    inside = {address[1:] for address in addresses if address.startswith("#")}
    beside = {address for address in addresses if not address.startswith("#")}
    known = set(opened.page.eval_on_selector_all("[id]", "places => places.map(place => place.id)"))
    assert inside - known == set()
    assert "validate/data_docs/index.html" in beside
    assert all((page_path.parent / unquote(address)).is_file() for address in beside)


def test_the_verdict_is_the_first_thing_said(opened: Watched) -> None:
    first = opened.page.locator("main section").first
    assert "refused" in first.inner_text()
    assert "accuracy is .889, the limit .950" in first.inner_text()


def test_all_pictures_are_in_the_page_and_nothing_is_asked_for_elsewhere(opened: Watched, page_path: Path) -> None:
    pictures = "pictures => Promise.all(pictures.map(one => one.decode().then(() => one.naturalWidth)))"
    widths = opened.page.eval_on_selector_all("img", pictures)
    assert len(widths) > 8
    assert min(widths) > 0
    assert opened.left_the_machine == []
    assert opened.errors == []


def test_a_cell_of_the_confusion_matrix_opens_its_photos(opened: Watched) -> None:
    cell = opened.page.locator("#confusion td.wrong a")
    photos = opened.page.locator(f"[id='{(cell.get_attribute('href') or '')[1:]}']")
    assert not photos.is_visible()
    cell.focus()
    opened.page.keyboard.press("Enter")
    assert photos.is_visible()
    assert photos.locator("img").count() == 1
    assert ODD_NAME in photos.inner_text()


def test_names_of_files_stay_text(opened: Watched) -> None:
    assert opened.page.locator("b").count() == 0


@pytest.mark.parametrize("viewport", (DESKTOP, PHONE), ids=("desktop", "phone"))
@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_the_page_fits_the_screen_and_shows_something(
    browser: Browser, page_path: Path, tmp_path: Path, viewport: ViewportSize, scheme: str
) -> None:
    with open_page(browser, viewport) as watched:
        watched.page.emulate_media(color_scheme=scheme)
        watched.page.goto(page_path.as_uri())
        watched.page.screenshot(path=tmp_path / "page.png")
        assert fits_the_width(watched.page)
        assert has_content(tmp_path / "page.png")


def test_the_page_can_be_printed(opened: Watched, tmp_path: Path) -> None:
    printed = opened.page.pdf(format="A4")
    opened.page.emulate_media(media="print")
    opened.page.screenshot(path=tmp_path / "print.png")
    assert printed.startswith(b"%PDF")
    assert has_content(tmp_path / "print.png")
    assert not opened.page.locator("nav.contents").is_visible()
