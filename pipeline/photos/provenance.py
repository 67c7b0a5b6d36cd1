"""Provenance: where photos come from, whom to name beside them, and what their licences do not allow."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

NOT_TOLD = "not told"
"""Stands for the licence of photos of which none is known."""

_MAX_NAMED = 5
_SHARE_DECIMALS = 6
_COMMONS_WORDS = frozenset(("cc", "by"))


class Restriction(StrEnum):
    """What a licence forbids; the words go into a sentence."""

    COMMERCIAL = "commercial use"
    DERIVATIVES = "adapted versions"
    ALL = "any use without the author's permission"


class Sourced(Protocol):
    """A row of any table that says where a photo comes from; a part is empty where it is not known."""

    @property
    def url(self) -> str:
        """Address of its page."""

    @property
    def licence(self) -> str:
        """Name or address of its licence."""

    @property
    def author(self) -> str:
        """Whoever took it."""


@dataclass(frozen=True)
class Credit:
    """What stands under a photo that others made; each part is empty where it is not known."""

    author: str = ""
    licence: str = ""
    address: str = ""
    """Of the photo's page, and safe to link to."""


def credit_of(row: Sourced) -> Credit:
    """Whom a photo is owed to."""
    return Credit(row.author, row.licence, web_address(row.url))


def web_address(url: str) -> str:
    """An address that a page may link to: `http` or `https`, of a host, without blanks or a password; else empty.

    Tables come from anywhere, and a link such as `javascript:...` would run in the page of whoever clicks on it.
    """
    if any(sign.isspace() or not sign.isprintable() for sign in url):
        return ""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:  # such as half of an IPv6 address
        return ""
    return url if is_plain else ""


def restrictions_of(licence: str) -> tuple[Restriction, ...]:
    """What a licence forbids, as far as its name or address says so: Creative Commons' parts, or all rights reserved.

    Args:
        licence: such as `CC BY-NC-ND 2.0` or an address of it; other words forbid nothing here.
    """
    words = re.findall("[a-z]+", licence.lower())
    letters = "".join(words)
    is_commons = not _COMMONS_WORDS.isdisjoint(words)
    told = {
        Restriction.COMMERCIAL: "noncommercial" in letters or (is_commons and "nc" in words),
        Restriction.DERIVATIVES: "noderiv" in letters or (is_commons and "nd" in words),
        Restriction.ALL: "allrightsreserved" in letters,
    }
    return tuple(restriction for restriction, is_told in told.items() if is_told)


def provenance_of(rows: Sequence[Sourced]) -> dict[str, Any]:
    """Count photos by licence, and give the shares of photos of which something is not known.

    Args:
        rows: photos in any order.

    Returns:
        `photos`, their number; `by_licence`, most first; `share_without` of `url`, `licence` and `author`, 0 to 1.
    """
    licences = Counter(row.licence or NOT_TOLD for row in rows)
    lacking = {name: sum(not getattr(row, name) for row in rows) for name in ("url", "licence", "author")}
    return {
        "photos": len(rows),
        "by_licence": dict(sorted(licences.items(), key=lambda item: (-item[1], item[0]))),
        "share_without": {name: round(n / max(1, len(rows)), _SHARE_DECIMALS) for name, n in lacking.items()},
    }


def licence_warnings(rows: Sequence[Sourced]) -> list[str]:
    """A sentence for each thing that licences of some photos forbid; whether it matters, people must judge."""
    licences = Counter(row.licence for row in rows)
    forbidding = {licence: restrictions_of(licence) for licence in sorted(licences)}
    warnings = []
    for restriction in Restriction:
        named = [licence for licence, restrictions in forbidding.items() if restriction in restrictions]
        if named:
            shown = ", ".join(named[:_MAX_NAMED]) + (" and others" if len(named) > _MAX_NAMED else "")
            number = sum(licences[licence] for licence in named)
            warnings.append(f"Licences of {number:,} photos forbid {restriction}: {shown}")
    return warnings
