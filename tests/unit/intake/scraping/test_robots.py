"""robots.txt by RFC 9309."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.intake.scraping.robots import Robots, fits, parse_robots, spelt_path

AGENT = "heritage-photo-pipeline"


@pytest.mark.parametrize(
    ("text", "target", "allowed"),
    (
        ("", "/a.jpg", True),
        ("User-agent: *\nDisallow: /", "/a.jpg", False),
        ("User-agent: *\nDisallow:", "/a.jpg", True),
        ("\ufeffuser-AGENT:*\r\nDISALLOW : /private # not for all", "/private/a.jpg", False),
        ("User-agent: *\rDisallow: /private", "/public/a.jpg", True),
        ("User-agent: *\nDisallow: /\nAllow: /photos", "/photos/a.jpg", True),
        ("User-agent: *\nAllow: /p\nDisallow: /photos", "/photos/a.jpg", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a", "/a.jpg", True),
        ("User-agent: *\nDisallow: /*.jpg$", "/x/a.jpg", False),
        ("User-agent: *\nDisallow: /*.jpg$", "/x/a.jpg?size=1", True),
        ("User-agent: *\nDisallow: /*?", "/a.jpg?size=1", False),
        ("User-agent: *\nDisallow: /", "/", False),
        ("User-agent: *\nDisallow: /%7Esinan/", "/~sinan/a.jpg", False),
        ("User-agent: *\nDisallow: /~sinan/", "/%7esinan/a.jpg", False),
        ("User-agent: *\nDisallow: /çeşme", "/%C3%A7e%C5%9Fme.jpg", False),
        ("User-agent: *\nDisallow: /a%2fb", "/a/b", True),
        ("User-agent: *\nDisallow: /a%2Ab", "/a*b", False),
        ("User-agent: *\nDisallow: /a$b", "/a%24b", False),
        ("User-agent: *\nDisallow: /\nUser-agent: heritage-photo-pipeline\nAllow: /", "/a.jpg", True),
        ("User-agent: *\nAllow: /\nUser-agent: Heritage-Photo-Pipeline/1.0\nDisallow: /", "/a.jpg", False),
        ("User-agent: heritage\nDisallow: /", "/a.jpg", True),
        ("User-agent: bot\nUser-agent: *\n\nCrawl-delay: 1\nDisallow: /", "/a.jpg", False),
        ("User-agent: *\nDisallow: /a\nUser-agent: bot\nDisallow: /\nUser-agent: *\nDisallow: /b", "/b", False),
        ("User-agent: GPTBot\nDisallow: /\n", "/a.jpg", True),
        ("Disallow: /\nUser-agent: *\nDisallow: /b", "/a.jpg", True),
        ("User-agent: *\nSitemap: https://photos.example/s\nDisallow: /\n<html>", "/a.jpg", False),
        ("User-agent: *\nNoindex: /\n: \nDisallow", "/a.jpg", True),
    ),
)
def test_robots_are_obeyed(text: str, target: str, allowed: bool) -> None:
    assert parse_robots(text, AGENT).allows(target) is allowed


@pytest.mark.parametrize(
    ("text", "delay"),
    (
        ("User-agent: *\nCrawl-delay: 2.5\nDisallow: /x", 2.5),
        ("User-agent: *\nCrawl-delay: 10\nUser-agent: heritage-photo-pipeline\nDisallow: /x", 10.0),
        ("User-agent: *\nCrawl-delay: soon\nDisallow: /x", None),
        ("User-agent: *\nCrawl-delay: 1\nDisallow: /x\nUser-agent: *\nCrawl-delay: 3\nDisallow: /y", 3.0),
        ("Crawl-delay: 5", None),
    ),
)
def test_the_longest_delay_counts(text: str, delay: float | None) -> None:
    assert parse_robots(text, AGENT).delay == delay


@given(st.text("ab*$/", max_size=8), st.text("ab/", max_size=12))
def test_patterns_fit_as_their_regular_expressions_do(pattern: str, path: str) -> None:
    body, end = (pattern[:-1], "$") if pattern.endswith("$") else (pattern, "")
    expression = "".join(".*" if sign == "*" else re.escape(sign) for sign in body)
    expected = re.fullmatch(expression, path) if end else re.match(expression, path)
    assert fits(pattern, path) is bool(expected)


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    assert not fits("/" + "*a" * 5000 + "$", "/" + "a" * 2000)


@given(st.text(max_size=300))
def test_no_file_brings_the_reader_down(text: str) -> None:
    assert isinstance(parse_robots(text, AGENT), Robots)


@given(st.text(max_size=30))
def test_a_path_spelt_twice_stays_the_same(path: str) -> None:
    spelt = spelt_path(path)
    assert spelt.isascii()
    assert spelt_path(spelt) == spelt
