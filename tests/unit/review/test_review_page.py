"""The review page in a browser, opened from disk: what a person decides there is what the next run obeys."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, Watched, fits_the_width, has_content, needs_chromium, open_browser, open_page
from playwright.sync_api import Browser, Page, ViewportSize, expect
from reported_runs import photo_row
from reviewed_runs import HOSTILE_LABEL, cleaned, review_parameters, sha256_of
from reviewed_tables import pair, row

from pipeline.commands.review import decide
from pipeline.core.paths import Layout
from pipeline.core.tables import write_rows
from pipeline.photos.decisions import HumanDecision, read_decisions, write_decisions
from pipeline.photos.records import CleanRow, DuplicateRow, PhotoRow
from pipeline.review.page import run

pytestmark = needs_chromium

# A file dialog cannot be driven: the browser's own is replaced by one over text in the page.
PICKER = """
window.file = %s;
window.picked = 0;
window.showOpenFilePicker = async () => {
  window.picked += 1;
  return [{
    name: "decisions.csv",
    getFile: async () => new Blob([window.file]),
    createWritable: async () => {
      let written = "";
      return { write: async (text) => { written += text; }, close: async () => { window.file = written; } };
    },
  }];
};
"""
NO_PICKER = "delete window.showOpenFilePicker;"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture
def review(browser: Browser, layout: Layout) -> Iterator[Watched]:
    run(layout, review_parameters())
    with open_page(browser) as watched:
        watched.page.add_init_script(NO_PICKER)
        watched.page.goto(layout.review.as_uri())
        yield watched
        assert not watched.left_the_machine
        assert not watched.errors


def part(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name).click()


def card(page: Page, place: str) -> str:
    """Selector of a photo's card."""
    return f'.card:has-text("{place}")'


def sign(page: Page, name: str = "Ada") -> None:
    page.get_by_label("your name").fill(name)
    page.locator("#who").get_by_role("button", name="Save").click()


def expect_left(page: Page, name: str, words: str) -> None:
    """Wait, since an answer to a dialog is taken a moment after it has closed."""
    expect(page.get_by_role("navigation").get_by_role("link", name=name).locator(".count")).to_have_text(words)


def expect_told(page: Page, words: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(words)


def test_decided_by_mouse_and_keys_saved_taken_over_and_obeyed(
    review: Watched, layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, sha256 = review.page, sha256_of(layout)
    expect_left(page, "Copies", "3 left")
    equal = page.locator(".group", has_text="2 files of equal bytes")
    equal.get_by_role("button", name="All are wall").click()
    conflict = page.locator(".group", has_text="one/wall/conflict.jpg")
    conflict.locator(".card").first.focus()
    page.keyboard.press("1")
    page.locator(card(page, "one/wall/half.jpg")).focus()
    page.keyboard.press("a")
    expect_left(page, "Copies", "settled")

    part(page, "Quality")
    page.locator(card(page, "one/wall/blank.jpg")).get_by_role("button", name="Keep").click()
    page.locator(card(page, "one/wall/broken.jpg")).get_by_label("select photo").check()
    part(page, "Suspects")
    page.locator(card(page, "one/wall/3.jpg")).focus()
    page.keyboard.press("y")
    page.keyboard.press("r")  # the next photo has the focus now
    page.get_by_label("class", exact=True).fill("gate")
    page.keyboard.press("Enter")
    expect_told(page, "class gate")
    page.locator(card(page, "one/wall/2.jpg")).get_by_label("select photo").check()
    page.get_by_role("region", name="Selected photos").get_by_role("button", name="Belong together").click()
    page.get_by_label("group", exact=True).fill("north, side")
    page.keyboard.press("Enter")
    expect_told(page, "group north, side")

    page.keyboard.press("s")
    with page.expect_download() as download:
        sign(page)
    download.value.save_as(tmp_path / "decisions.csv")
    expect_told(page, "make decide")
    monkeypatch.chdir(layout.root)
    decide(str(tmp_path / "decisions.csv"))

    assert set(read_decisions(layout.decisions)) == {
        HumanDecision(sha256["one/wall/4.jpg"], "relabel", "wall", by="Ada"),
        HumanDecision(sha256["one/wall/conflict.jpg"], "relabel", "arch", by="Ada"),
        HumanDecision(sha256["one/wall/blank.jpg"], "keep", by="Ada"),
        HumanDecision(sha256["one/wall/3.jpg"], "relabel", "arch", by="Ada"),
        HumanDecision(sha256["one/wall/2.jpg"], "relabel", "gate", by="Ada"),
        HumanDecision(sha256["one/wall/2.jpg"], "together", group="north, side", by="Ada"),
        HumanDecision(sha256["one/wall/broken.jpg"], "together", group="north, side", by="Ada"),
    }
    rows = cleaned(layout)
    assert outcome(rows["one/wall/blank.jpg"]) == ("keep", "wall")
    assert outcome(rows["one/wall/3.jpg"]) == ("keep", "arch")
    assert {outcome(rows[path]) for path in ("one/wall/4.jpg", "two/arch/equal.jpg")} == {
        ("keep", "wall"),
        ("quarantine", "wall"),
    }
    assert {outcome(rows[path])[0] for path in ("one/arch/11.jpg", "one/wall/conflict.jpg")} == {"keep", "quarantine"}


def outcome(row: CleanRow) -> tuple[str, str | None]:
    return row.decision, row.label


def test_saving_in_place_merges_with_what_others_wrote_and_asks_where_they_differ(
    browser: Browser, layout: Layout
) -> None:
    sha256 = sha256_of(layout)
    blank, broken, half = (sha256[f"one/wall/{name}.jpg"] for name in ("blank", "broken", "half"))
    write_decisions(layout.decisions, [HumanDecision(half, "keep", reason="before", by="Ada")])
    run(layout, review_parameters())
    others = f"sha256,decision,label,reason,by\n{half},keep,,before,Ada\n{'f' * 64},drop,,,Ben\n{blank},drop,,no,Ben\n"
    with open_page(browser) as watched:
        page = watched.page
        page.add_init_script(PICKER % json.dumps(others))
        page.goto(f"{layout.review.as_uri()}#quality")
        for name in ("blank", "broken"):
            page.locator(card(page, f"one/wall/{name}.jpg")).get_by_role("button", name="Keep").click()
        page.get_by_role("button", name="Save 2 decisions").click()
        sign(page, "=Ada, the 2nd")
        page.get_by_label("which holds for one/wall/blank.jpg").select_option("mine")
        page.locator("#conflicts").get_by_role("button", name="Save").click()
        page.get_by_text("saved into decisions.csv: 4 lines").wait_for()

        part(page, "Decided")
        assert page.locator(".card").count() == 4
        page.locator(card(page, "f" * 64)).get_by_role("button", name="take back").click()
        page.get_by_role("button", name="Save 1 decision").click()
        page.get_by_text("saved into decisions.csv: 3 lines").wait_for()
        assert page.evaluate("window.picked") == 1
        layout.decisions.write_text(page.evaluate("window.file"), encoding="utf-8")
        page.reload()
        part(page, "Decided")
        expect(page.locator(".card")).to_have_count(3)
        part(page, "Quality")
        page.get_by_label("Show").select_option(label="settled")
        page.locator(card(page, "one/wall/broken.jpg")).get_by_role("button", name="Drop").click()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("button", name="Save")).to_be_disabled()
        assert not watched.errors
    assert read_decisions(layout.decisions) == [
        HumanDecision(half, "keep", reason="before", by="Ada"),
        HumanDecision(blank, "keep", by="=Ada, the 2nd"),
        HumanDecision(broken, "keep", by="=Ada, the 2nd"),
    ]


def test_what_is_not_saved_survives_a_reload_and_a_new_run_and_can_be_undone(review: Watched, layout: Layout) -> None:
    page, sha256 = review.page, sha256_of(layout)
    part(page, "Quality")
    page.locator(card(page, "one/wall/blank.jpg")).focus()
    page.keyboard.press("d")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"]
    expect(page.get_by_role("button", name="Save 1 decision")).to_be_enabled()

    write_decisions(layout.decisions, [HumanDecision(sha256["one/wall/2.jpg"], "drop")])
    run(layout, review_parameters())
    page.reload()
    expect_told(page, "1 decisions from before this run")
    part(page, "Decided")
    assert page.locator(".card .decided span").all_inner_texts() == ["drop", "drop *"]
    page.locator(card(page, "one/wall/blank.jpg")).get_by_role("button", name="Drop").click()
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.keyboard.press("u")
    expect(page.get_by_role("button", name="Save 1 decision")).to_be_enabled()


def test_what_was_downloaded_and_then_taken_back_is_withdrawn(review: Watched, layout: Layout, tmp_path: Path) -> None:
    page, blank = review.page, sha256_of(layout)["one/wall/blank.jpg"]
    part(page, "Quality")
    page.locator(card(page, "one/wall/blank.jpg")).get_by_role("button", name="Drop").click()
    page.get_by_role("button", name="Save 1 decision").click()
    with page.expect_download():
        sign(page)
    page.get_by_role("button", name="Undo").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save 1 decision").click()
    download.value.save_as(tmp_path / "decisions.csv")
    assert read_decisions(tmp_path / "decisions.csv") == [HumanDecision(blank, "withdraw", by="Ada")]


def test_agreeing_with_a_whole_part_writes_nothing_and_is_undone_at_once(review: Watched) -> None:
    page = review.page
    page.get_by_role("button", name="All shown are right as they are").click()
    page.get_by_role("button", name="Yes").click()
    expect_left(page, "Copies", "settled")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.get_by_role("button", name="Undo").click()
    expect_left(page, "Copies", "3 left")


def test_decisions_without_effect_say_why(review: Watched, layout: Layout) -> None:
    sha256 = sha256_of(layout)
    alone = HumanDecision(sha256["one/wall/2.jpg"], "together", group="north")
    decided = [HumanDecision("f" * 64, "drop"), alone, HumanDecision(sha256["one/wall/broken.jpg"], "keep")]
    write_decisions(layout.decisions, decided)
    cleaned(layout)
    run(layout, review_parameters())
    page = review.page
    page.reload()
    part(page, "Decided")
    assert "not in this run" in page.locator(card(page, "f" * 64)).inner_text()
    assert "alone in its group" in page.locator(card(page, "one/wall/2.jpg")).inner_text()
    assert "overruled by the last run" in page.locator(card(page, "one/wall/broken.jpg")).inner_text()
    page.get_by_label("Kind").select_option(label="unmatched")
    expect(page.locator(".card")).to_have_count(2)


def test_a_photo_under_two_labels_cannot_be_kept_as_it_is(review: Watched) -> None:
    page = review.page
    page.locator(".group", has_text="equal bytes").get_by_role("button", name="Keep").click()
    expect_told(page, "several labels")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()


def test_a_group_under_two_labels_is_left_until_they_agree(review: Watched) -> None:
    page = review.page
    first, second = page.locator(".group", has_text="conflict.jpg").locator(".card").all()
    for photo, remaining in ((first, "3 left"), (second, "2 left")):
        photo.get_by_role("button", name="Class").click()
        page.get_by_label("class", exact=True).fill("gate")
        page.locator("#relabel").get_by_role("button", name="Set the class").click()
        expect_told(page, "class gate")
        expect_left(page, "Copies", remaining)
    page.keyboard.press("u")
    expect_left(page, "Copies", "3 left")
    second.get_by_role("button", name="Class").click()
    page.get_by_role("group", name="classes of this run").get_by_role("button", name="arch").click()
    expect(second.locator(".decided")).to_contain_text("relabel: arch")


def test_names_that_are_markup_stay_names(review: Watched, layout: Layout) -> None:
    page = review.page
    part(page, "Quality")
    hostile = page.locator(".card", has_text=HOSTILE_LABEL)
    assert "two/odd/<script>alert(1)" in hostile.inner_text()
    hostile.get_by_role("img").wait_for()
    hostile.focus()
    page.keyboard.press("Enter")
    large = page.locator("#look img")
    large.wait_for()
    assert "pictures" not in (large.get_attribute("src") or "pictures")  # the photo itself was found
    assert large.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    page.get_by_role("button", name="Close").click()
    page.get_by_label("Class", exact=True).select_option(label=HOSTILE_LABEL)
    assert page.locator(".card").count() == 1
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize(("viewport", "scheme"), ((DESKTOP, "light"), (PHONE, "light"), (DESKTOP, "dark")))
def test_it_reads_well_on_every_screen(review: Watched, tmp_path: Path, viewport: ViewportSize, scheme: str) -> None:
    page = review.page
    page.set_viewport_size(viewport)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for name in ("Copies", "Quality", "Suspects", "Decided"):
        part(page, name)
        assert fits_the_width(page), name
    part(page, "Copies")
    page.screenshot(path=tmp_path / "page.png")
    assert has_content(tmp_path / "page.png")
    unnamed = page.locator("button:visible, input:visible, select:visible").evaluate_all(
        "all => all.filter(one => !one.innerText.trim() && !one.ariaLabel && !one.labels?.length"
        " && !one.querySelector('img[alt]')).length"
    )
    assert unnamed == 0


def test_thousands_of_photos_open_at_once(browser: Browser, tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    rows = [row(f"one/wall/{number}", cluster=f"photo-{number // 2}") for number in range(1, 2001, 2)]
    rows += [
        row(f"one/wall/{number}", cluster=f"photo-{number // 2}", decision="quarantine", reasons="copy_of_kept")
        for number in range(0, 2000, 2)
    ]
    pairs = [pair(f"one/wall/{number}", f"one/wall/{number + 1}") for number in range(0, 2000, 2)]
    write_rows(layout.artifacts("clean") / "photos.parquet", CleanRow, rows)
    write_rows(layout.artifacts("clean") / "duplicates.parquet", DuplicateRow, pairs)
    photos = [photo_row(one.path, one.label, sha256=one.sha256) for one in rows]
    write_rows(layout.artifacts("validate") / "photos.parquet", PhotoRow, photos)
    run(layout, review_parameters())
    with open_page(browser) as watched:
        watched.page.goto(layout.review.as_uri())
        expect_left(watched.page, "Copies", "1000 left")
        opened = watched.page.evaluate("performance.getEntriesByType('navigation')[0].domComplete")
        assert opened < 2000
        watched.page.locator(".card").first.focus()
        decided = watched.page.evaluate(
            "() => { const before = performance.now(); document.activeElement.dispatchEvent("
            "new KeyboardEvent('keydown', { key: 'd', bubbles: true })); return performance.now() - before; }"
        )
        expect_left(watched.page, "Copies", "999 left")
        assert decided < 200
        watched.page.keyboard.press("]")
        assert "page 2 of 84" in watched.page.locator(".pager").inner_text()
