"""The explanation page in a browser: photos in by every way, what is shown, and what is said where something fails."""

import base64
import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from browser import DESKTOP, PHONE, Watched, fits_the_width, has_content, needs_chromium, open_browser, open_page
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sidecars import listening

from serving.client import ModelClient
from serving.sidecar.app import ExplainedModel, create_app
from serving.sidecar.guard import LOOPBACK_NAMES

pytestmark = needs_chromium
expect.set_options(timeout=20_000)  # busy machines are slow, not wrong

FAILED_ANSWER = "Failed to load resource"
"""What Chromium's console says of an answer that is an error."""

COUNT_REQUESTS = """
window.inFlight = 0; window.most = 0;
const original = window.fetch;
window.fetch = async (path, request) => {
  const counts = String(path).startsWith("v1/explain");
  if (counts) window.most = Math.max(window.most, ++window.inFlight);
  try { return await original(path, request); } finally { if (counts) window.inFlight--; }
};
"""
STUB_PRINTING = """
window.print = () => {
  dispatchEvent(new Event("beforeprint"));
  window.printed = [...document.querySelectorAll(".sheet")].map((sheet) => sheet.innerText || sheet.textContent);
  dispatchEvent(new Event("afterprint"));
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as running:
        yield running


@pytest.fixture
def explainer(fake_server: Any) -> Iterator[httpx.Client]:
    with ModelClient(fake_server.address, deadline=10) as client:
        app = create_app(client, ExplainedModel("demo", label="stable"), hosts=LOOPBACK_NAMES)
        with listening(app) as asking:
            yield asking


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """An empty page; whatever a test does on it, nothing leaves the machine and nothing fails silently."""
    with open_page(browser, DESKTOP) as opened:
        yield opened
        assert not opened.left_the_machine
        assert not [error for error in opened.errors if not error.startswith(FAILED_ANSWER)]


@pytest.fixture
def page(watched: Watched, explainer: httpx.Client) -> Page:
    """The page, loaded and ready."""
    return load(watched.page, explainer)


def load(page: Page, explainer: httpx.Client) -> Page:
    page.on("filechooser", lambda _: None)  # from now on the test chooses files; asked for later, it may come too late
    page.goto(str(explainer.base_url))
    expect(page.locator("#limits")).to_contain_text("20 MB and 50 megapixels")
    return page


def encoded(image: Image.Image, image_format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def painted(width: int = 640, height: int = 480) -> Image.Image:
    """A photo that looks different in each corner."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([across, down, 255 - across], axis=2).astype(np.uint8))


def upload(name: str = "wall.png", data: bytes | None = None) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/png", "buffer": encoded(painted()) if data is None else data}


def choose(page: Page, *files: dict[str, Any]) -> None:
    page.set_input_files("#files", list(files))


def bring(page: Page, event: str, *files: dict[str, Any]) -> None:
    """Drop or paste files."""
    page.evaluate(
        """([kind, files]) => {
          const carried = new DataTransfer();
          for (const { name, data } of files) {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            carried.items.add(new File([bytes], name, { type: "image/png" }));
          }
          document.body.dispatchEvent(kind === "drop"
            ? new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true })
            : new ClipboardEvent(kind, { clipboardData: carried, bubbles: true, cancelable: true }));
        }""",
        [event, [{"name": file["name"], "data": base64.b64encode(file["buffer"]).decode()} for file in files]],
    )


def answered(page: Page, text: str) -> None:
    expect(page.locator("#status")).to_have_text(text)


def shown(page: Page) -> NDArray[np.int64]:
    """Pixels of the photo with its map, as (height, width, 3)."""
    address = page.evaluate("document.getElementById('canvas').toDataURL('image/png')")
    image = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    return np.asarray(image.convert("RGB")).astype(int)


def overlay(explainer: httpx.Client, data: bytes, **query: Any) -> NDArray[np.int64]:
    answer = explainer.post("/v1/explain", params={"format": "overlay", **query}, content=data)
    return np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)


def set_opacity(page: Page, opacity: float) -> None:
    page.locator("#opacity").fill(str(opacity))


def trouble(page: Page) -> str:
    expect(page.locator("#trouble")).to_be_visible()
    for words in ("came", "expected", "to_do"):
        expect(page.locator(f"#trouble [data-part={words}]")).not_to_be_empty()
    return page.locator("#trouble").inner_text()


def test_a_chosen_photo_is_answered_in_words_figures_and_colours(page: Page, tmp_path: Path) -> None:
    expect(page.locator("#model")).to_contain_text("demo, version 7, is ready")
    with page.expect_file_chooser() as dialogue:
        page.locator("#choose").click()
    assert dialogue.value.is_multiple()
    dialogue.value.set_files(upload())
    answered(page, "1 of 1 answered")
    verdict = page.locator("#answer > .verdict")
    expect(verdict).to_contain_text("Gewölbe")
    expect(verdict).to_contain_text("probability of Gewölbe .30 (threshold .10)")
    expect(verdict).to_contain_text("Not close to the threshold: .20 above it.")
    rows = [row.split() for row in page.locator("#answer tbody tr").all_inner_texts()]
    assert rows == [["Gewölbe", ".30", ".10"], ["crack", ".50", ".45"], ["sound", ".20", ".33"]]
    expect(page.locator("#answer [data-part=model]")).to_have_text("Answered by the model demo, version 7.")
    expect(page.locator("#answer [data-part=scale]")).to_contain_text("it measures the model's grounds, not damage")
    text = page.inner_text("body")
    assert "damaged" not in text
    assert "%" not in text
    page.screenshot(path=tmp_path / "page.png")
    assert has_content(tmp_path / "page.png")


def test_photos_are_dropped_and_pasted_too(page: Page) -> None:
    bring(page, "drop", upload("a.png"), upload("b.png"))
    bring(page, "paste", upload("image.png"))
    answered(page, "3 of 3 answered")
    assert page.locator(".pick .name").all_inner_texts() == ["a.png", "b.png", "pasted 1: image.png"]
    expect(page.locator("#photo-name")).to_have_text("pasted 1: image.png")
    bring(page, "paste")
    expect(page.locator("#note")).to_contain_text("no photo in what was pasted")


def test_two_photos_at_a_time_are_asked_about_in_the_order_in_which_they_came(
    watched: Watched, explainer: httpx.Client, fake_server: Any
) -> None:
    watched.page.add_init_script(COUNT_REQUESTS)
    page = load(watched.page, explainer)
    fake_server.delay = 0.1
    photos = [encoded(Image.new("RGB", (8 + number, 8), "white")) for number in range(6)]
    choose(page, *(upload(f"{number}.png", photo) for number, photo in enumerate(photos)))
    answered(page, "6 of 6 answered")
    assert page.evaluate("window.most") == 2
    came = [photos.index(request.inputs["image_bytes"].string_val[0]) for request in fake_server.requests]
    assert all(abs(place - number) <= 1 for place, number in enumerate(came))
    assert page.locator(".pick .name").all_inner_texts() == [f"{number}.png" for number in range(6)]
    expect(page.locator("#photo-name")).to_have_text("0.png")
    page.locator(".pick").nth(3).click()
    expect(page.locator("#photo-name")).to_have_text("3.png")


def test_the_map_on_the_page_is_the_overlay_of_the_server(page: Page, explainer: httpx.Client) -> None:
    choose(page, upload())
    answered(page, "1 of 1 answered")
    page.locator("#box").uncheck()
    for opacity in (0.6, 1, 0):
        set_opacity(page, opacity)
        difference = np.abs(shown(page) - overlay(explainer, upload()["buffer"], opacity=opacity))
        assert difference.max() <= 6, opacity  # one step of the colour scale
        assert difference.mean() < 0.5
    assert not difference.any(), "without opacity, the photo itself"


def test_photos_that_are_stored_lying_down_are_shown_upright(page: Page, explainer: httpx.Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for number, image_format in enumerate(("JPEG", "WEBP")):
        data = encoded(painted(), image_format, exif=exif, quality=95)
        choose(page, upload("turned", data))
        answered(page, f"{number + 1} of {number + 1} answered")
        page.locator("#box").uncheck()
        upright = overlay(explainer, data, opacity=0.6)
        assert upright.shape == (640, 480, 3)
        assert np.abs(shown(page) - upright).mean() < 2


def test_a_photo_that_the_browser_cannot_read_is_drawn_by_the_server(watched: Watched, explainer: httpx.Client) -> None:
    watched.page.add_init_script(
        """const original = window.createImageBitmap;
        window.createImageBitmap = (source, ...rest) =>
          source instanceof File ? Promise.reject(new Error("cannot")) : original(source, ...rest);"""
    )
    page = load(watched.page, explainer)
    data = encoded(painted().convert("CMYK"), "JPEG", quality=95)
    choose(page, upload("scan.jpg", data))
    answered(page, "1 of 1 answered")
    page.locator("#box").uncheck()
    assert np.abs(shown(page) - overlay(explainer, data, opacity=0.6)).max() <= 4


def test_another_class_is_asked_for_and_shown(page: Page, fake_server: Any) -> None:
    choose(page, upload())
    answered(page, "1 of 1 answered")
    before = shown(page)
    page.locator("#class").select_option("sound")
    expect(page.locator("#canvas")).to_have_attribute("aria-label", re.compile("with the grounds for sound"))
    assert fake_server.requests[-1].inputs["class_index"].int_val[0] == 2
    expect(page.locator("#class")).to_have_value("sound")
    expect(page.locator("#answer > .verdict .class")).to_have_text("Gewölbe")
    changed = np.abs(shown(page) - before).sum(axis=2) > 30
    assert changed[:100, 160:240].mean() > 0.5, "the heat of class 1 has left its cell"
    assert changed[:100, 360:460].mean() > 0.5, "the heat of class 2 lies in the next"


def test_a_class_that_cannot_be_explained_now_leaves_the_answer_and_is_asked_for_again(
    page: Page, fake_server: Any
) -> None:
    choose(page, upload())
    answered(page, "1 of 1 answered")
    fake_server.refusal = (grpc.StatusCode.UNAVAILABLE, "down for a moment")
    page.locator("#class").select_option("crack")
    assert "down for a moment" in trouble(page)
    expect(page.locator("#class")).to_have_value("Gewölbe")
    fake_server.refusal = None
    page.locator("#again").click()
    expect(page.locator("#class")).to_have_value("crack")
    expect(page.locator("#trouble")).to_be_hidden()


def test_the_box_lies_round_the_hottest_place_and_can_be_taken_away(page: Page) -> None:
    choose(page, upload())
    answered(page, "1 of 1 answered")
    expect(page.locator("#answer [data-part=hottest]")).to_contain_text(
        "pixels, 160 from the left and 0 from the top; heat up to 1.00."
    )
    with_box = shown(page)
    page.locator("#box").uncheck()
    rows, columns = np.nonzero(np.abs(with_box - shown(page)).sum(axis=2))
    assert (columns.min(), columns.max()) == (pytest.approx(160, abs=5), pytest.approx(320, abs=5))
    assert rows.max() == pytest.approx(120, abs=5)


def test_a_cold_map_says_so(page: Page, fake_server: Any) -> None:
    fake_server.change = lambda answer: answer.outputs["heatmap"].float_val.__setitem__(slice(None), [0.1] * 16)
    choose(page, upload())
    expect(page.locator("#answer [data-part=hottest]")).to_contain_text("no place stands out as grounds for Gewölbe")
    expect(page.locator("#box")).to_be_disabled()


def test_the_heat_under_the_pointer_is_said(page: Page) -> None:
    choose(page, upload())
    answered(page, "1 of 1 answered")
    box = page.locator("#canvas").bounding_box() or pytest.fail("no picture")
    page.mouse.move(box["x"] + box["width"] * 3 / 8, box["y"] + box["height"] / 8)
    expect(page.locator("#pointer")).to_contain_text(re.compile(r"Heat (1\.00|\.99) at 2[34]\d from the left"))
    page.mouse.move(box["x"] + box["width"] * 7 / 8, box["y"] + box["height"] * 7 / 8)
    expect(page.locator("#pointer")).to_contain_text("Heat .00")


def test_how_close_the_answer_is_stands_there_in_words(page: Page) -> None:
    words = {
        (0.65, 0.25): "Not close to the threshold: .15 above it.",
        (0.55, 0.25): "Close to the threshold, only .05 above it. Look at the photo yourself.",
        (0.45, 0.40): "No class reaches its threshold; dome comes nearest. Look at the photo yourself.",
        (
            0.62,
            0.58,
        ): "Not close to the threshold: .12 above it. Nearly chosen instead: probability of vault .58 (threshold .50).",
    }
    for (dome, vault), expected in words.items():
        answer = {
            "class": "dome",
            "classes": ["vault", "dome"],
            "probabilities": {"vault": vault, "dome": dome},
            "thresholds": {"vault": 0.5, "dome": 0.5},
        }
        said = page.evaluate("async answer => (await import('/page/words.js')).closeness(answer)", answer)
        assert said == expected


def test_the_overlay_is_downloaded_in_the_photos_own_resolution(page: Page, explainer: httpx.Client) -> None:
    data = encoded(painted(1500, 1000))
    choose(page, upload("wall:1.png", data))
    answered(page, "1 of 1 answered")
    set_opacity(page, 0.9)
    page.locator("#class").select_option("sound")
    expect(page.locator("#photo")).to_have_attribute("aria-busy", "false")
    with page.expect_download() as download:
        page.locator("#download").click()
    assert download.value.suggested_filename.endswith("1, grounds for sound.png")
    image = np.asarray(Image.open(download.value.path())).astype(int)
    assert np.array_equal(image, overlay(explainer, data, opacity=0.9, **{"class": "sound"}))


def test_a_sheet_holds_all_that_belongs_to_an_answer(watched: Watched, explainer: httpx.Client) -> None:
    watched.page.add_init_script(STUB_PRINTING)
    page = load(watched.page, explainer)
    choose(page, upload("a.png"), upload("b.png"), upload("letter.png", b"a letter"))
    answered(page, "2 of 3 answered, 1 failed")
    page.locator(".pick").nth(1).click()
    page.locator("#print").click()
    (sheet,) = page.evaluate("window.printed")
    for words in (
        "b.png",
        time.strftime("%Y"),
        "probability of Gewölbe .30 (threshold .10)",
        "Grounds for Gewölbe, opacity .60, box round the hottest place",
        "crack",
        "not damage",
        "Answered by the model demo, version 7.",
    ):
        assert words in sheet
    page.locator("#print-all").click()
    assert len(page.evaluate("window.printed")) == 2
    expect(page.locator(".sheet")).to_have_count(0)


def test_the_browsers_own_printing_gives_one_page_a_photo(page: Page, fake_server: Any) -> None:
    fake_server.classes = [f"class {number}" for number in range(10)]
    fake_server.probabilities, fake_server.threshold = [0.1] * 10, [0.05] + [0.1] * 9
    choose(page, upload("wide.png"), upload("tall.png", encoded(painted(480, 640))))
    answered(page, "2 of 2 answered")
    pages = re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))
    assert len(pages) == 2


def test_what_is_no_photo_is_said_in_three_parts_and_leaves_the_others_alone(page: Page) -> None:
    choose(page, upload("letter.jpg", b"a letter"), upload())
    answered(page, "1 of 2 answered, 1 failed")
    words = trouble(page)
    assert "not a photo" in words
    assert "save it as JPEG or PNG" in words
    expect(page.locator("#again")).to_be_visible()


def test_a_file_that_is_too_large_is_not_sent(page: Page, fake_server: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    with large.open("wb") as file:
        file.truncate(20_000_001)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.set_input_files("#files", large)
    assert "at most 20 MB" in trouble(page)
    expect(page.locator("#again")).to_be_hidden()
    assert not sent
    assert not fake_server.requests


def test_a_model_server_that_does_not_answer_is_named_and_asked_again(page: Page, fake_server: Any) -> None:
    fake_server.refusal = (grpc.StatusCode.UNAVAILABLE, "away")
    choose(page, upload("a.png"), upload("b.png"))
    answered(page, "0 of 2 answered, 2 failed")
    assert "away" in trouble(page)
    fake_server.refusal = None
    page.locator("#again-all").click()
    answered(page, "2 of 2 answered")


def test_a_page_whose_server_is_gone_says_so_and_works_again_when_it_is_back(
    watched: Watched, fake_server: Any
) -> None:
    with ModelClient(fake_server.address, deadline=10) as client:
        app = create_app(client, ExplainedModel("demo"), hosts=LOOPBACK_NAMES)
        with listening(app) as explainer:
            page = load(watched.page, explainer)
            port = explainer.base_url.port
        choose(page, upload())
        assert f"no answer from 127.0.0.1:{port}" in trouble(page)
        with listening(app, port or 0):
            page.locator("#again").click()
            answered(page, "1 of 1 answered")


def test_a_server_that_never_answers_is_given_up(watched: Watched, explainer: httpx.Client, fake_server: Any) -> None:
    watched.page.add_init_script("AbortSignal.timeout = () => AbortSignal.abort(new DOMException('', 'TimeoutError'))")
    watched.page.goto(str(explainer.base_url))
    expect(watched.page.locator("#note")).to_contain_text("no answer within 90 seconds")
    watched.errors.clear()  # the page cannot work without its settings, and ends with the error that it shows


def test_a_question_is_cancelled_and_the_line_goes_on(page: Page, fake_server: Any) -> None:
    expect(page.locator("#model")).to_contain_text("is ready")
    fake_server.delay = 60
    choose(page, upload("a.png"), upload("b.png"), upload("c.png"))
    expect(page.locator("[data-state=asking]")).to_have_count(2)
    expect(page.locator("[data-state=waiting]")).to_have_count(1)
    page.locator("#cancel").click()
    assert "you cancelled" in trouble(page)
    expect(page.locator("[data-state=asking]")).to_have_count(2)
    page.keyboard.press("Escape")  # nothing runs for this photo any more
    page.locator(".pick").nth(1).click()
    page.keyboard.press("Escape")
    assert "you cancelled" in trouble(page)
    page.locator(".remove").nth(2).click()
    expect(page.locator(".pick")).to_have_count(2)
    fake_server.delay = 0
    page.locator("#again").click()
    answered(page, "1 of 2 answered, 1 failed")
    fake_server.over.set()


def test_a_model_that_is_not_ready_yet_is_waited_for(
    watched: Watched, explainer: httpx.Client, fake_server: Any
) -> None:
    fake_server.statuses = [(7, "LOADING", "")]
    watched.page.clock.install()
    page = load(watched.page, explainer)
    expect(page.locator("#model")).to_contain_text("the model is not ready")
    expect(page.locator("#model")).to_contain_text("7 LOADING")
    fake_server.statuses = [(7, "AVAILABLE", "")]
    page.clock.run_for(3_100)
    expect(page.locator("#model")).to_contain_text("demo, version 7, is ready")


def test_the_page_works_by_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#choose")).to_be_focused()
    with page.expect_file_chooser() as dialogue:
        page.keyboard.press("Enter")
    dialogue.value.set_files([upload("a.png"), upload("b.png"), upload("c.png")])
    answered(page, "3 of 3 answered")
    page.keyboard.press("Tab")
    expect(page.locator(".pick").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#photo-name")).to_have_text("b.png")
    page.keyboard.press("Delete")
    answered(page, "2 of 2 answered")
    expect(page.locator("#photo-name")).to_have_text("c.png")
    expect(page.locator(".pick").nth(1)).to_be_focused()
    reached = []
    while "print" not in reached:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        if reached[-1] == "opacity":
            before = shown(page)
            page.keyboard.press("End")
            assert np.abs(shown(page) - before).max() > 30
    assert [name for name in reached if name] == [
        "print-all", "remove-all", "class", "opacity", "box", "download", "print"
    ]  # fmt: skip


def test_the_page_fits_a_telephone(browser: Browser, explainer: httpx.Client) -> None:
    with open_page(browser, PHONE) as watched:
        page = load(watched.page, explainer)
        assert page.get_attribute("#files", "accept") == "image/*"
        assert fits_the_width(page)
        long_name = "the-north-wall-of-the-old-granary-" * 4
        choose(page, upload(f"{long_name}.png"), upload("letter.png", b"a letter"))
        answered(page, "1 of 2 answered, 1 failed")
        for width in (360, PHONE["width"]):
            page.set_viewport_size({"width": width, "height": 740})
            for photo in (0, 1):
                page.locator(".pick").nth(photo).click()
                assert fits_the_width(page)


def test_names_that_people_and_models_give_stay_text(page: Page, fake_server: Any) -> None:
    mark = "<img src=x onerror=fail()>"
    fake_server.classes = ["<b>crack</b>", mark, "1"]
    choose(page, upload(f"{mark}.png"))
    answered(page, "1 of 1 answered")
    expect(page.locator("#photo-name")).to_have_text(f"{mark}.png")
    expect(page.locator("#answer > .verdict .class")).to_have_text(mark)
    assert page.locator("#photo img, #photo b, #photos img").count() == 0
    assert page.locator("#class option").all_inner_texts() == ["<b>crack</b>", f"{mark} (the model's answer)", "1"]


def test_more_photos_than_the_page_holds_are_left_out_by_name_of_the_other_way(page: Page) -> None:
    choose(page, *(upload(f"{number}.png", b"") for number in range(101)))
    expect(page.locator("#note")).to_contain_text("1 were left out")
    expect(page.locator("#note")).to_contain_text("pipeline predict")
    expect(page.locator(".pick")).to_have_count(100)
    page.locator("#remove-all").click()
    expect(page.locator("#desk")).to_be_hidden()
    expect(page.locator("#choose")).to_be_focused()


def test_the_page_has_one_heading_labels_and_readable_colours_in_both_schemes(page: Page) -> None:
    choose(page, upload("a.png"), upload("letter.png", b"a letter"))
    answered(page, "1 of 2 answered, 1 failed")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    for control in page.locator("main button:visible, main select:visible, main input:visible").all():
        assert control.evaluate("at => (at.labels?.length ?? 0) > 0 || (at.ariaLabel ?? at.innerText).trim() !== ''")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        colours = json.loads(page.evaluate(COLOURS))
        for text in ("--ink", "--muted", "--accent", "--good", "--bad", "--unsure"):
            for ground in ("--ground", "--raised"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (scheme, text, ground)


COLOURS = """(() => {
  const probe = document.body.appendChild(document.createElement("i"));
  const names = ["ink", "muted", "accent", "good", "bad", "unsure", "ground", "raised"].map((name) => `--${name}`);
  const colours = names.map((name) => {
    probe.style.color = `var(${name})`;
    return [name, getComputedStyle(probe).color.match(/\\d+/g).map(Number)];
  });
  probe.remove();
  return JSON.stringify(Object.fromEntries(colours));
})()"""


def contrast(one: list[int], other: list[int]) -> float:
    """Ratio of two colours' luminances, 1 to 21, as WCAG 2 defines it."""

    def luminance(colour: list[int]) -> float:
        shares = [value / 255 for value in colour]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
