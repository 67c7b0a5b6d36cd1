"""Clusters: photos that are the same photo, directly or through others, and which of them stays."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from pipeline.photos.reasons import Reason
from pipeline.photos.records import DuplicateRow, PhotoRow


class Clusters:
    """Disjoint sets of names that grow together as pairs come; a name without a pair is a set of its own."""

    def __init__(self) -> None:
        self._root: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}

    def join(self, first: str, second: str) -> None:
        """Make the clusters of two names one."""
        kept, gone = sorted((self.root(first), self.root(second)), key=lambda root: (-len(self.members(root)), root))
        if kept == gone:
            return
        moved = self.members(gone)
        self._members[kept] = self.members(kept) + moved
        self._members.pop(gone, None)
        self._root.update(dict.fromkeys(moved, kept))

    def root(self, name: str) -> str:
        """The name that stands for a cluster, until it is joined to a larger one."""
        return self._root.get(name, name)

    def members(self, name: str) -> list[str]:
        """All names of a name's cluster, itself among them."""
        return self._members.get(self.root(name), [name])

    def all(self) -> list[list[str]]:
        """Clusters of two and more, each sorted, in order of their first name."""
        return sorted(sorted(members) for members in self._members.values())


def clusters_of(pairs: Iterable[DuplicateRow]) -> Clusters:
    """Join both photos of every pair, by path."""
    clusters = Clusters()
    for pair in pairs:
        clusters.join(pair.first, pair.second)
    return clusters


@dataclass(frozen=True)
class Choice:
    """What is settled cluster by cluster, all by path."""

    copies: set[str] = field(default_factory=set)
    conflicts: set[str] = field(default_factory=set)
    contested: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Standing:
    """What is known of the photos before copies are weighed, all by path."""

    candidates: Mapping[str, PhotoRow]
    """Photos that would stay, were they no copies; of unpinned batches, with their final labels."""
    test: Set[str]
    """Those on the test side, which they joined when they came."""
    kept_by_person: Set[str]


def choose(batches: Sequence[Set[str]], pairs: Sequence[DuplicateRow], standing: Standing) -> Choice:
    """Replay unpinned batches and settle, as each one comes, which photos of a cluster stay.

    Of copies under one label the first to come stays; of one batch the larger, then the sharper. Copies under two
    labels all go, but for a photo that was on the test side before, so that no later batch changes what is measured.

    Args:
        batches: paths of each batch, in intake order.
        pairs: same-photo pairs by path; pairs with photos of no given batch are left out.
        standing: what is known of the photos.
    """
    arrived_in = {path: number for number, batch in enumerate(batches) for path in batch}
    pairs_in: defaultdict[int, list[DuplicateRow]] = defaultdict(list)
    for pair in pairs:
        if pair.first in arrived_in and pair.second in arrived_in:
            pairs_in[max(arrived_in[pair.first], arrived_in[pair.second])].append(pair)
    choice = Choice()
    clusters = Clusters()
    for number, newcomers in enumerate(batches):
        for pair in pairs_in[number]:
            clusters.join(pair.first, pair.second)
        touched = {clusters.root(path) for pair in pairs_in[number] for path in (pair.first, pair.second)}
        for root in sorted(touched):
            _choose_in_cluster(clusters.members(root), newcomers, standing, choice)
    return choice


def _choose_in_cluster(members: Sequence[str], newcomers: Set[str], standing: Standing, choice: Choice) -> None:
    present = [standing.candidates[path] for path in members if path in standing.candidates]
    staying = [photo for photo in present if photo.path not in choice.copies | choice.conflicts]
    earlier = [photo for photo in staying if photo.path not in newcomers]
    by_person = [photo for photo in staying if photo.path in standing.kept_by_person]
    measured = {photo.path for photo in earlier if photo.path in standing.test}
    if len({photo.label for photo in present} - {None}) > 1:
        stays = measured | {photo.path for photo in by_person}
        choice.conflicts.update(photo.path for photo in staying if photo.path not in stays)
        choice.contested.update(measured)
        return
    labelled_earlier = {photo.path for photo in earlier if photo.label is not None}
    if staying:
        stays = labelled_earlier or {min(staying, key=lambda photo: _rank(photo, newcomers, standing)).path}
        stays |= {photo.path for photo in by_person}
        choice.copies.update(photo.path for photo in staying if photo.path not in stays)


def _rank(photo: PhotoRow, newcomers: Set[str], standing: Standing) -> tuple[bool, bool, bool, int, float, str]:
    """Smallest first: chosen by a person, labelled, earlier, larger, sharper, first by path."""
    by_person = photo.path in standing.kept_by_person
    size = photo.width * photo.height
    unlabelled, is_new = photo.label is None, photo.path in newcomers
    return (not by_person, unlabelled, is_new, -size, -photo.sharpness, photo.path)


def pinned_reasons(members: Sequence[PhotoRow], pinned: Set[str]) -> dict[str, set[Reason]]:
    """Say what a cluster that holds a pinned photo means for each of its photos, by path.

    Pinned photos all stay, so that a published test set is scored whole; the others must not be learnt from.
    """
    ours = [photo for photo in members if photo.path in pinned]
    labels = {photo.label for photo in ours} - {None}
    flags = {Reason.COPY} if len(ours) > 1 else set()
    reasons = {photo.path: flags | ({Reason.CONTESTED} if len(labels) > 1 else set()) for photo in ours}
    for photo in members:
        if photo.path not in pinned:
            conflict = photo.label is not None and labels != {photo.label}
            reasons[photo.path] = {Reason.TWIN_OF_PINNED} | ({Reason.LABEL_CONFLICT} if conflict else set())
    return reasons
