"""Reservations: what a host says about the use of a photo by machines, in headers and in `tdmrep.json`."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.intake.scraping.robots import fits, spelt_path, spelt_pattern

MAX_MINING_BYTES = 512 * 1024

_FORBIDDING = frozenset(("noai", "noimageai", "noindex", "noimageindex", "none"))
_WITH_VALUES = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"))
_AGENT = re.compile(r"[a-z0-9*._/-]+")


@dataclass(frozen=True, slots=True)
class MiningRule:
    """Whether the mining of what lies below a path is reserved (TDM Reservation Protocol)."""

    pattern: str
    is_reserved: bool


def forbidding_directive(lines: Sequence[str], agent: str) -> str | None:
    """The first directive of `X-Robots-Tag` that keeps a photo from being kept or learnt from.

    Args:
        lines: the header, line by line; directives after `name:` are meant for the program of this name alone.
        agent: this program's name, in small letters.
    """
    for line in lines:
        is_meant = True
        for part in line.lower().split(","):
            name, colon, directive = (word.strip() for word in part.partition(":"))
            if colon and name not in _WITH_VALUES and _AGENT.fullmatch(name):
                is_meant = name.split("/")[0] in (agent, "*")
            else:
                directive = name
            if is_meant and directive in _FORBIDDING:
                return directive
    return None


def parse_mining_rules(body: bytes) -> tuple[MiningRule, ...]:
    """Read `/.well-known/tdmrep.json`; what cannot be understood reserves nothing."""
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    rules = [rule for rule in listed if isinstance(rule, dict)] if isinstance(listed, list) else []
    return tuple(
        MiningRule(spelt_pattern(rule["location"]), str(rule["tdm-reservation"]) == "1")
        for rule in rules
        if isinstance(rule.get("location"), str) and "tdm-reservation" in rule
    )


def reserves_mining(header: str, rules: Sequence[MiningRule], target: str) -> bool:
    """Whether the mining of a photo is reserved: its own header decides, then the rule with the longest pattern.

    Args:
        header: `tdm-reservation` as the photo's server sent it; empty where it did not.
        rules: those of its host.
        target: path and query of the photo.
    """
    if header in ("0", "1"):
        return header == "1"
    path = spelt_path(target)
    fitting = [rule for rule in rules if fits(rule.pattern, path)]
    return bool(fitting) and max(fitting, key=lambda rule: (len(rule.pattern), rule.is_reserved)).is_reserved
