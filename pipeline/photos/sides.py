"""Sides: which photos train, validate and test a model.

Batches are replayed in the order in which they came, so a photo's side is settled by what was known when it came,
and no later batch moves a test photo. Pinned batches count as the first to come: pinning one redefines the test side.
"""

import hashlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from pipeline.core.errors import DataError
from pipeline.core.parameters import SplitParameters
from pipeline.photos.clusters import Clusters
from pipeline.photos.records import Batch, DuplicateRow, Photo, Side

SCENE_PREFIX = "scene-"
"""Groups found by `clean` start so; a group that a person gave does not."""

SIDES_NEAREST_TEST_FIRST = (Side.TEST, Side.VALIDATION, Side.TRAIN)

_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A photo as it comes in; its own id and unknown ids among its twins and scene mates mean nothing."""

    id: str
    """Its path."""
    sha256: str
    batch: str
    pinned: bool
    """Whether its batch is pinned to the test side."""
    twins: frozenset[str]
    """Ids of the same photo elsewhere (tier 1), symmetric."""
    group: str
    """Given group or site, whose photos share a side; empty = none."""
    scene_mates: frozenset[str] = frozenset()
    """Ids of photos of the same scene (tier 2), symmetric. Pairs rather than the name of a scene: a later photo that
    joins two scenes must not move photos that were placed while the scenes were two."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What the replay settled."""

    sides: dict[str, Side]
    """A side for each arrival, by id."""
    bridges: frozenset[str]
    """Photos with side none that would tie training to the photos that measure it: earlier twins of a photo that
    joined a side nearer to test, and members of a given group that a pinned batch holds part of."""
    twins_of_pinned: frozenset[str]
    """Photos with side none that are the same photo as a pinned one."""


def intake_positions(photos: Iterable[Photo], batches: Sequence[Batch]) -> dict[str, int]:
    """Number the batches in the order in which they count as come: pinned ones first, then as recorded.

    Raises:
        DataError: a photo's batch was never taken in.
    """
    strangers = sorted({photo.batch for photo in photos} - {batch.batch for batch in batches})
    if strangers:
        raise DataError(
            f"data/batches.csv does not know the batches {', '.join(strangers)}",
            expected="a line for every folder of data/",
            todo="move the folder out of data/ and bring it in with `make photos FROM=<folder> BATCH=<name>`",
        )
    in_order = sorted(batches, key=lambda batch: batch.side != Side.TEST)
    return {batch.batch: number for number, batch in enumerate(in_order)}


def in_intake_order(arrivals: Iterable[Arrival], batches: Sequence[Batch]) -> list[Arrival]:
    """Sort arrivals: pinned batches first, then the order of `data/batches.csv`, then the path."""
    position = intake_positions((), batches)
    return sorted(arrivals, key=lambda arrival: (position[arrival.batch], arrival.id))


def arrivals_of(photos: Sequence[Photo], duplicates: Iterable[DuplicateRow], batches: Sequence[Batch]) -> list[Arrival]:
    """Make the arrivals of all photos, in intake order.

    Quarantined and unlabelled photos take part, so that a side depends on neither the thresholds of `clean`, nor on
    which copy was kept, nor on a label that a person gives later. Equal bytes are twins, and share their twins,
    whether or not a pair names them.

    Args:
        photos: rows of `validate` or `clean`; groups that `clean` found are not read, since pairs say more.
        duplicates: pairs by path, of both tiers.
        batches: lines of `data/batches.csv`.

    Raises:
        DataError: a photo's batch was never taken in.
    """
    intake_positions(photos, batches)
    pinned = {batch.batch: batch.side == Side.TEST for batch in batches}
    pairs = list(duplicates)
    twins = _alike_by_sha256(photos, (pair for pair in pairs if pair.tier == 1))
    scene_mates = _alike_by_sha256(photos, (pair for pair in pairs if pair.tier == 2))
    arrivals = (
        Arrival(
            id=photo.path,
            sha256=photo.sha256,
            batch=photo.batch,
            pinned=pinned[photo.batch],
            twins=twins.get(photo.sha256, _NOBODY),
            group=photo.group if is_given(photo.group) else "",
            scene_mates=scene_mates.get(photo.sha256, _NOBODY),
        )
        for photo in photos
    )
    return in_intake_order(arrivals, batches)


def replay_sides(arrivals: Sequence[Arrival], shares: SplitParameters, seed: int) -> Replay:
    """Settle the side of every photo, in order of arrival.

    A pinned photo tests, and no twin of it joins it. Twins, group members and scene mates that come in one batch are
    placed together, with the earlier ones that are nearest to the test side; their earlier twins on a side farther from
    test are sent out. Photos without earlier company are placed by the bytes of the first, so that the result depends
    on neither the number nor the order of the photos after it.

    Where photos are pinned, the test side is theirs alone: the other photos are placed on train and validation, in
    the proportion that `shares` gives these two; a given group that is partly pinned is left out, and a scene that
    is partly pinned is cut.

    Args:
        arrivals: photos in recorded intake order, see `in_intake_order`.
        shares: shares of validation and test, each in [0, 1); the rest trains.
        seed: changes the placement of photos without company, and nothing else.

    Reference:
        Barz and Denzler, "Do we train on test data?", arXiv 1902.00423, for why twins must share a side.
    """
    settled = _Settled([arrival for arrival in arrivals if arrival.pinned], shares, seed)
    unpinned = (arrival for arrival in arrivals if not arrival.pinned)
    for _, newcomers in itertools.groupby(unpinned, key=lambda arrival: arrival.batch):
        settled.take(list(newcomers))
    return Replay(settled.sides, frozenset(settled.bridges), frozenset(settled.twins_of_pinned))


def is_given(group: str) -> bool:
    """Whether a person gave the group, so that it is a promise and not a guess."""
    return group != "" and not group.startswith(SCENE_PREFIX)


def cut_groups(groups_and_sides: Iterable[tuple[str, Side]]) -> frozenset[str]:
    """Groups with photos on more than one of train, validation and test, from (group, side) of each photo."""
    sides_of: defaultdict[str, set[Side]] = defaultdict(set)
    for group, side in groups_and_sides:
        if group and side is not Side.NONE:
            sides_of[group].add(side)
    return frozenset(group for group, sides in sides_of.items() if len(sides) > 1)


class _Settled:
    """What is settled after some of the batches."""

    def __init__(self, pinned: Sequence[Arrival], shares: SplitParameters, seed: int) -> None:
        self.sides: dict[str, Side] = {arrival.id: Side.TEST for arrival in pinned}
        self.bridges: set[str] = set()
        self.twins_of_pinned: set[str] = set()
        self._pinned = frozenset(self.sides)
        self._pinned_groups = {arrival.group for arrival in pinned} - {""}
        self._group_sides: defaultdict[str, set[Side]] = defaultdict(set)
        self._arrived: set[str] = set()
        self._scenes: Clusters[str] = Clusters()
        self._shares = shares
        self._seed = seed

    def take(self, newcomers: Sequence[Arrival]) -> None:
        """Settle the photos of one unpinned batch."""
        self._arrived.update(arrival.id for arrival in newcomers)
        with_company = []
        for arrival in newcomers:
            if arrival.twins or arrival.group or arrival.scene_mates:
                with_company.append(arrival)
            else:
                self.sides[arrival.id] = self._side_by_bytes(arrival)
        for arrival in with_company:
            for mate in arrival.scene_mates & self._arrived:
                self._scenes.join(arrival.id, mate)
        free = [arrival for arrival in with_company if not self._leave_out(arrival)]
        for party in self._parties(free):
            self._place(party)

    def _leave_out(self, arrival: Arrival) -> bool:
        """Whether a photo is too near to pinned ones to be used; if so, note it."""
        if arrival.twins & self._pinned:
            self.twins_of_pinned.add(arrival.id)
        elif arrival.group in self._pinned_groups:
            self.bridges.add(arrival.id)
        else:
            return False
        self.sides[arrival.id] = Side.NONE
        return True

    def _parties(self, newcomers: Sequence[Arrival]) -> Iterator[list[Arrival]]:
        """Photos that go to one side together: twins, members of a given group and of a scene, in order of arrival."""
        together: Clusters[tuple[str, str]] = Clusters()
        free = {arrival.id for arrival in newcomers}
        for arrival in newcomers:
            itself = ("photo", arrival.id)
            for twin in arrival.twins & free:
                together.join(itself, ("photo", twin))
            if arrival.group:
                together.join(itself, ("group", arrival.group))
            if arrival.scene_mates:
                together.join(itself, ("scene", self._scenes.root(arrival.id)))
        parties: defaultdict[tuple[str, str], list[Arrival]] = defaultdict(list)
        for arrival in newcomers:
            parties[together.root(("photo", arrival.id))].append(arrival)
        yield from parties.values()

    def _place(self, party: Sequence[Arrival]) -> None:
        known: set[Side] = set()
        for arrival in party:
            known |= self._sides_among(arrival.twins) | self._group_sides.get(arrival.group, set())
            if arrival.scene_mates:
                known |= self._sides_among(self._scenes.members(arrival.id))
        side = _nearest_test(known) or self._side_by_bytes(party[0])
        for arrival in party:
            sent_out = {twin for twin in arrival.twins if self.sides.get(twin, side) not in (side, Side.NONE)}
            self.sides.update(dict.fromkeys(sent_out, Side.NONE))
            self.bridges |= sent_out
            if arrival.group:
                self._group_sides[arrival.group].add(side)
        self.sides.update((arrival.id, side) for arrival in party)

    def _side_by_bytes(self, arrival: Arrival) -> Side:
        return _side_by_bytes(arrival.sha256, self._shares, self._seed, bool(self._pinned))

    def _sides_among(self, ids: Iterable[str]) -> set[Side]:
        return {self.sides[id_] for id_ in ids if id_ in self.sides}


def _alike_by_sha256(photos: Sequence[Photo], pairs: Iterable[DuplicateRow]) -> dict[str, frozenset[str]]:
    """Paths of the photos that have the same bytes as a photo, or are paired with such a one, where there are any."""
    sha256_of = {photo.path: photo.sha256 for photo in photos}
    alike: defaultdict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        first, second = sha256_of[pair.first], sha256_of[pair.second]
        alike[first].update((first, second))
        alike[second].update((first, second))
    for sha256, count in Counter(sha256_of.values()).items():
        if count > 1 and sha256:
            alike[sha256].add(sha256)
    paths_of: defaultdict[str, list[str]] = defaultdict(list)
    for path, sha256 in sha256_of.items():
        if sha256 in alike:
            paths_of[sha256].append(path)
    return {sha256: frozenset(path for same in others for path in paths_of[same]) for sha256, others in alike.items()}


def _nearest_test(known: Set[Side]) -> Side | None:
    return next((side for side in SIDES_NEAREST_TEST_FIRST if side in known), None)


def _side_by_bytes(sha256: str, shares: SplitParameters, seed: int, test_is_pinned: bool) -> Side:
    digest = hashlib.sha256(f"{seed}:{sha256}".encode()).digest()
    # 53 bits are what a float holds exactly, so the quotient never rounds up to 1.
    position = (int.from_bytes(digest[:8], "big") >> 11) / 2**53
    test = 0.0 if test_is_pinned else shares.test
    validation = shares.validation / (1 - shares.test) if test_is_pinned else shares.validation
    if position < test:
        return Side.TEST
    return Side.VALIDATION if position < test + validation else Side.TRAIN
