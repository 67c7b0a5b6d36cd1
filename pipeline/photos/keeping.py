"""Keeping: which of the photos that are the same photo stays.

Likeness does not carry far: of A alike B alike C, A and C may be two photos. So a photo goes as a copy only for a kept
photo that it is alike itself. Where a mistake costs more (a copy of the test that trains, a label in doubt), one photo
in between does not help: there a photo goes within two steps.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from pipeline.photos.clusters import Company
from pipeline.photos.reasons import Reason
from pipeline.photos.records import DuplicateRow, PhotoRow

_IN_DOUBT = 2
"""Steps within which a photo is taken for the same where a mistake would cost more than a photo."""

_MOST_PIXELS_OF_PART = 4


@dataclass(frozen=True)
class Choice:
    """What is settled among copies, all by path."""

    copies: set[str] = field(default_factory=set)
    conflicts: set[str] = field(default_factory=set)
    contested: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Standing:
    """What is known of the photos before copies are weighed, all by path."""

    candidates: Mapping[str, PhotoRow]
    """Photos that would stay, were they no copies; of unpinned batches, with their final labels."""
    position: Mapping[str, int]
    """The number of each batch, in order of intake."""
    test: Set[str]
    """Those on the test side, which they joined when they came."""
    sent_out: Set[str]
    """Those that lost their side, and so stand in for no copy."""
    kept_by_person: Set[str]
    derived: Set[str] = frozenset()
    """Those that show less than their original, see `derived_photos`."""


def choose(company: Company, standing: Standing) -> Choice:
    """Settle which photos stay of those that are the same photo.

    The test side goes first: a photo that was kept there stays, whatever later batches bring, so that no later batch
    changes what is measured. Of the others the better stays (see `_rank`), and what a person kept stays beside it.
    Photos under two labels all go, but for those that were kept on the test side before, and those that a person kept.

    Args:
        company: which photos are the same, pinned ones among them.
        standing: what is known of the photos.
    """
    choice = Choice()
    for members in company.clusters():
        present = [standing.candidates[path] for path in members if path in standing.candidates]
        if present:
            _Cluster(company, standing, sorted(present, key=lambda photo: _rank(photo, standing))).settle(choice)
    return choice


def derived_photos(photos: Iterable[PhotoRow], pairs: Iterable[DuplicateRow]) -> set[str]:
    """Find the photos that were cut from another one or have a part of it covered, by path.

    An original of less than half the width and height does not count: there is more to see on the part.

    Args:
        photos: all photos.
        pairs: pairs of tier 1.
    """
    size_of = {photo.path: photo.width * photo.height for photo in photos}
    derived = set()
    for pair in pairs:
        if pair.derived:
            part, original = (pair.first, pair.second) if pair.derived == "first" else (pair.second, pair.first)
            if size_of[part] <= _MOST_PIXELS_OF_PART * size_of[original]:
                derived.add(part)
    return derived


class _Cluster:
    """Candidates that are the same photo, directly or through others, the best first."""

    def __init__(self, company: Company, standing: Standing, ranked: Sequence[PhotoRow]) -> None:
        self._company = company
        self._standing = standing
        self._ranked = ranked
        self._labels = {photo.path: photo.label for photo in ranked if photo.label is not None}
        self._many_labels = len(set(self._labels.values())) > 1
        self._kept: set[str] = set()
        self._taken: set[str] = set()

    def settle(self, choice: Choice) -> None:
        """Add what becomes of these photos."""
        measured = self._measured()
        disputed = {photo.path for photo in self._ranked if self._is_disputed(photo)}
        for photo in self._ranked:
            if photo.path in self._standing.kept_by_person - self._standing.sent_out:
                self._keep_by_person(photo)
        self._taken |= self._company.within(measured, _IN_DOUBT) - self._standing.test if measured else set()
        for photo in self._ranked:
            if photo.path not in self._taken | disputed | self._standing.sent_out:
                self._keep(photo)
        choice.conflicts.update(disputed - self._kept)
        choice.contested.update(disputed & measured)
        gone = {photo.path for photo in self._ranked} - self._kept - disputed - self._standing.sent_out
        choice.copies.update(gone)

    def _measured(self) -> set[str]:
        """Keep photos of the test side, by what was known when they came."""
        of_test = [photo for photo in self._ranked if photo.path in self._standing.test and photo.label is not None]
        for number in sorted({self._standing.position[photo.batch] for photo in of_test}):
            newcomers = [photo for photo in of_test if self._standing.position[photo.batch] == number]
            for photo in newcomers:
                if photo.path in self._standing.kept_by_person:
                    self._keep_by_person(photo)
            for photo in newcomers:
                if photo.path not in self._taken and not self._is_disputed(photo, until=number):
                    self._keep(photo)
        return set(self._kept)

    def _keep_by_person(self, photo: PhotoRow) -> None:
        """Keep one of equal bytes; of those under two labels none, since `keep` does not say which label is right."""
        equal = self._company.within([photo.path], 0)
        if equal.isdisjoint(self._kept) and len({self._labels[path] for path in equal & self._labels.keys()}) <= 1:
            self._keep(photo)

    def _keep(self, photo: PhotoRow) -> None:
        self._kept.add(photo.path)
        self._taken |= self._company.within([photo.path], 1)

    def _is_disputed(self, photo: PhotoRow, until: int | None = None) -> bool:
        if not self._many_labels:
            return False
        near = self._company.within([photo.path], _IN_DOUBT, until) & self._labels.keys()
        arrived = (path for path in near if until is None or self._number(path) <= until)
        return len({self._labels[path] for path in arrived}) > 1

    def _number(self, path: str) -> int:
        return self._standing.position[self._standing.candidates[path].batch]


def _rank(photo: PhotoRow, standing: Standing) -> tuple[bool, bool, int, float, int, str]:
    """Smallest first: labelled, the original, larger, sharper, earlier, first by path."""
    size = photo.width * photo.height
    is_derived = photo.path in standing.derived
    return (photo.label is None, is_derived, -size, -photo.sharpness, standing.position[photo.batch], photo.path)


def pinned_reasons(company: Company, pinned: Iterable[str], labels: Mapping[str, str | None]) -> dict[str, set[Reason]]:
    """Say what pinned photos mean for their copies and for one another, by path, where they mean anything.

    Pinned photos all stay, so that a published test set is scored whole; the others must not be learnt from.

    Args:
        company: which photos are the same.
        pinned: readable photos of pinned batches.
        labels: the final label of every photo.
    """
    ours = set(pinned)
    reasons: dict[str, set[Reason]] = {}
    for path in ours:
        near = company.within([path], _IN_DOUBT) & ours
        if len({labels[other] for other in near} - {None}) > 1:
            reasons[path] = {Reason.CONTESTED}
        if len(company.within([path], 1) & ours) > 1:
            reasons[path] = reasons.get(path, set()) | {Reason.COPY}
    for path in company.within(ours, _IN_DOUBT) - ours:
        theirs = {labels[other] for other in company.within([path], _IN_DOUBT) & ours} - {None}
        conflict = labels[path] is not None and theirs != {labels[path]}
        reasons[path] = {Reason.TWIN_OF_PINNED} | ({Reason.LABEL_CONFLICT} if conflict else set())
    return reasons
