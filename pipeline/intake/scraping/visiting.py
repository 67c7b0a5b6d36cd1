"""Visits to hosts: one request at a time with pauses, as robots.txt and reservations allow, redirects checked anew."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

from pipeline.core.operation_parameters import IntakeParameters
from pipeline.intake.photo_kinds import ACCEPTED_TYPES, ending_of, is_photo_type
from pipeline.intake.scraping.network import Answer, Client, Deadline, Network
from pipeline.intake.scraping.refusals import Failed, Refused, in_one_line
from pipeline.intake.scraping.reservations import (
    MAX_MINING_BYTES,
    MiningRule,
    forbidding_directive,
    parse_mining_rules,
    reserves_mining,
)
from pipeline.intake.scraping.robots import MAX_ROBOTS_BYTES, Robots, parse_robots
from pipeline.intake.scraping.urls import Url, follow, is_allowed

AGENT: Final = "heritage-photo-pipeline"

_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (429, 503)
_MAY_PASS = (408, 425)


@dataclass(frozen=True)
class FetchLimits:
    """What one photo and its host may cost."""

    max_bytes: int = 20_000_000
    seconds: float = 30.0
    """For a photo with its redirects, from the first connection to the last byte; pauses do not count."""
    seconds_per_read: float = 10.0
    max_redirects: int = 3
    seconds_before_retry: float = 10.0
    """Before photos that could not be fetched are asked for once more."""
    max_wait: float = 60.0
    """Seconds between requests for which a host may ask; with more, it is left alone."""
    max_failures: int = 5
    """So many failures in a row mean that a host is away."""


@dataclass
class _Host:
    """What is known of a host during a run."""

    pause: float
    free_at: float = 0.0
    """When the next request may start, by the monotonic clock."""
    robots: Robots | None = None
    mining: tuple[MiningRule, ...] = ()
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Held during a request; no other lock is asked for meanwhile."""
    rules: threading.Lock = field(default_factory=threading.Lock)
    """Held while robots.txt is read."""


class Visitor:
    """Fetches photos from the hosts that parameters name, for several threads at once.

    Args:
        intake: hosts, pause and contact.
        limits: what a photo and a host may cost.
        network: the way out.
    """

    def __init__(self, intake: IntakeParameters, limits: FetchLimits, network: Network) -> None:
        self._intake = intake
        self._limits = limits
        self._client = Client(network, network.trust(), limits.max_bytes, limits.seconds_per_read)
        self._hosts: defaultdict[str, _Host] = defaultdict(lambda: _Host(intake.seconds_between_requests))
        self._making = threading.Lock()
        self._stopped = threading.Event()
        self._agent = f"{AGENT} ({intake.contact})" if intake.contact else AGENT

    def stop(self) -> None:
        """Let no further request start; whoever waits for one is told that it failed."""
        self._stopped.set()

    def check_host(self, url: Url) -> None:
        """Refuse a host that was not named.

        Raises:
            Refused: see above.
        """
        if not is_allowed(url.host, self._intake.hosts):
            raise Refused(f"host not named in intake.hosts: {url.host}")

    def fetch_photo(self, url: Url) -> bytes:
        """Fetch one photo.

        Returns:
            Its bytes, which begin as those of a JPEG, PNG, WebP, TIFF or HEIC file.

        Raises:
            Refused: it may not be fetched, or is no such photo.
            Failed: it could not be fetched now.
        """
        with self._answer(url, ACCEPTED_TYPES, is_photo=True) as (place, answer):
            if answer.status != 200:
                raise _unwelcome(answer)
            directive = forbidding_directive(answer.headers("x-robots-tag"), AGENT)
            if directive:
                raise Refused(f"its host forbids it (X-Robots-Tag): {directive}")
            if reserves_mining(answer.header("tdm-reservation"), self._host(place).mining, place.target):
                raise Refused("its host reserves text and data mining (tdm-reservation)")
            content_type = answer.header("content-type")
            if not is_photo_type(content_type):
                raise Refused(f"not sent as a photo, but as: {in_one_line(content_type) or 'nothing named'}")
            photo = answer.body(self._limits.max_bytes)
        if ending_of(photo) is None:
            raise Refused("no JPEG, PNG, WebP, TIFF or HEIC file by its first bytes")
        return photo

    def put_off(self, url: Url, seconds: float) -> None:
        """Let a host rest for at least so long."""
        host = self._host(url)
        with host.turn:
            host.free_at = max(host.free_at, time.monotonic() + seconds)

    def _host(self, url: Url) -> _Host:
        with self._making:
            return self._hosts[url.host]

    @contextmanager
    def _answer(self, url: Url, accept: str, *, is_photo: bool) -> Iterator[tuple[Url, Answer]]:
        """The answer at the end of all redirects, and where it came from."""
        deadline = Deadline(self._limits.seconds)
        headers = {"User-Agent": self._agent, "Accept": accept}
        for _ in range(self._limits.max_redirects + 1):
            with ExitStack() as visit:
                with deadline.halted():
                    self.check_host(url)
                    if is_photo:
                        self._check_robots(url)
                    visit.enter_context(self._turn(url))
                answer = visit.enter_context(self._client.ask(url, headers, deadline))
                if answer.status not in _REDIRECTS:
                    yield url, answer
                    return
                url = follow(url, answer.header("location"))
        raise Refused(f"more than {self._limits.max_redirects} redirects")

    @contextmanager
    def _turn(self, url: Url) -> Iterator[None]:
        """Hold a host, after its pause."""
        host = self._host(url)
        with host.turn:
            if self._stopped.wait(max(0.0, host.free_at - time.monotonic())):
                raise Failed("stopped", busy=True)
            try:
                yield
            finally:
                host.free_at = time.monotonic() + host.pause

    def _check_robots(self, url: Url) -> None:
        host = self._host(url)
        with host.rules:
            if host.robots is None:
                robots = self._read_robots(url)
                host.mining = self._read_mining_rules(url)
                host.pause = max(host.pause, robots.delay or 0.0)
                host.robots = robots
        if host.pause > self._limits.max_wait:
            raise Refused(f"robots.txt asks for long pauses: {host.pause:g} s")
        if not host.robots.allows(url.target):
            raise Refused("robots.txt forbids it")

    def _read_robots(self, url: Url) -> Robots:
        """As RFC 9309 has it: none where the host says that there is none, everything forbidden while it is away."""
        try:
            with self._answer(Url(url.host, "/robots.txt"), "*/*", is_photo=False) as (_, answer):
                if answer.status == 429 or answer.status >= 500:
                    raise _unwelcome(answer)
                if answer.status >= 400:
                    return Robots()
                text = answer.body(MAX_ROBOTS_BYTES, cut=True).decode("utf-8", "replace")
                return parse_robots(text, AGENT)
        except Refused as error:
            raise Refused(f"robots.txt cannot be read: {error}") from None
        except Failed as error:
            raise Failed(f"robots.txt cannot be read: {error}", busy=error.busy, wait=error.wait) from None

    def _read_mining_rules(self, url: Url) -> tuple[MiningRule, ...]:
        try:
            with self._answer(Url(url.host, "/.well-known/tdmrep.json"), "*/*", is_photo=False) as (_, answer):
                return parse_mining_rules(answer.body(MAX_MINING_BYTES)) if answer.status == 200 else ()
        except (Refused, Failed):
            return ()


def _unwelcome(answer: Answer) -> Refused | Failed:
    """What an answer that is no photo means."""
    if answer.status in _BUSY:
        wait = _seconds_to_wait(answer.header("retry-after"))
        is_busy = answer.status == 429 or wait is not None
        return Failed(f"its host is busy, or away: answers {answer.status}", busy=is_busy, wait=wait)
    if answer.status in _MAY_PASS or answer.status >= 500:
        return Failed(f"its host answers {answer.status}")
    return Refused(f"its host answers {answer.status}")


def _seconds_to_wait(retry_after: str) -> float | None:
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
