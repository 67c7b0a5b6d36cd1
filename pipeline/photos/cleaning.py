"""Cleaning: which photos go on, which are quarantined, and why."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from pipeline.core.errors import DataError
from pipeline.core.parameters import CleanParameters, SplitParameters
from pipeline.photos.clusters import Company
from pipeline.photos.copies import Compared
from pipeline.photos.decisions import HumanDecision, Verdict, verdicts_of
from pipeline.photos.duplicates import same_photo_rows
from pipeline.photos.groups import (
    SceneCounts,
    scene_counts,
    told_apart,
    unmatched_decisions,
    with_decided_groups,
    with_scene_groups,
)
from pipeline.photos.keeping import Standing, choose, derived_photos, pinned_reasons
from pipeline.photos.reasons import FLAGS, QUALITY_REASONS, Reason, odd_sizes, quality_judge
from pipeline.photos.records import Batch, CleanRow, Decision, DuplicateRow, PhotoRow, Side
from pipeline.photos.scenes import NO_SCENES, Scenes, SceneVectors, find_scenes
from pipeline.photos.sides import Replay, arrivals_of, intake_positions, replay_sides

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
class Replayed:
    """Batches as they came, and what the replay of their photos settled."""

    batches: Sequence[Batch]
    position: Mapping[str, int]
    """The number of each batch, in order of intake."""
    replay: Replay
    same_photo: Sequence[DuplicateRow]
    """Pairs of tier 1 that took part."""


@dataclass(frozen=True)
class CleanResult:
    """What was decided."""

    photos: list[CleanRow]
    """Every photo that came in, sorted by path."""
    duplicates: list[DuplicateRow]
    scenes: SceneCounts
    unmatched: list[HumanDecision]
    """Decisions on photos that this run does not see, and on groups of which it sees one photo."""
    overruled: list[HumanDecision]
    """Decisions to keep photos that are unreadable, would let training see the test, or lie under two labels."""
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
    verdicts = verdicts_of(inputs.decisions)
    position = intake_positions(inputs.photos, inputs.batches)
    photos = [_relabelled(photo, verdicts) for photo in sorted(inputs.photos, key=lambda photo: photo.path)]
    photos = with_decided_groups(photos, inputs.decisions)
    unmatched = unmatched_decisions(photos, inputs.decisions)
    found, compared = same_photo_rows(photos, parameters, inputs.compared)
    pairs, two_photos = told_apart(photos, found, _kept_by_person(verdicts))
    scenes = _scenes(photos, position, inputs.vectors, found, parameters)
    scene_pairs = sorted(scenes.rows + two_photos, key=lambda row: (row.first, row.second))
    photos = with_scene_groups(photos, scene_pairs)
    replay = replay_sides(arrivals_of(photos, [*pairs, *scene_pairs], inputs.batches), split, seed)
    known_labels = {photo.label for photo in inputs.photos}
    judge = quality_judge(parameters)
    reasons = {photo.path: _own_reasons(photo, verdicts, known_labels, judge) for photo in photos}
    for path in odd_sizes(photos, parameters.max_size_spread):
        reasons[path] |= {Reason.ODD_SIZE}
    company = Company((photo for photo in photos if not photo.error), pairs, position)
    pinned = _pinned(photos, inputs.batches)
    _add_company(reasons, photos, company, pinned, Replayed(inputs.batches, position, replay, pairs))
    gone = {path for path, found in reasons.items() if _quarantines(found, is_pinned=path in pinned)}
    rows = _rows(photos, reasons, gone, company)
    _check_something_left(rows)
    overruled = _overruled(rows, verdicts)
    return CleanResult(
        photos=rows,
        duplicates=pairs + scene_pairs,
        scenes=scene_counts(rows, scene_pairs, scenes, replay.sides),
        unmatched=unmatched,
        overruled=overruled,
        warnings=[
            *_suspicious_rules(photos, reasons),
            *_capped_scenes(scenes, parameters),
            *(_overruled_sentence(one) for one in overruled),
        ],
        compared=compared,
    )


def _relabelled(photo: PhotoRow, verdicts: Mapping[str, HumanDecision]) -> PhotoRow:
    verdict = verdicts.get(photo.sha256)
    return replace(photo, label=verdict.label) if verdict and verdict.decision == Verdict.RELABEL else photo


def _kept_by_person(verdicts: Mapping[str, HumanDecision]) -> set[str]:
    return {sha256 for sha256, verdict in verdicts.items() if verdict.decision == Verdict.KEEP}


def _scenes(
    photos: Sequence[PhotoRow],
    position: dict[str, int],
    vectors: SceneVectors | None,
    same_photo: Sequence[DuplicateRow],
    parameters: CleanParameters,
) -> Scenes:
    if vectors is None:
        return NO_SCENES
    limits = (parameters.min_scene_cosine, parameters.max_scene_photos)
    return find_scenes(photos, position, vectors, same_photo, limits)


def _own_reasons(
    photo: PhotoRow,
    verdicts: Mapping[str, HumanDecision],
    known_labels: Set[str | None],
    judge: Callable[[PhotoRow], Set[Reason]],
) -> frozenset[Reason]:
    """What is said of a photo by itself."""
    reasons = frozenset({Reason.UNREADABLE} if photo.error else judge(photo))
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
    reasons: dict[str, frozenset[Reason]],
    photos: Sequence[PhotoRow],
    company: Company,
    pinned: Set[str],
    replayed: Replayed,
) -> None:
    """Add what is said of a photo for the sake of its copies to `reasons`."""
    labels = {photo.path: photo.label for photo in photos}
    for path, found in pinned_reasons(company, pinned, labels).items():
        reasons[path] |= found
    in_pinned_batch = {batch.batch for batch in replayed.batches if batch.side == Side.TEST}
    standing = Standing(
        candidates={
            photo.path: photo
            for photo in photos
            if photo.batch not in in_pinned_batch and not _quarantines(reasons[photo.path], is_pinned=False)
        },
        position=replayed.position,
        test={path for path, side in replayed.replay.sides.items() if side is Side.TEST},
        sent_out=replayed.replay.bridges,
        kept_by_person={path for path, found in reasons.items() if Reason.KEPT_BY_PERSON in found},
        derived=derived_photos(photos, replayed.same_photo),
    )
    choice = choose(company, standing)
    for reason, paths in (
        (Reason.BRIDGES_TEST, replayed.replay.bridges),
        (Reason.COPY_OF_KEPT, choice.copies),
        (Reason.LABEL_CONFLICT, choice.conflicts),
        (Reason.CONTESTED, choice.contested),
    ):
        for path in paths:
            reasons[path] |= {reason}


def _quarantines(reasons: Set[Reason], *, is_pinned: bool) -> bool:
    overruled = _OVERRULED_BY_PERSON if Reason.KEPT_BY_PERSON in reasons else frozenset()
    flags = FLAGS | set(QUALITY_REASONS) if is_pinned else FLAGS
    return bool(reasons - flags - overruled)


def _pinned(photos: Iterable[PhotoRow], batches: Iterable[Batch]) -> set[str]:
    names = {batch.batch for batch in batches if batch.side == Side.TEST}
    return {photo.path for photo in photos if photo.batch in names and not photo.error}


def _rows(
    photos: Sequence[PhotoRow], reasons: Mapping[str, Set[Reason]], gone: Set[str], company: Company
) -> list[CleanRow]:
    sha256_of = {photo.path: photo.sha256 for photo in photos}
    cluster_of = {
        path: CLUSTER_PREFIX + min(sha256_of[member] for member in members)[:_SHA256_DIGITS_SHOWN]
        for members in company.clusters()
        for path in members
    }
    return [
        CleanRow(
            path=photo.path,
            batch=photo.batch,
            label=photo.label,
            sha256=photo.sha256,
            decision=Decision.QUARANTINE.value if photo.path in gone else Decision.KEEP.value,
            reasons=",".join(sorted(reasons[photo.path])),
            group=photo.group,
            cluster=cluster_of.get(photo.path, ""),
            mask=photo.mask,
            url=photo.url,
            licence=photo.licence,
            author=photo.author,
            site=photo.site,
            taken_at=photo.taken_at,
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
    """Decisions to keep photos that are there and of which no copy with the same bytes stays."""
    kept = {row.sha256 for row in rows if row.decision == Decision.KEEP}
    return [verdicts[sha256] for sha256 in sorted({row.sha256 for row in rows} & _kept_by_person(verdicts) - kept)]


def _overruled_sentence(decision: HumanDecision) -> str:
    return (
        f"`keep` of {decision.sha256} is overruled: the photo is unreadable, a copy of the test, or filed under two "
        "labels, of which `relabel` would name one"
    )


def _suspicious_rules(photos: Sequence[PhotoRow], reasons: Mapping[str, Set[Reason]]) -> list[str]:
    """Rules that trip over so many photos that the rule is likely to be wrong, not the photos."""
    readable = [photo.path for photo in photos if not photo.error]
    counts = Counter(reason for path in readable for reason in reasons[path])
    return [
        f"{reason} trips over {counts[reason]} of {len(readable)} readable photos: look at some of them, and whether "
        "its threshold in params.yaml fits"
        for reason in (*QUALITY_REASONS, Reason.COLOURLESS)
        if counts[reason] > _SUSPICIOUS_SHARE * len(readable)
    ]


def _capped_scenes(scenes: Scenes, parameters: CleanParameters) -> list[str]:
    if not scenes.num_capped_pairs:
        return []
    return [
        f"{scenes.num_capped_groups} scenes would have more than {parameters.max_scene_photos} photos, "
        f"clean.max_scene_photos; {scenes.num_capped_pairs} pairs were left: look whether each shows one scene, and "
        "raise clean.min_scene_cosine where it does not"
    ]
