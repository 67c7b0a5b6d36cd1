"""robots.txt: what a host asks of programs that visit it (RFC 9309, and the older crawl-delay)."""

import re
from dataclasses import dataclass, field
from string import ascii_letters, digits
from urllib.parse import quote

MAX_ROBOTS_BYTES = 512 * 1024
"""So much of a robots.txt is read; RFC 9309 asks for 500 KiB at least."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_PRODUCT = re.compile(r"[a-z_-]+|\*")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_ASCII_SIGNS = "".join(map(chr, range(0x21, 0x7F)))
_NEVER_ENCODED = frozenset(ascii_letters + digits + "-._~")


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of robots.txt about paths."""

    pattern: str
    """Beginning of a path; `*` stands for any signs, and `$` at the end for the path's own end."""
    is_allowed: bool


@dataclass(frozen=True, slots=True)
class Robots:
    """What robots.txt says to one program."""

    rules: tuple[Rule, ...] = ()
    delay: float | None = None
    """Seconds between two requests, where it says so."""

    def allows(self, target: str) -> bool:
        """Whether a path with its query may be asked for: the longest pattern that fits decides, `Allow` in doubt."""
        path = spelt_path(target)
        fitting = [rule for rule in self.rules if fits(rule.pattern, path)]
        return max(fitting, key=lambda rule: (len(rule.pattern), rule.is_allowed)).is_allowed if fitting else True


@dataclass
class _Group:
    agents: list[str] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    delay: float | None = None


def parse_robots(text: str, agent: str) -> Robots:
    """Read what robots.txt says to a program: the groups that name it, or else those for all.

    Args:
        text: the file; lines that cannot be understood are left out.
        agent: the program's name, in small letters.
    """
    groups = _groups(text)
    own = [group for group in groups if agent in group.agents] or [group for group in groups if "*" in group.agents]
    delays = [group.delay for group in own if group.delay is not None]
    return Robots(tuple(rule for group in own for rule in group.rules), max(delays, default=None))


def _groups(text: str) -> list[_Group]:
    groups: list[_Group] = []
    for line in _LINE_END.split(text.removeprefix("\ufeff")):
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            if not groups or groups[-1].rules:
                groups.append(_Group())
            product = _PRODUCT.match(value.lower())
            groups[-1].agents += [product[0]] if product else []
        elif groups and key in ("allow", "disallow"):
            # A group ends with its rules even where a rule is empty, which forbids and allows nothing.
            groups[-1].rules.append(Rule(spelt_pattern(value), is_allowed=key == "allow" or not value))
        elif groups and key == "crawl-delay" and re.fullmatch(r"\d{1,6}(\.\d+)?", value):
            groups[-1].delay = float(value)
    return groups


def fits(pattern: str, path: str) -> bool:
    """Whether a path begins as a pattern says, in time that grows with their lengths alone."""
    is_whole = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not others:
        return not is_whole or path == first
    position = len(first)
    for part in others[:-1]:
        found = path.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    if is_whole:
        return path.endswith(others[-1]) and len(path) - len(others[-1]) >= position
    return path.find(others[-1], position) >= 0


def spelt_path(path: str) -> str:
    """A path with one spelling of every sign, so that `%7E` and `~` are one."""
    return _spelt(path).replace("*", "%2A").replace("$", "%24")


def spelt_pattern(pattern: str) -> str:
    """A pattern in the spelling of paths; `*` stays what it is, and so does `$` at the end."""
    end = "$" if pattern.endswith("$") else ""
    return _spelt(pattern.removesuffix("$")).replace("$", "%24") + end


def _spelt(path: str) -> str:
    return _ENCODED.sub(lambda code: _spelt_sign(code[0]), quote(path, safe=_ASCII_SIGNS))


def _spelt_sign(code: str) -> str:
    sign = chr(int(code[1:], 16))
    return sign if sign in _NEVER_ENCODED else code.upper()
