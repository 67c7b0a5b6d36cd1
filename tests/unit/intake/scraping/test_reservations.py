"""What hosts say about the use of photos by machines."""

import json

import pytest

from pipeline.intake.scraping.reservations import MiningRule, forbidding_directive, parse_mining_rules, reserves_mining

AGENT = "heritage-photo-pipeline"


@pytest.mark.parametrize(
    ("lines", "directive"),
    (
        ([], None),
        (["noai"], "noai"),
        (["NoAI, NoImageAI"], "noai"),
        (["all"], None),
        (["nofollow, noimageindex"], "noimageindex"),
        (["none"], "none"),
        (["noarchive", "noindex"], "noindex"),
        (["googlebot: noindex"], None),
        (["googlebot: nofollow, noai"], None),
        (["noai, googlebot: nofollow"], "noai"),
        (["otherbot: noindex", "noimageai"], "noimageai"),
        (["heritage-photo-pipeline: noai"], "noai"),
        (["Heritage-Photo-Pipeline/0.1: noindex, noai"], "noindex"),
        (["*: noai"], "noai"),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST, noai"], "noai"),
        (["unavailable_after: Fri, 25 Jun 2010 15:00:00 PST, noai"], "noai"),
        (["max-snippet: 20, max-image-preview: none, noai"], "noai"),
        (["max-image-preview: none"], None),
        (["noairport, x:noindexed"], None),
    ),
)
def test_directives_that_forbid_are_found_where_they_are_meant(lines: list[str], directive: str | None) -> None:
    assert forbidding_directive(lines, AGENT) == directive


RULES = (MiningRule("/", is_reserved=True), MiningRule("/open/", is_reserved=False), MiningRule("/*.png$", True))


@pytest.mark.parametrize(
    ("header", "target", "reserved"),
    (
        ("", "/a.jpg", True),
        ("", "/open/a.jpg", False),
        ("0", "/a.jpg", False),
        ("1", "/open/a.jpg", True),
        ("maybe", "/open/a.jpg", False),
        ("", "/x.png", True),
    ),
)
def test_the_header_goes_before_the_rule_with_the_longest_pattern(header: str, target: str, reserved: bool) -> None:
    assert reserves_mining(header, RULES, target) is reserved


def test_a_host_without_rules_reserves_nothing() -> None:
    assert not reserves_mining("", (), "/a.jpg")


def test_the_file_of_rules_is_read() -> None:
    listed = [
        {"location": "/", "tdm-reservation": 1, "tdm-policy": "x"},
        {"location": "/open/", "tdm-reservation": "0"},
    ]
    assert parse_mining_rules(json.dumps(listed).encode()) == RULES[:2]


@pytest.mark.parametrize(
    "body",
    (b"", b"<html>", b"{}", b"[1, null]", b"[" * 100_000, b"\xff\xfe", b'[{"location": 1, "tdm-reservation": 1}]',
     b'[{"location": "/"}]'),
)  # fmt: skip
def test_a_file_that_cannot_be_understood_reserves_nothing(body: bytes) -> None:
    assert parse_mining_rules(body) == ()
