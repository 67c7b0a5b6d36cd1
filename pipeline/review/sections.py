"""Sections of the review: what a person is asked, one item after the other."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Item:
    """One question: photos that are looked at together, or a single one."""

    key: str
    """Changes with the photos and with what is proposed, so that an answer to another question is not taken for one."""
    title: str
    photos: tuple[str, ...]
    """Their sha256, those that stay first."""
    facets: tuple[str, ...] = ()
    """What the item can be filtered by."""
    lines: tuple[str, ...] = ()
    """What is proposed, and why."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """A remark below a photo, by its sha256."""
    suggested: str = ""
    """Another class that the photo may belong to."""
    labels: tuple[str, ...] = ()
    """Those under which the photos came, where they contradict one another."""


@dataclass(frozen=True)
class Section:
    """A part of the review."""

    name: str
    """Part of the page's address."""
    title: str
    lead: str
    """What is shown, in which order, and what happens to what is left alone."""
    items: Sequence[Item]
    is_grouped: bool
    """Whether an item holds several photos."""
    meanings: Mapping[str, str] = field(default_factory=dict)
    """What a facet stands for, in a sentence."""


def item_key(section: str, photos: Sequence[str], proposal: str) -> str:
    """Name a question by what it asks about."""
    text = " ".join((section, proposal, *sorted(photos)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
