"""Clusters: photos that are the same photo, directly or through others."""

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from pipeline.photos.records import DuplicateRow, PhotoRow

Name = TypeVar("Name", bound=Hashable)


class Clusters(Generic[Name]):
    """Disjoint sets of names that grow together as pairs come; a name without a pair is a set of its own."""

    def __init__(self) -> None:
        self._root: dict[Name, Name] = {}
        self._members: dict[Name, list[Name]] = {}

    def join(self, first: Name, second: Name) -> None:
        """Make the clusters of two names one."""
        kept, gone = self.root(first), self.root(second)
        if kept == gone:
            return
        if len(self.members(kept)) < len(self.members(gone)):
            kept, gone = gone, kept
        moved = self.members(gone)
        self._members.setdefault(kept, [kept]).extend(moved)
        self._members.pop(gone, None)
        self._root.update(dict.fromkeys(moved, kept))

    def root(self, name: Name) -> Name:
        """The name that stands for a cluster until it is joined to another; which one depends on the pairs' order."""
        return self._root.get(name, name)

    def members(self, name: Name) -> Sequence[Name]:
        """All names of a name's cluster, itself among them."""
        return self._members.get(self.root(name), [name])

    def all(self) -> list[list[Name]]:
        """Clusters of two and more, each sorted, in order of their first name."""
        return sorted(sorted(members) for members in self._members.values())  # type: ignore[type-var]


def clusters_of(pairs: Iterable[DuplicateRow]) -> Clusters[str]:
    """Join both photos of every pair, by path."""
    clusters: Clusters[str] = Clusters()
    for pair in pairs:
        clusters.join(pair.first, pair.second)
    return clusters


class Company:
    """Photos that are the same photo, directly: by a pair, or because their bytes or pixels are equal."""

    def __init__(self, photos: Iterable[PhotoRow], pairs: Iterable[DuplicateRow], position: Mapping[str, int]) -> None:
        """Take all photos, their pairs of tier 1, and the number of each batch in order of intake."""
        self._content_of: dict[str, str] = {}
        self._paths_of: defaultdict[str, list[str]] = defaultdict(list)
        self._arrived: dict[str, int] = {}
        for photo in photos:
            content = photo.pixels_sha256 or photo.sha256
            self._content_of[photo.path] = content
            self._paths_of[content].append(photo.path)
            number = position[photo.batch]
            self._arrived[content] = min(number, self._arrived.get(content, number))
        self._alike: defaultdict[str, set[str]] = defaultdict(set)
        self._clusters: Clusters[str] = Clusters()
        for pair in pairs:
            first, second = self._content_of[pair.first], self._content_of[pair.second]
            if first != second:
                self._alike[first].add(second)
                self._alike[second].add(first)
                self._clusters.join(first, second)

    def clusters(self) -> Iterator[list[str]]:
        """Paths of the photos that are the same photo, directly or through others; two and more of each."""
        joined = self._clusters.all()
        lonely = ([content] for content in self._paths_of if content not in self._alike)
        for members in itertools.chain(joined, lonely):
            paths = [path for content in members for path in self._paths_of[content]]
            if len(paths) > 1:
                yield paths

    def within(self, paths: Iterable[str], steps: int, until: int | None = None) -> set[str]:
        """Find the photos that so many steps lead to from any of `paths`, which are among them.

        Args:
            paths: where to start.
            steps: how many photos may be passed, the last one included; equal ones are no step.
            until: the number of the last batch that counts; None = all do.
        """
        reached = {self._content_of[path] for path in paths}
        edge = reached
        for _ in range(steps):
            edge = {other for content in edge for other in self._alike.get(content, ())} - reached
            if until is not None:
                edge = {content for content in edge if self._arrived[content] <= until}
            reached = reached | edge
        return {path for content in reached for path in self._paths_of[content]}
