"""Cleaning: which photos go on, which are quarantined, and why."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from pipeline.core.errors import DataError
from pipeline.core.parameters import CleanParameters, SplitParameters
from pipeline.photos.clusters import Choice, Standing, choose, clusters_of, pinned_reasons
from pipeline.photos.copies import Compared
from pipeline.photos.decisions import HumanDecision, Verdict
from pipeline.photos.duplicates import SceneVectors, same_photo_rows, same_scene_rows
from pipeline.photos.reasons import FLAGS, QUALITY_REASONS, Reason, is_colourless, quality_reasons
from pipeline.photos.records import Batch, CleanRow, Decision, DuplicateRow, PhotoRow, Side
from pipeline.photos.sides import SCENE_PREFIX, Replay, arrivals_of, replay_sides

CLUSTER_PREFIX = "photo-"
_SHA256_DIGITS_SHOWN = 12
_SUSPICIOUS_SHARE = 0.2

_OVERRULED_BY_PERSON = frozenset(QUALITY_REASONS)
"""A person's `keep` also wins over copies and conflicts, where copies are weighed."""


@dataclass(frozen=True)
class CleanInputs:
    """What is cleaned; the order of photos and decisions does not matter."""

    photos: Sequence[PhotoRow]
    batches: Sequence[Batch]
    """All lines of `data/batches.csv`, in intake order."""
    decisions: Sequence[HumanDecision] = ()
    vectors: SceneVectors | None = None
    """Embedding vectors; without them no scene is told."""
    compared: Compared | None = None
    """What an earlier run by the same code with the same parameters compared; the result is the same without it."""


@dataclass(frozen=True)
class CleanResult:
    """What was decided."""

    photos: list[CleanRow]
    """Every photo that came in, sorted by path."""
    duplicates: list[DuplicateRow]
    unmatched: list[HumanDecision]
    """Decisions on photos that this run does not see."""
    overruled: list[HumanDecision]
    """Decisions to keep photos that are unreadable, or would let training see the test."""
    warnings: list[str]
    compared: Compared | None = field(default=None, compare=False, repr=False)
    """What the next run need not compare again."""


def clean_photos(inputs: CleanInputs, parameters: CleanParameters, split: SplitParameters, seed: int) -> CleanResult:
    """Decide for every photo whether it goes on, with reasons; the same for any order of the input.

    A photo goes when it is unreadable, fails a quality rule, or is the same photo as one that stays. Photos of a
    batch pinned to the test side stay if they can be decoded, and their copies elsewhere go. What a person decided
    overrides the rules, but for two: an unreadable photo stays out, and so does one that would let training see the
    test.

    Args:
        inputs: photos, batches, decisions and vectors.
        parameters: thresholds of the rules.
        split: shares of the sides, since a photo on the test side is never displaced by a later batch.
        seed: of the sides.

    Raises:
        DataError: a photo's batch was never taken in, or no labelled photo would be left.
    """
    verdicts = {one.sha256: one for one in inputs.decisions}
    photos = [_relabelled(photo, verdicts) for photo in sorted(inputs.photos, key=lambda photo: photo.path)]
    pairs, compared = same_photo_rows(photos, parameters, inputs.compared)
    scenes = same_scene_rows(photos, inputs.vectors, parameters.min_scene_cosine)
    photos = _grouped(photos, scenes)
    replay = replay_sides(arrivals_of(photos, [*pairs, *scenes], inputs.batches), split, seed)
    known_labels = {photo.label for photo in inputs.photos}
    reasons = {photo.path: _own_reasons(photo, verdicts, known_labels, parameters) for photo in photos}
    _add_company(reasons, photos, pairs, inputs.batches, replay)
    pinned = _pinned(photos, inputs.batches)
    gone = {path for path, found in reasons.items() if _quarantines(found, is_pinned=path in pinned)}
    same = {(pair.first, pair.second) for pair in pairs}
    rows = _rows(photos, reasons, gone, pairs)
    _check_something_left(rows)
    shas = {photo.sha256 for photo in photos}
    overruled = _overruled(rows, verdicts)
    return CleanResult(
        photos=rows,
        duplicates=pairs + [scene for scene in scenes if (scene.first, scene.second) not in same],
        unmatched=sorted((one for one in inputs.decisions if one.sha256 not in shas), key=lambda one: one.sha256),
        overruled=overruled,
        warnings=_suspicious_rules(photos, reasons)
        + [f"`keep` of {one.sha256} is overruled: the photo is unreadable or a copy of the test" for one in overruled],
        compared=compared,
    )


def _relabelled(photo: PhotoRow, verdicts: Mapping[str, HumanDecision]) -> PhotoRow:
    verdict = verdicts.get(photo.sha256)
    return replace(photo, label=verdict.label) if verdict and verdict.decision == Verdict.RELABEL else photo


def _grouped(photos: Sequence[PhotoRow], scenes: Sequence[DuplicateRow]) -> list[PhotoRow]:
    """Give photos without a given group the group of their scene."""
    sha256_of = {photo.path: photo.sha256 for photo in photos}
    scene_of = {
        path: SCENE_PREFIX + min(sha256_of[member] for member in members)[:_SHA256_DIGITS_SHOWN]
        for members in clusters_of(scenes).all()
        for path in members
    }
    return [replace(photo, group=photo.group or scene_of.get(photo.path, "")) for photo in photos]


def _own_reasons(
    photo: PhotoRow, verdicts: Mapping[str, HumanDecision], known_labels: Set[str | None], parameters: CleanParameters
) -> set[Reason]:
    """What is said of a photo by itself."""
    reasons = {Reason.UNREADABLE} if photo.error else quality_reasons(photo, parameters)
    if not photo.error and is_colourless(photo):
        reasons.add(Reason.COLOURLESS)
    verdict = verdicts.get(photo.sha256)
    if verdict is None:
        return reasons
    if verdict.decision == Verdict.DROP:
        return reasons | {Reason.DROPPED_BY_PERSON}
    if verdict.decision == Verdict.KEEP:
        return reasons | {Reason.KEPT_BY_PERSON}
    unknown = {Reason.CLASS_NOT_IN_RUN} if photo.label not in known_labels else set()
    return reasons | {Reason.RELABELLED_BY_PERSON} | unknown


def _add_company(
    reasons: Mapping[str, set[Reason]],
    photos: Sequence[PhotoRow],
    pairs: Sequence[DuplicateRow],
    batches: Sequence[Batch],
    replay: Replay,
) -> None:
    """Add what is said of a photo for the sake of its copies, to the sets of `reasons`."""
    by_path = {photo.path: photo for photo in photos}
    pinned = _pinned(photos, batches)
    for members in clusters_of(pairs).all():
        if not pinned.isdisjoint(members):
            for path, found in pinned_reasons([by_path[member] for member in members], pinned).items():
                reasons[path].update(found)
    for path in replay.bridges:
        reasons[path].add(Reason.BRIDGES_TEST)
    choice = _choice(by_path, reasons, pairs, batches, replay)
    for reason, paths in (
        (Reason.COPY_OF_KEPT, choice.copies),
        (Reason.LABEL_CONFLICT, choice.conflicts),
        (Reason.CONTESTED, choice.contested),
    ):
        for path in paths:
            reasons[path].add(reason)


def _choice(
    by_path: Mapping[str, PhotoRow],
    reasons: Mapping[str, set[Reason]],
    pairs: Sequence[DuplicateRow],
    batches: Sequence[Batch],
    replay: Replay,
) -> Choice:
    paths_in: defaultdict[str, set[str]] = defaultdict(set)
    for photo in by_path.values():
        paths_in[photo.batch].add(photo.path)
    unpinned = [paths_in[batch.batch] for batch in batches if batch.side != Side.TEST]
    own = {path: found - {Reason.BRIDGES_TEST} for path, found in reasons.items()}
    standing = Standing(
        candidates={
            path: by_path[path] for paths in unpinned for path in paths if not _quarantines(own[path], is_pinned=False)
        },
        test={path for path, side in replay.sides.items() if side is Side.TEST},
        kept_by_person={path for path, found in reasons.items() if Reason.KEPT_BY_PERSON in found},
    )
    return choose(unpinned, pairs, standing)


def _quarantines(reasons: Set[Reason], *, is_pinned: bool) -> bool:
    overruled = _OVERRULED_BY_PERSON if Reason.KEPT_BY_PERSON in reasons else frozenset()
    flags = FLAGS | set(QUALITY_REASONS) if is_pinned else FLAGS
    return bool(reasons - flags - overruled)


def _pinned(photos: Iterable[PhotoRow], batches: Iterable[Batch]) -> set[str]:
    names = {batch.batch for batch in batches if batch.side == Side.TEST}
    return {photo.path for photo in photos if photo.batch in names and not photo.error}


def _rows(
    photos: Sequence[PhotoRow], reasons: Mapping[str, set[Reason]], gone: Set[str], pairs: Sequence[DuplicateRow]
) -> list[CleanRow]:
    sha256_of = {photo.path: photo.sha256 for photo in photos}
    cluster_of = {
        path: CLUSTER_PREFIX + min(sha256_of[member] for member in members)[:_SHA256_DIGITS_SHOWN]
        for members in clusters_of(pairs).all()
        for path in members
    }
    return [
        CleanRow(
            path=photo.path,
            batch=photo.batch,
            label=photo.label,
            sha256=photo.sha256,
            decision=Decision.QUARANTINE if photo.path in gone else Decision.KEEP,
            reasons=",".join(sorted(reasons[photo.path])),
            group=photo.group,
            cluster=cluster_of.get(photo.path, ""),
            mask=photo.mask,
        )
        for photo in photos
    ]


def _check_something_left(rows: Sequence[CleanRow]) -> None:
    if any(row.decision == Decision.KEEP and row.label is not None for row in rows):
        return
    counts = Counter(reason for row in rows for reason in row.reasons.split(",") if reason)
    raise DataError(
        f"none of {len(rows)} photos is both labelled and kept; reasons: "
        + ", ".join(f"{reason} {count}" for reason, count in counts.most_common()),
        expected="labelled photos that pass the rules",
        todo="look at reports/validate/summary.json, then bring better photos in, move a threshold of `clean` in "
        "params.yaml, or decide `keep` in reviews/decisions.csv",
    )


def _overruled(rows: Sequence[CleanRow], verdicts: Mapping[str, HumanDecision]) -> list[HumanDecision]:
    stubborn = {
        row.sha256
        for row in rows
        if row.decision == Decision.QUARANTINE and Reason.KEPT_BY_PERSON in row.reasons.split(",")
    }
    return [verdicts[sha256] for sha256 in sorted(stubborn)]


def _suspicious_rules(photos: Sequence[PhotoRow], reasons: Mapping[str, set[Reason]]) -> list[str]:
    """Rules that trip over so many photos that the rule is likely to be wrong, not the photos."""
    readable = [photo.path for photo in photos if not photo.error]
    counts = Counter(reason for path in readable for reason in reasons[path])
    return [
        f"{reason} trips over {counts[reason]} of {len(readable)} readable photos: look at some of them, and whether "
        "its threshold in params.yaml fits"
        for reason in QUALITY_REASONS
        if counts[reason] > _SUSPICIOUS_SHARE * len(readable)
    ]
