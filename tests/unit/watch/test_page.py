"""The page of a watch in a real browser."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, fits_the_width, has_content, needs_chromium, open_browser, open_page
from fake_model_server import running_fake
from playwright.sync_api import Browser
from watched_homes import CLASSES, Home, darker, encoded, wall

from pipeline.watch.run import watch

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of drifted photos with labels since, and one of photos like those of training."""
    made = {}
    for name in ("drifted", "alike"):
        home = Home(tmp_path_factory.mktemp(name), num_training=120)
        home.serve()
        home.ask(40, darker if name == "drifted" else lambda image: image)
        if name == "drifted":
            home.bring("since", [("sound", encoded(darker(wall(10_000 + number)))) for number in range(31)])
        watch(home.layout, home.parameters, datetime(2026, 5, 2, tzinfo=UTC))
        made[name] = home.root / "reports" / "watch" / "walls" / "index.html"
    return made


@pytest.mark.parametrize("scheme", ("light", "dark"))
@pytest.mark.parametrize("viewport", (DESKTOP, PHONE), ids=("desktop", "phone"))
def test_the_page_fits_and_shows_its_pictures_from_disk_alone(browser, pages, tmp_path, viewport, scheme):
    with open_page(browser, viewport) as watched:
        page = watched.page
        page.emulate_media(color_scheme=scheme)
        page.goto(pages["drifted"].as_uri())
        page.screenshot(path=tmp_path / "page.png")
        assert has_content(tmp_path / "page.png")
        assert fits_the_width(page)
        assert page.locator(".judgement .bad").first.inner_text() == "drifted"
        assert page.locator(".next img").count() == 8
        assert page.locator(".next img").first.evaluate("image => image.naturalWidth") > 0
        assert page.locator(".plots figure").count() > 3
        assert (watched.left_the_machine, watched.errors) == ([], [])


def test_a_measure_says_both_sides_in_words_of_the_clean_stage(browser, pages):
    with open_page(browser) as watched:
        watched.page.goto(pages["drifted"].as_uri())
        row = watched.page.locator("tr", has=watched.page.get_by_text("mean brightness, of 1", exact=True))
        assert row.locator("td").first.inner_text() == "drifted"
        assert "31 photos were labelled after this version was trained" in watched.page.locator("main").inner_text()


def test_whoever_took_a_photo_of_data_is_named_beneath_it(browser, tmp_path):
    home = Home(tmp_path, num_training=120)
    home.serve()
    home.ask(40)
    home.bring("open", [("_unlabelled", encoded(wall(seed))) for seed in range(700, 704)])
    lines = [f"_unlabelled/{number}.png,https://a.example.org/{number},CC BY 4.0,Ada" for number in range(4)]
    (home.layout.data / "open" / "photos.csv").write_text("\n".join(["path,url,licence,author", *lines]))
    with running_fake() as fake:
        fake.classes, fake.probabilities, fake.threshold = list(CLASSES), [0.34, 0.33, 0.33], [0.3, 0.3, 0.3]
        home.server = fake.address
        watch(home.layout, home.parameters, datetime(2026, 5, 2, tzinfo=UTC))
    with open_page(browser) as watched:
        watched.page.goto((home.root / "reports" / "watch" / "walls" / "index.html").as_uri())
        credit = watched.page.locator(".next .credit").first
        assert credit.inner_text() == "by Ada, CC BY 4.0 source"


def test_photos_like_those_of_training_are_said_to_be_alike(browser, pages):
    with open_page(browser) as watched:
        watched.page.goto(pages["alike"].as_uri())
        assert watched.page.locator(".judgement").inner_text().startswith("alike")
        assert watched.page.locator(".bad").count() == 0
        assert "Too few photos were labelled" in watched.page.locator("main").inner_text()
