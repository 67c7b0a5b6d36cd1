"""Addresses of photos on the web: one strict spelling, so that what was checked is what is asked for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from pipeline.intake.scraping.refusals import Refused, in_one_line

_MAX_LENGTH = 2048
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_KEPT_IN_PATHS = "%/:@!$&'()*+,;=~?[]"


@dataclass(frozen=True, slots=True)
class Url:
    """An `https` address whose host is a name and whose port is 443."""

    host: str
    """In small letters, without a dot at its end."""
    target: str
    """Path and query in ASCII, as they stand in a request."""

    def __str__(self) -> str:
        return f"https://{self.host}{self.target}"


def parse_url(text: str) -> Url:
    """Read an address, or refuse it.

    Raises:
        Refused: another scheme or port, a user or password, a numeric host, signs that parsers disagree about, or more
            than 2,048 signs.
    """
    if len(text) > _MAX_LENGTH:
        raise Refused(f"the address has more than {_MAX_LENGTH} signs")
    if _is_doubtful(text):
        raise Refused("the address holds blanks, backslashes or signs that cannot be seen")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise Refused("no address of the form https://host/path") from None
    if parts.scheme != "https" or not parts.netloc:
        raise Refused("no address of the form https://host/path")
    if "@" in parts.netloc:
        raise Refused("the address holds a user or password")
    if port not in (None, 443):
        raise Refused(f"the address names port {port}; 443 alone is asked")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host):
        raise Refused(f"the host is no plain name: {in_one_line(host)}")
    target = quote(parts.path or "/", safe=_KEPT_IN_PATHS)
    return Url(host, f"{target}?{quote(parts.query, safe=_KEPT_IN_PATHS)}" if parts.query else target)


def follow(url: Url, location: str) -> Url:
    """The address that a redirect leads to.

    Raises:
        Refused: see `parse_url`.
    """
    try:
        # Servers send UTF-8, which the reader of headers takes for Latin-1.
        sent = location.encode("latin-1").decode("utf-8")
        joined = urljoin(str(url), sent)
    except ValueError:
        raise Refused("redirected to what is no address") from None
    try:
        return parse_url(sent if _is_doubtful(sent) else joined)
    except Refused as error:
        raise Refused(f"redirected: {error}") from None


def is_allowed(host: str, hosts: Iterable[str]) -> bool:
    """Whether a host is among those named; `*.` before a name means every host below it, and not itself.

    Args:
        host: in small letters.
        hosts: the parameter `intake.hosts`.
    """
    return any(host.endswith(name[1:]) if name.startswith("*.") else host == name for name in hosts)


def _is_doubtful(text: str) -> bool:
    return "\\" in text or any(sign.isspace() or not sign.isprintable() for sign in text)
