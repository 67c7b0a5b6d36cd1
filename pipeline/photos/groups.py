"""Groups: which photos belong together, by what a person said and by what their pictures say."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from pipeline.photos.clusters import Clusters, clusters_of
from pipeline.photos.decisions import HumanDecision, Verdict, groups_of
from pipeline.photos.duplicates import SAME_SCENE
from pipeline.photos.records import CleanRow, Decision, DuplicateRow, PhotoRow, Relation, Side
from pipeline.photos.scenes import Scenes
from pipeline.photos.sides import SCENE_PREFIX, cut_groups

_GIVEN_PREFIX = "given-"
_SHA256_DIGITS_SHOWN = 12


@dataclass(frozen=True)
class SceneCounts:
    """What the scenes of a run come to."""

    photos: int
    """Photos that share a scene with another one."""
    groups: int
    largest: int
    """Photos of the largest scene, at most `clean.max_scene_photos` but for what people told apart."""
    capped_pairs: int
    """Pairs that were left because their scene would have grown too large."""
    capped_groups: int
    """Scenes that such pairs would have made larger."""
    cut: int
    """Scenes with kept photos on more than one side, because a later batch joined them or a side is pinned."""


def with_decided_groups(photos: Sequence[PhotoRow], decisions: Iterable[HumanDecision]) -> list[PhotoRow]:
    """Put photos into the groups that people decided; a group given before and a decided one that share a photo become
    one, named by the first given name in it. A given name that looks like that of a found scene is changed.
    """
    decided = {sha256: _as_given(group) for sha256, group in groups_of(decisions).items()}
    named = [
        replace(photo, group=_as_given(photo.group)) if photo.group.startswith(SCENE_PREFIX) else photo
        for photo in photos
    ]
    if not decided:
        return named
    given = {photo.group for photo in named} - {""}
    groups: Clusters[str] = Clusters()
    for photo in named:
        if photo.group and photo.sha256 in decided:
            groups.join(photo.group, decided[photo.sha256])
    names = {photo.group or decided.get(photo.sha256, "") for photo in named} - {""}
    name_of = {name: min(set(groups.members(name)) & given or groups.members(name)) for name in names}
    return [replace(photo, group=name_of.get(photo.group or decided.get(photo.sha256, ""), "")) for photo in named]


def unmatched_decisions(photos: Sequence[PhotoRow], decisions: Iterable[HumanDecision]) -> list[HumanDecision]:
    """Find the decisions that this run has no use for: on photos it does not see, and on groups with one photo.

    Args:
        photos: all photos, with their decided groups.
        decisions: what people decided.
    """
    group_of = {photo.sha256: photo.group for photo in photos}
    sizes = Counter(group_of.values())
    return sorted(
        (
            one
            for one in decisions
            if one.sha256 not in group_of or (one.decision == Verdict.TOGETHER and sizes[group_of[one.sha256]] == 1)
        ),
        key=lambda one: (one.sha256, one.decision),
    )


def told_apart(
    photos: Sequence[PhotoRow], pairs: Sequence[DuplicateRow], kept_by_person: Set[str]
) -> tuple[list[DuplicateRow], list[DuplicateRow]]:
    """Split pairs of tier 1 into copies, and pairs that a person knows to be two photos, having kept both.

    The latter are photos of one scene then: they share a side if they can, and neither goes. Equal bytes or pixels are
    one photo whatever anyone says.

    Args:
        photos: all photos.
        pairs: pairs of tier 1.
        kept_by_person: sha256 of the photos that a person kept.

    Returns:
        The copies, and the other pairs as tier 2.
    """
    by_path = {photo.path: photo for photo in photos if photo.sha256 in kept_by_person}
    copies, two_photos = [], []
    for pair in pairs:
        first, second = by_path.get(pair.first), by_path.get(pair.second)
        if first is None or second is None or _is_equal(first, second):
            copies.append(pair)
        else:
            two_photos.append(replace(pair, tier=SAME_SCENE, relation=Relation.SCENE.value, derived=""))
    return copies, two_photos


def with_scene_groups(photos: Sequence[PhotoRow], scenes: Sequence[DuplicateRow]) -> list[PhotoRow]:
    """Give photos without a given group the group of their scene; equal bytes share it."""
    sha256_of = {photo.path: photo.sha256 for photo in photos}
    scene_of: dict[str, str] = {}
    for members in clusters_of(scenes).all():
        hashes = {sha256_of[path] for path in members}
        scene_of.update(dict.fromkeys(hashes, SCENE_PREFIX + min(hashes)[:_SHA256_DIGITS_SHOWN]))
    return [
        photo if photo.group or photo.sha256 not in scene_of else replace(photo, group=scene_of[photo.sha256])
        for photo in photos
    ]


def scene_counts(
    rows: Sequence[CleanRow], pairs: Sequence[DuplicateRow], scenes: Scenes, sides: Mapping[str, Side]
) -> SceneCounts:
    """Count the scenes of a run.

    Args:
        rows: all photos, with what was decided.
        pairs: pairs of tier 2 that were taken.
        scenes: what was left of them.
        sides: by path; those of quarantined and unlabelled photos do not count.
    """
    groups = clusters_of(pairs).all()
    measured = {row.path for row in rows if row.decision == Decision.KEEP and row.label is not None}
    placed = ((members[0], sides[path]) for members in groups for path in members if path in measured)
    return SceneCounts(
        photos=sum(len(members) for members in groups),
        groups=len(groups),
        largest=max((len(members) for members in groups), default=0),
        capped_pairs=scenes.num_capped_pairs,
        capped_groups=scenes.num_capped_groups,
        cut=len(cut_groups(placed)),
    )


def _as_given(group: str) -> str:
    """A person's group is a promise, even where it is named as a found one."""
    return _GIVEN_PREFIX + group.removeprefix(SCENE_PREFIX) if group.startswith(SCENE_PREFIX) else group


def _is_equal(first: PhotoRow, second: PhotoRow) -> bool:
    return first.sha256 == second.sha256 or first.pixels_sha256 == second.pixels_sha256 != ""
