"""Photos that are settled together, on the page in a browser."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from browser import needs_chromium, open_browser, open_page
from playwright.sync_api import Browser, Page, expect
from reported_runs import photo_row
from reviewed_runs import review_parameters
from reviewed_tables import pair, row, scene_pair

from pipeline.core.paths import Layout
from pipeline.core.tables import write_rows
from pipeline.photos.records import CleanRow, DuplicateRow, PhotoRow, SuspectRow
from pipeline.review.page import run

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


def reviewed(
    root: Path, rows: Sequence[CleanRow], pairs: Sequence[DuplicateRow] = (), suspects: Sequence[SuspectRow] = ()
) -> str:
    """Address of the page about these photos."""
    layout = Layout(root)
    write_rows(layout.artifacts("clean") / "photos.parquet", CleanRow, rows)
    write_rows(layout.artifacts("clean") / "duplicates.parquet", DuplicateRow, pairs)
    write_rows(layout.artifacts("clean") / "suspects.parquet", SuspectRow, suspects)
    photos = [photo_row(one.path, one.label, sha256=one.sha256) for one in rows]
    write_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow, photos)
    run(layout, review_parameters())
    return layout.review.as_uri()


def expect_left(page: Page, name: str, words: str) -> None:
    expect(page.get_by_role("navigation").get_by_role("link", name=name).locator(".count")).to_have_text(words)


def test_of_two_photos_of_a_scene_one_that_is_dropped_settles_it_and_several_labels_can_become_one(
    browser: Browser, tmp_path: Path
) -> None:
    rows = [row(f"one/{label}/{scene}", label, group=f"scene-{scene}") for scene in "12" for label in ("wall", "arch")]
    address = reviewed(tmp_path, rows, [scene_pair(f"one/arch/{scene}", f"one/wall/{scene}") for scene in "12"])
    with open_page(browser) as watched:
        page = watched.page
        page.goto(f"{address}#scenes")
        expect_left(page, "Scenes", "2 left")
        page.locator(".card").first.focus()
        page.keyboard.press("d")
        expect_left(page, "Scenes", "1 left")
        page.keyboard.press("2")  # the next scene has the focus now
        expect(page.get_by_role("status")).to_contain_text("all are wall")
        expect_left(page, "Scenes", "settled")


def test_the_class_of_a_suspect_holds_for_its_copies_but_not_for_one_that_is_dropped(
    browser: Browser, tmp_path: Path
) -> None:
    rows = [row(f"one/wall/{name}", cluster="photo-1") for name in "abc"]
    pairs = [pair("one/wall/a", "one/wall/b"), pair("one/wall/a", "one/wall/c")]
    suspects = [SuspectRow("data/one/wall/a", "wall", "label", 0.9, "arch")]
    address = reviewed(tmp_path, rows, pairs, suspects)
    with open_page(browser) as watched:
        page = watched.page
        page.goto(address)
        page.locator(".card", has_text="one/wall/c").get_by_role("button", name="Drop").click()
        page.get_by_role("navigation").get_by_role("link", name="Suspects").click()
        page.locator(".card").first.focus()
        page.keyboard.press("y")
        page.get_by_role("navigation").get_by_role("link", name="Decided").click()
        expect(page.locator(".decided span")).to_have_text(["drop *", "relabel: arch *", "relabel: arch *"])


def test_photos_that_were_selected_and_dropped_are_selected_no_more(browser: Browser, tmp_path: Path) -> None:
    rows = [row(f"one/wall/{name}") for name in "ab"]
    suspects = [SuspectRow(one.path, "wall", "outlier", 0.4, "") for one in rows]
    address = reviewed(tmp_path, rows, suspects=suspects)
    with open_page(browser) as watched:
        page = watched.page
        page.goto(address)
        page.locator(".card").first.focus()
        for key in ("x", "ArrowRight", "x"):
            page.keyboard.press(key)
        region = page.get_by_role("region", name="Selected photos")
        region.get_by_role("button", name="Drop").click()
        expect_left(page, "Suspects", "settled")
        expect(region).to_be_hidden()
        expect(page.get_by_role("button", name="Save 2 decisions")).to_be_enabled()
