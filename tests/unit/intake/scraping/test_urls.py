"""Addresses on the web: one spelling, and the hosts that were named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline.core.parameter_types import HostName
from pipeline.intake.scraping.refusals import Refused
from pipeline.intake.scraping.urls import Url, follow, is_allowed, parse_url


@pytest.mark.parametrize(
    ("text", "host", "target"),
    (
        ("https://photos.example/a.jpg", "photos.example", "/a.jpg"),
        ("https://Photos.Example:443/a.jpg#part", "photos.example", "/a.jpg"),
        ("HTTPS://photos.example", "photos.example", "/"),
        ("https://photos.example:/a?b=c%20d&e", "photos.example", "/a?b=c%20d&e"),
        ("https://photos.example/Ayasofya_Çeşmesi.jpg", "photos.example", "/Ayasofya_%C3%87e%C5%9Fmesi.jpg"),
        ("https://photos.example//x/../<y>", "photos.example", "//x/../%3Cy%3E"),
        ("https://xn--mze-hoa.example/a", "xn--mze-hoa.example", "/a"),
    ),
)
def test_an_address_has_one_spelling(text: str, host: str, target: str) -> None:
    assert parse_url(text) == Url(host, target)


@pytest.mark.parametrize(
    ("text", "reason"),
    (
        ("http://photos.example/a.jpg", "no address"),
        ("ftp://photos.example/a.jpg", "no address"),
        ("file:///etc/passwd", "no address"),
        ("javascript:alert(1)", "no address"),
        ("https:photos.example/a.jpg", "no address"),
        ("//photos.example/a.jpg", "no address"),
        ("photos.example/a.jpg", "no address"),
        ("https://[::1/a.jpg", "no address"),
        ("https://photos.example:x/", "no address"),
        ("https://photos.example:99999/", "no address"),
        ("https://photos.example:8080/", "port 8080"),
        ("https://user@photos.example/", "user or password"),
        ("https://user:word@photos.example/", "user or password"),
        ("https://photos.example@127.0.0.1/", "user or password"),
        ("https://127.0.0.1/", "no plain name"),
        ("https://2130706433/", "no plain name"),
        ("https://0x7f000001/", "no plain name"),
        ("https://0177.0.0.1/", "no plain name"),
        ("https://127.1/", "no plain name"),
        ("https://[::1]/", "no plain name"),
        ("https://[fe80::1%25eth0]/", "no plain name"),
        ("https://[::ffff:10.0.0.1]/", "no plain name"),
        ("https://localhost/", "no plain name"),
        ("https://photos.example./", "no plain name"),
        ("https://photos..example/", "no plain name"),
        ("https://müze.example/", "no plain name"),
        ("https://photos。example/", "no plain name"),
        ("https://ph%6ftos.example/", "no plain name"),
        ("https://photos.example%00.evil.example/", "no plain name"),
        ("https://-photos.example/", "no plain name"),
        ("https:///a.jpg", "no address"),
        ("https://photos.example\\@evil.example/", "backslashes"),
        ("https://photos.example/a b", "blanks"),
        ("https://photos.example/a\r\nHost: evil.example", "blanks"),
        ("https://photos.example/\x00", "blanks"),
        ("https://photos.example/\u202egpj.a", "blanks"),
        ("https://photos.example/" + "a" * 2048, "2048"),
        ("", "no address"),
    ),
)
def test_doubtful_addresses_are_refused(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        parse_url(text)


@given(st.text(max_size=60))
def test_whatever_is_read_can_stand_in_a_request(text: str) -> None:
    try:
        url = parse_url(f"https://photos.example/{text}")
    except Refused:
        return
    assert url.host == "photos.example"
    assert url.target.isascii()
    assert url.target.isprintable()
    assert not set(url.target) & set(' "<>\\^`{|}\r\n')
    assert parse_url(str(url)) == url


@pytest.mark.parametrize(
    ("location", "leads_to"),
    (
        ("/b.jpg", "https://photos.example/b.jpg"),
        ("b.jpg?c", "https://photos.example/x/b.jpg?c"),
        ("//other.example/b", "https://other.example/b"),
        ("https://other.example/b", "https://other.example/b"),
        ("/ç.jpg".encode().decode("latin-1"), "https://photos.example/%C3%A7.jpg"),
    ),
)
def test_a_redirect_is_read_from_where_it_stands(location: str, leads_to: str) -> None:
    assert str(follow(Url("photos.example", "/x/a.jpg"), location)) == leads_to


@pytest.mark.parametrize(
    "location",
    ("http://photos.example/b", "https://127.0.0.1/", "file:///etc/passwd", "/b\r\n c", "https://[", "/\xff", "/a b"),
)
def test_a_redirect_elsewhere_is_refused(location: str) -> None:
    with pytest.raises(Refused, match="redirected"):
        follow(Url("photos.example", "/a.jpg"), location)


@pytest.mark.parametrize(
    ("host", "hosts", "allowed"),
    (
        ("photos.example", ("photos.example",), True),
        ("www.photos.example", ("photos.example",), False),
        ("www.photos.example", ("*.photos.example",), True),
        ("a.b.photos.example", ("*.photos.example",), True),
        ("photos.example", ("*.photos.example",), False),
        ("evilphotos.example", ("*.photos.example", "photos.example"), False),
        ("photos.example.evil.example", ("photos.example", "*.photos.example"), False),
        ("photos.example", (), False),
    ),
)
def test_only_hosts_that_were_named_are_allowed(host: str, hosts: tuple[str, ...], allowed: bool) -> None:
    assert is_allowed(host, hosts) is allowed


@pytest.mark.parametrize("name", ("upload.wikimedia.org", "*.staticflickr.com", "xn--mze-hoa.org.tr"))
def test_parameters_may_name_hosts(name: str) -> None:
    assert TypeAdapter(HostName).validate_python(name) == name


@pytest.mark.parametrize(
    "name",
    ("*", "*.com", "com", "*.*.example", "a.*.example", "Photos.example", "photos.example.", "127.0.0.1", "[::1]",
     "https://photos.example", "photos.example:443", "photos.example/x", "photos.example\n", ""),
)  # fmt: skip
def test_parameters_name_nothing_else(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(HostName).validate_python(name)
