from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.photos.provenance import (
    NOT_TOLD,
    Credit,
    Restriction,
    credit_of,
    licence_warnings,
    provenance_of,
    restrictions_of,
    web_address,
)

COMMERCIAL, DERIVATIVES, ALL = Restriction


@pytest.mark.parametrize(
    ("licence", "restrictions"),
    (
        ("CC BY-NC-ND 2.0", (COMMERCIAL, DERIVATIVES)),
        ("cc-by-nc-4.0", (COMMERCIAL,)),
        ("CC_BY_ND", (DERIVATIVES,)),
        ("https://creativecommons.org/licenses/by-nc-sa/2.0/", (COMMERCIAL,)),
        ("Attribution-NonCommercial-NoDerivs 3.0", (COMMERCIAL, DERIVATIVES)),
        ("Attribution, non-commercial, no derivatives", (COMMERCIAL, DERIVATIVES)),
        ("© 2019 Ada. All rights reserved.", (ALL,)),
        ("CC BY-SA 4.0", ()),
        ("CC0-1.0", ()),
        ("public domain", ()),
        ("State archive, Bismarck ND", ()),
        ("", ()),
    ),
)
def test_what_a_licence_forbids_is_read_from_its_name_or_address(
    licence: str, restrictions: tuple[Restriction, ...]
) -> None:
    assert restrictions_of(licence) == restrictions


@pytest.mark.parametrize(
    "url",
    (
        "https://example.org/photo/1?size=large#top",
        "http://example.org",
        "HTTPS://EXAMPLE.ORG/a",
        "https://münchen.example/träger.jpg",
        "http://[::1]:8080/a",
    ),
)
def test_addresses_of_the_web_may_be_linked_to(url: str) -> None:
    assert web_address(url) == url


@pytest.mark.parametrize(
    "url",
    (
        "",
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://example.org",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        " https://example.org",
        "https://example.org/a b",
        "https:javascript:alert(1)",
        "https:///a",
        "http://[::1",
        "//example.org/a",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "vbscript:x",
        "example.org/a",
        "https://ada:secret@example.org/a",
        "https://example.org\\@evil.example",
    ),
)
def test_nothing_else_is_linked_to(url: str) -> None:
    assert web_address(url) == ""


@given(st.text(max_size=40) | st.text(":/@[]javscripthtp\n\t\\ ", max_size=30))
def test_whatever_is_linked_to_is_an_address_of_the_web(url: str) -> None:
    assert web_address(url) in ("", url)
    if web_address(url):
        assert urlsplit(url).scheme in ("http", "https")


@dataclass(frozen=True)
class Row:
    author: str
    licence: str
    url: str


ROWS = [
    Row("Ada", "CC BY-NC 2.0", "https://example.org/1"),
    Row("Ada", "CC BY-NC-ND 2.0", ""),
    Row("", "CC0-1.0", ""),
    Row("", "CC0-1.0", "javascript:alert(1)"),
    Row("", "", ""),
]


def test_photos_are_counted_by_licence_and_what_is_not_known_is_a_share() -> None:
    found = provenance_of(ROWS)
    assert list(found["by_licence"].items()) == [
        ("CC0-1.0", 2),
        ("CC BY-NC 2.0", 1),
        ("CC BY-NC-ND 2.0", 1),
        (NOT_TOLD, 1),
    ]
    assert (found["photos"], found["share_without"]) == (5, {"url": 0.6, "licence": 0.2, "author": 0.6})
    assert provenance_of([]) == {
        "photos": 0,
        "by_licence": {},
        "share_without": {"url": 0.0, "licence": 0.0, "author": 0.0},
    }


def test_licences_that_forbid_something_are_told_once_for_each_thing() -> None:
    assert licence_warnings(ROWS) == [
        "Licences of 2 photos forbid commercial use: CC BY-NC 2.0, CC BY-NC-ND 2.0",
        "Licences of 1 photos forbid adapted versions: CC BY-NC-ND 2.0",
    ]
    assert licence_warnings(ROWS[2:]) == []
    many = [Row("", f"CC BY-NC {number}", "") for number in range(7)]
    assert licence_warnings(many)[0].endswith("CC BY-NC 4 and others")


@given(st.permutations(ROWS))
def test_the_order_of_photos_changes_nothing(rows: list[Row]) -> None:
    assert list(provenance_of(rows)["by_licence"]) == list(provenance_of(ROWS)["by_licence"])
    assert licence_warnings(rows) == licence_warnings(ROWS)


def test_a_credit_links_to_addresses_of_the_web_alone() -> None:
    assert credit_of(ROWS[0]) == Credit("Ada", "CC BY-NC 2.0", "https://example.org/1")
    assert credit_of(ROWS[3]) == Credit("", "CC0-1.0", "")
