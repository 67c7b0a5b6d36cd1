"""One photo: every limit, against real TLS servers on loopback that stand for public hosts."""

import gzip
import socket
import time
import zlib
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_hosts import (
    ARCHIVE,
    JPEG,
    MIRROR,
    PHOTOS,
    PUBLIC,
    WITHOUT_CERTIFICATE,
    Web,
    drip,
    photo,
    redirect,
    reply,
)

from pipeline.core.operation_parameters import IntakeParameters
from pipeline.intake.scraping.network import Network
from pipeline.intake.scraping.refusals import Failed, Refused
from pipeline.intake.scraping.urls import parse_url
from pipeline.intake.scraping.visiting import FetchLimits, Visitor

INTAKE = IntakeParameters(hosts=(PHOTOS, ARCHIVE, WITHOUT_CERTIFICATE), seconds_between_requests=0.0)
LIMITS = FetchLimits(max_bytes=2000, seconds=0.5, seconds_per_read=0.3)


def fetch(web: Web, url: str = f"https://{PHOTOS}/a.jpg", intake: IntakeParameters = INTAKE) -> bytes:
    return Visitor(intake, LIMITS, web.network).fetch_photo(parse_url(url))


def test_a_photo_is_fetched_as_it_is(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = photo()
    assert fetch(web) == JPEG
    assert web.asked == [f"{PHOTOS}/robots.txt", f"{PHOTOS}/.well-known/tdmrep.json", f"{PHOTOS}/a.jpg"]


def test_a_request_says_who_asks_and_no_more(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = photo(Set_Cookie="you=known")
    visitor = Visitor(INTAKE.model_copy(update={"contact": "steward@museum.example"}), LIMITS, web.network)
    for _ in range(2):
        visitor.fetch_photo(parse_url(f"https://{PHOTOS}/a.jpg"))
    assert web.headers[-1] == {
        "Host": PHOTOS,
        "Connection": "close",
        "Accept-Encoding": "identity",
        "User-Agent": "heritage-photo-pipeline (steward@museum.example)",
        "Accept": "image/jpeg, image/png, image/webp, image/tiff, image/heic",
    }


@pytest.mark.parametrize("name", ("https_proxy", "HTTPS_PROXY", "all_proxy"))
def test_proxies_of_the_environment_are_not_asked(web: Web, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    web.answers[f"{PHOTOS}/a.jpg"] = photo()
    assert fetch(web) == JPEG


@pytest.mark.parametrize(
    "addresses",
    (["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.1"], ["64:ff9b::a00:1"], ["fe80::1%lo"],
     [PUBLIC, "192.168.0.1"], ["192.168.0.1", PUBLIC], []),
)  # fmt: skip
def test_a_host_with_any_address_that_is_not_public_is_never_connected_to(web: Web, addresses: list[str]) -> None:
    web.addresses[PHOTOS] = [addresses]
    with pytest.raises(Refused, match="not public"):
        fetch(web)
    assert web.connected == []


def test_the_network_as_it_is_refuses_names_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [entry])
    with pytest.raises(Refused, match=r"not public: 127\.0\.0\.1"):
        Visitor(INTAKE, LIMITS, Network()).fetch_photo(parse_url(f"https://{PHOTOS}/a.jpg"))


def test_a_name_that_leads_elsewhere_the_second_time_is_connected_to_where_it_was_checked(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = photo()
    web.addresses[PHOTOS] = [[PUBLIC], [PUBLIC], [PUBLIC], ["127.0.0.1"]]
    assert fetch(web) == JPEG
    with pytest.raises(Refused, match="not public"):
        fetch(web)
    assert set(web.connected) == {PUBLIC}


def test_the_next_address_is_tried_where_one_is_down(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = photo()
    web.down.add("93.184.215.15")
    web.addresses[PHOTOS] = [["93.184.215.15", PUBLIC]]
    assert fetch(web) == JPEG


def test_a_host_that_does_not_exist_is_refused_and_one_that_cannot_be_looked_up_now_is_not(web: Web) -> None:
    for number, kind in ((socket.EAI_NONAME, Refused), (socket.EAI_AGAIN, Failed)):

        def resolve(host: str, number: int = number) -> list[str]:
            raise socket.gaierror(number, "said the resolver")

        network = Network(resolve=resolve, connect=web.network.connect, trust=web.network.trust)
        with pytest.raises(kind):
            Visitor(INTAKE, LIMITS, network).fetch_photo(parse_url(f"https://{PHOTOS}/a.jpg"))


def test_a_certificate_of_another_host_is_refused(web: Web) -> None:
    with pytest.raises(Refused, match=r"certificate of impostor\.example"):
        fetch(web, f"https://{WITHOUT_CERTIFICATE}/a.jpg")
    assert web.asked == []


def test_redirects_are_followed_and_each_host_has_its_say(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = redirect(f"https://{ARCHIVE}/b.jpg", 301)
    web.answers[f"{ARCHIVE}/b.jpg"] = redirect("/c.jpg", 307)
    web.answers[f"{ARCHIVE}/c.jpg"] = photo()
    assert fetch(web) == JPEG
    web.answers[f"{ARCHIVE}/robots.txt"] = reply(b"User-agent: *\nDisallow: /c")
    with pytest.raises(Refused, match=r"robots\.txt forbids"):
        fetch(web)
    assert web.asked[-1] == f"{ARCHIVE}/b.jpg"


@pytest.mark.parametrize(
    ("location", "reason"),
    (
        (f"https://{MIRROR}/b.jpg", "not named in intake.hosts: mirror.example"),
        (f"http://{PHOTOS}/b.jpg", "no address of the form https"),
        ("https://127.0.0.1/b.jpg", "no plain name"),
        (f"https://user@{PHOTOS}/b.jpg", "user or password"),
        (f"https://{PHOTOS}:22/b.jpg", "port 22"),
        ("file:///etc/passwd", "no address"),
        ("gopher://127.0.0.1:6379/x", "no address"),
        ("/b\r\n c", "blanks"),
        ("/b\tc", "blanks"),
        ("/b\xff", "no address"),
    ),
)
def test_a_redirect_to_what_was_not_allowed_is_refused(web: Web, location: str, reason: str) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = redirect("x").replace(b" x\r\n", b" " + location.encode("latin-1") + b"\r\n")
    with pytest.raises(Refused, match=reason):
        fetch(web)
    assert web.photos_asked == [f"{PHOTOS}/a.jpg"]


def test_a_redirect_to_a_host_of_the_own_network_is_refused(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = redirect(f"https://{ARCHIVE}/latest/meta-data")
    web.addresses[ARCHIVE] = [["169.254.169.254"]]
    with pytest.raises(Refused, match=r"not public: 169\.254\.169\.254"):
        fetch(web)
    assert set(web.connected) == {PUBLIC}


def test_a_loop_of_redirects_ends_after_three(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = redirect("/a.jpg")
    with pytest.raises(Refused, match="more than 3 redirects"):
        fetch(web)
    assert len(web.photos_asked) == 4


def test_a_body_that_drips_is_cut_off_in_time(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = drip(photo(Content_Length="1000"))
    started = time.monotonic()
    with pytest.raises(Failed, match="too slow") as caught:
        fetch(web)
    assert caught.value.answered
    assert time.monotonic() - started < 1.5


def test_headers_that_drip_are_cut_off_in_time(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = drip(b"HTTP/1.1 200 OK\r\nX: ")
    started = time.monotonic()
    with pytest.raises(Failed, match="does not answer"):
        fetch(web)
    assert time.monotonic() - started < 1.5


def test_a_host_that_says_nothing_is_left_after_the_wait_for_one_read(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = lambda _: time.sleep(1)
    with pytest.raises(Failed, match="timed out"):
        fetch(web)


def test_pauses_take_nothing_of_the_time_for_a_photo(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = redirect("/b.jpg")
    web.answers[f"{PHOTOS}/b.jpg"] = photo()
    assert fetch(web, intake=INTAKE.model_copy(update={"seconds_between_requests": 0.4})) == JPEG
    times = web.at[PHOTOS]
    assert all(later - earlier >= 0.4 for earlier, later in pairwise(times))


LARGE = JPEG * 10


@pytest.mark.parametrize(
    "answer",
    (
        photo(LARGE),
        photo(LARGE, Content_Length=None),
        photo(LARGE, Content_Length="-1"),
        photo(LARGE, Content_Length="many"),
        photo(b"%x\r\n%s\r\n0\r\n\r\n" % (len(LARGE), LARGE), Content_Length=None, Transfer_Encoding="chunked"),
        photo(b"FFFFFFFFFFFF\r\n" + LARGE, Content_Length=None, Transfer_Encoding="chunked"),
        photo(b"-1\r\n" + b"x" * 2_000_000, Content_Length=None, Transfer_Encoding="chunked"),
    ),
    ids=("told", "untold", "negative", "no number", "chunked", "a chunk without end", "a negative chunk"),
)  # fmt: skip
def test_a_photo_beyond_the_cap_is_refused_whatever_is_said_of_its_length(web: Web, answer: bytes) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = answer
    with pytest.raises(Refused, match="more than 2000 bytes"):
        fetch(web)


def test_a_part_of_negative_length_is_refused(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = photo(b"-5\r\n" + JPEG, Content_Length=None, Transfer_Encoding="chunked")
    with pytest.raises(Refused, match="no plain HTTP"):
        fetch(web)


@pytest.mark.parametrize(
    "answer",
    (
        photo(Content_Length="1999"),
        photo(b"200\r\nshort", Content_Length=None, Transfer_Encoding="chunked"),
        photo(b"no number\r\n", Content_Length=None, Transfer_Encoding="chunked"),
    ),
)
def test_a_photo_that_ends_early_is_not_taken(web: Web, answer: bytes) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = answer
    with pytest.raises(Failed, match="ended early") as caught:
        fetch(web)
    assert caught.value.answered


def test_a_photo_in_chunks_is_put_together(web: Web) -> None:
    halves = b"".join(b"%x\r\n%s\r\n" % (len(half), half) for half in (JPEG[:100], JPEG[100:]))
    web.answers[f"{PHOTOS}/a.jpg"] = photo(halves + b"0\r\n\r\n", Content_Length=None, Transfer_Encoding="chunked")
    assert fetch(web) == JPEG


@pytest.mark.parametrize(
    "answer",
    (
        photo(gzip.compress(JPEG + bytes(10_000_000), mtime=0), Content_Encoding="gzip"),
        photo(zlib.compress(JPEG), Content_Encoding="deflate"),
        photo(JPEG, Content_Encoding="identity, gzip"),
        photo(JPEG, Transfer_Encoding="gzip, chunked"),
    ),
)
def test_what_comes_packed_is_refused_before_it_is_read(web: Web, answer: bytes) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = answer
    with pytest.raises(Refused, match="comes packed"):
        fetch(web)


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    (
        (b"<html>no photo</html>", "image/jpeg", "first bytes"),
        (b"GIF89a......", "image/png", "first bytes"),
        (b"", "image/jpeg", "first bytes"),
        (b"<svg/>", "image/svg+xml", "not sent as a photo, but as: image/svg"),
        (JPEG, "text/html; charset=utf-8", "but as: text/html"),
        (JPEG, "application/octet-stream", "but as: application"),
        (JPEG, None, "but as: nothing"),
        (JPEG, "x\x1b[31m" + "y" * 200, r"but as: x\?\[31my+…"),
    ),
)
def test_what_is_no_photo_by_word_and_bytes_is_refused(
    web: Web, body: bytes, content_type: str | None, reason: str
) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = reply(body, Content_Type=content_type)
    with pytest.raises(Refused, match=reason):
        fetch(web)


@pytest.mark.parametrize(
    "body",
    (JPEG, b"\x89PNG\r\n\x1a\n", b"RIFF1234WEBPVP8 ", b"II*\x00", b"MM\x00*", b"\x00\x00\x00\x18ftypheic",
     b"1234ftypmif1"),
)  # fmt: skip
def test_photos_of_all_kinds_are_taken_whichever_kind_is_said(web: Web, body: bytes) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = reply(body, Content_Type="image/PNG; q=1")
    assert fetch(web) == body


@pytest.mark.parametrize(
    "answer",
    (
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 20x OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ),
)
def test_what_is_no_plain_http_is_refused(web: Web, answer: bytes) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = answer
    with pytest.raises(Refused, match="no plain HTTP"):
        fetch(web)


def test_answers_that_announce_themselves_without_end_are_cut_off(web: Web) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000
    with pytest.raises((Refused, Failed)):
        fetch(web)


@pytest.mark.parametrize(("status", "kind"), ((204, Refused), (403, Refused), (404, Refused), (410, Refused),
                                              (206, Refused), (408, Failed), (500, Failed), (520, Failed)))  # fmt: skip
def test_other_answers_are_for_good_or_for_now(web: Web, status: int, kind: type[Exception]) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = photo(status=status) if status != 204 else reply(status=204)
    with pytest.raises(kind, match=f"answers {status}"):
        fetch(web)


@pytest.mark.parametrize(
    ("status", "headers", "busy", "wait"),
    (
        (429, {}, True, None),
        (429, {"Retry_After": "7"}, True, 7.0),
        (503, {"Retry_After": "120"}, True, 120.0),
        (503, {}, False, None),
        (503, {"Retry_After": "soon"}, False, None),
        (503, {"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, True, 0.0),
    ),
)
def test_a_host_may_ask_for_patience(
    web: Web, status: int, headers: dict[str, str], busy: bool, wait: float | None
) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = reply(status=status, **headers)
    with pytest.raises(Failed) as caught:
        fetch(web)
    assert (caught.value.busy, caught.value.wait) == (busy, wait)


@pytest.mark.parametrize(
    ("robots", "expected"),
    (
        (reply(b"User-agent: *\nDisallow: /", 200), "robots.txt forbids it"),
        (reply(b"User-agent: *\nDisallow: /" + b"\n#" * 400_000), "robots.txt forbids it"),
        (reply(b"User-agent: *\nCrawl-delay: 3600\nDisallow: /x"), "long pauses: 3600 s"),
        (redirect(f"https://{ARCHIVE}/robots.txt"), "robots.txt forbids it"),
        (redirect(f"https://{MIRROR}/robots.txt"), "robots.txt cannot be read: host not named"),
        (redirect("/robots.txt"), "robots.txt cannot be read: more than 3 redirects"),
        (reply(gzip.compress(b"", mtime=0), Content_Encoding="gzip"), "robots.txt cannot be read: it comes packed"),
    ),
)
def test_a_host_that_forbids_it_or_cannot_be_asked_keeps_its_photo(web: Web, robots: bytes, expected: str) -> None:
    web.answers[f"{PHOTOS}/robots.txt"] = robots
    web.answers[f"{ARCHIVE}/robots.txt"] = reply(b"User-agent: *\nDisallow: /a.jpg")
    with pytest.raises(Refused, match=expected):
        fetch(web)
    assert web.photos_asked == []


@pytest.mark.parametrize("status", (400, 401, 403, 404, 410, 451))
def test_a_host_without_robots_txt_allows_everything(web: Web, status: int) -> None:
    web.answers[f"{PHOTOS}/robots.txt"] = reply(b"User-agent: *\nDisallow: /", status)
    web.answers[f"{PHOTOS}/a.jpg"] = photo()
    assert fetch(web) == JPEG


@pytest.mark.parametrize("status", (429, 500, 503))
def test_while_robots_txt_is_out_of_reach_nothing_is_allowed(web: Web, status: int) -> None:
    web.answers[f"{PHOTOS}/robots.txt"] = reply(status=status)
    with pytest.raises(Failed, match=f"robots.txt cannot be read: its host .*{status}"):
        fetch(web)
    assert web.photos_asked == []


def test_robots_txt_is_read_once_and_its_delay_kept(web: Web) -> None:
    web.answers[f"{PHOTOS}/robots.txt"] = reply(b"User-agent: *\nCrawl-delay: 0.3\n")
    web.answers[f"{PHOTOS}/a.jpg"] = photo()
    visitor = Visitor(INTAKE, LIMITS, web.network)
    for _ in range(2):
        visitor.fetch_photo(parse_url(f"https://{PHOTOS}/a.jpg"))
    assert web.asked.count(f"{PHOTOS}/robots.txt") == 1
    first, second = web.at[PHOTOS][-2:]
    assert second - first >= 0.3


@pytest.mark.parametrize(
    ("headers", "expected"),
    (
        ({"X_Robots_Tag": "noai"}, "X-Robots-Tag.*noai"),
        ({"X_Robots_Tag": "heritage-photo-pipeline: noimageai"}, "noimageai"),
        ({"TDM_Reservation": "1"}, "tdm-reservation"),
    ),
)
def test_a_photo_that_is_not_for_machines_is_left(web: Web, headers: dict[str, str], expected: str) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = photo(**headers)
    with pytest.raises(Refused, match=expected):
        fetch(web)


def test_a_host_may_reserve_mining_for_all_its_photos(web: Web) -> None:
    web.answers[f"{PHOTOS}/.well-known/tdmrep.json"] = reply(b'[{"location": "/", "tdm-reservation": 1}]')
    web.answers[f"{PHOTOS}/a.jpg"] = photo()
    with pytest.raises(Refused, match="reserves text and data mining"):
        fetch(web)


def test_a_stopped_visitor_asks_nothing_more(web: Web) -> None:
    visitor = Visitor(INTAKE, LIMITS, web.network)
    visitor.stop()
    with pytest.raises(Failed, match="stopped"):
        visitor.fetch_photo(parse_url(f"https://{PHOTOS}/a.jpg"))
    assert web.asked == []


NAMES = ("Content-Length", "Transfer-Encoding", "Content-Encoding", "Content-Type", "Location", "Retry-After",
         "X-Robots-Tag", "TDM-Reservation", "Connection")  # fmt: skip
VALUES = ("", "0", "-1", "5", "99999999999999999999", "chunked", "gzip", "image/jpeg", "/b", "//", "noai: x, y",
          "close", "Mon, 99 Foo 0000 00:00:00 +9999", "\x85\xff", "a\r\n b")  # fmt: skip


@st.composite
def odd_answers(draw: st.DrawFn) -> bytes:
    status = draw(st.sampled_from(("200 OK", "302 Found", "429 Busy", "503 Away", "100 Continue", "000", "2e2 x")))
    named = draw(
        st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES) | st.text("\t ;,=x\xe7", max_size=9)))
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in named)
    body = draw(st.binary(max_size=40) | st.sampled_from((JPEG, b"5\r\nabcde\r\n0\r\n\r\n", b"-9\r\nx", b"g\r\nx")))
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80) | odd_answers())
def test_whatever_a_server_sends_is_a_photo_or_a_reason(web: Web, answer: bytes) -> None:
    web.answers[f"{PHOTOS}/a.jpg"] = answer
    try:
        said = fetch(web)[:3]
    except (Refused, Failed) as error:
        said = str(error)
    assert said == b"\xff\xd8\xff" if isinstance(said, bytes) else said.isprintable() and len(said) < 300
